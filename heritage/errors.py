"""What can go wrong, in words that a registrar can act on.

Every error that this project raises on purpose derives from ``HeritageError`` and prints as one
line: which file, what is wrong, what to do. Anything else that reaches the user is a bug.
"""

from pathlib import Path


class HeritageError(Exception):
    """Base of all deliberate errors.

    Args:
        reason: What is wrong and what to do, as one sentence without the file's name.
        path: The file or folder concerned, if there is one.
    """

    def __init__(self, reason: str, path: Path | str | None = None) -> None:
        self.reason = " ".join(reason.split())
        self.path = None if path is None else Path(path)
        super().__init__(self.reason if self.path is None else f"{self.path}: {self.reason}")

    def __reduce__(self) -> tuple[type["HeritageError"], tuple[str, Path | None]]:
        """Survive the way back from a worker process."""
        return type(self), (self.reason, self.path)


class BadSetting(HeritageError):
    """A setting that is unknown or whose value makes no sense."""


class CatalogueRefused(HeritageError):
    """The catalogue cannot be opened, contradicts what is being recorded, or is too new."""


class CatalogueInterrupted(CatalogueRefused):
    """The connection to the catalogue broke, or somebody held it for too long: may pass."""


class MasterRefused(HeritageError):
    """A file that cannot be restored faithfully: not a TIFF, damaged, or of an unsupported kind."""


class MaskRefused(HeritageError):
    """A mask that does not fit its master, or says nothing."""


class NotEnoughMemory(HeritageError):
    """The memory allowed is less than the run is predicted to need."""


class NothingToRestore(HeritageError):
    """A master without mask, or whose mask is empty: left alone, which is no failure."""


class OutputInTheWay(HeritageError):
    """The output folder already holds something that must not be overwritten."""


class PackageRefused(HeritageError):
    """A package cannot be made of this.

    A name that not every system can keep, or files that are not those expected.
    """


class RestorationBusy(HeritageError):
    """Another process is working on the same restoration."""


class ServerUnreachable(HeritageError):
    """A server that is needed, for orchestration or time stamps, does not answer."""


class SetAside(HeritageError):
    """Tried in vain too often: left until a person has looked at it."""


class StorageFailed(HeritageError):
    """Disk full, share gone, file unreadable: the system under us failed."""


class UnknownModel(HeritageError):
    """No inpainter of that name, or its weights are missing or of the wrong shape."""


class VerificationFailed(HeritageError):
    """The files do not prove what they claim."""
