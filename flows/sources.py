"""Which files a person means by the paths they give."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heritage.errors import HeritageError
from heritage.remote.address import is_remote, local_path

ENDINGS = (".tif", ".tiff")
OURS = (".mask", ".protect", ".fill", ".layer", ".restored", ".toned")


@dataclass(frozen=True)
class Refused:
    """A path or URL that cannot be worked on.

    Attributes:
        source: The path; a URL as it travels.
        reason: Why, and what to do, as one sentence.
    """

    source: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """What there is to work on.

    Attributes:
        masters: Files, those of a folder in the order of their names; URLs as they travel.
        refused: Paths that are neither a file nor a readable folder.
    """

    masters: tuple[Path, ...]
    refused: tuple[Refused, ...]


def find_masters(sources: Iterable[Path], leave_out: Iterable[Path] = ()) -> Found:
    """List the masters meant by files, folders and URLs.

    A file that is named is taken at its word, whatever it is called. In a folder, at any depth,
    TIFFs count that are not masks, layers or restorations by their names; what is hidden is left
    out, and so is what this project wrote itself.

    Args:
        sources: Files and folders, here or by URL.
        leave_out: Folders that are not entered, such as the output's.
    """
    masters: list[Path] = []
    refused: list[Refused] = []
    shut = tuple(leave_out)
    closed = {folder.resolve() for folder in shut if not is_remote(folder)}
    for named in sources:
        source = named
        if is_remote(named):
            here = _local_or_remote(named, shut, masters, refused)
            if here is None:
                continue
            source = here
        if source.is_dir():
            masters += _masters_below(source, closed, refused)
        elif source.exists():
            masters.append(source)
        else:
            refused.append(Refused(source, "does not exist; check the path"))
    return Found(tuple(masters), tuple(refused))


def _local_or_remote(
    named: Path, shut: tuple[Path, ...], masters: list[Path], refused: list[Refused]
) -> Path | None:
    """The local file that a ``file:`` URL means; for all others the lists are added to."""
    try:
        here = local_path(named)
        if here is None:
            from heritage.remote.listing import masters_at

            masters += masters_at(named, is_master_name, shut)
    except HeritageError as error:
        refused.append(Refused(error.path or named, error.reason))
        return None
    return here


def _masters_below(folder: Path, closed: set[Path], refused: list[Refused]) -> Iterator[Path]:
    """Masters in one folder, by name, with what cannot be read added to ``refused``."""

    def remember(error: OSError) -> None:
        where = Path(str(error.filename or folder))
        refused.append(
            Refused(where, f"cannot be read ({error.strerror}); give it to its reader or leave it")
        )

    for place, folders, files in os.walk(folder, onerror=remember):
        here = Path(place)
        folders[:] = sorted(name for name in folders if _is_open(here / name, closed))
        yield from (here / name for name in sorted(files) if is_master_name(name))


def _is_open(folder: Path, closed: set[Path]) -> bool:
    return not folder.name.startswith(".") and folder.resolve() not in closed


def is_master_name(name: str) -> bool:
    """Whether a file of this name in a folder counts as a master."""
    file = Path(name.lower())
    ours = file.stem.endswith(OURS) or name.startswith(".")
    return file.suffix in ENDINGS and not ours
