"""Which files a person means by the paths they give."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".tif", ".tiff")
OURS = (".mask", ".layer", ".restored")


@dataclass(frozen=True)
class Refused:
    """A path that cannot be worked on.

    Attributes:
        source: The path.
        reason: Why, and what to do, as one sentence.
    """

    source: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """What there is to work on.

    Attributes:
        masters: Files, those of a folder in the order of their names.
        refused: Paths that are neither a file nor a readable folder.
    """

    masters: tuple[Path, ...]
    refused: tuple[Refused, ...]


def find_masters(sources: Iterable[Path], leave_out: Iterable[Path] = ()) -> Found:
    """List the masters meant by files and folders.

    A file that is named is taken at its word, whatever it is called. In a folder, at any depth,
    TIFFs count that are not masks, layers or restorations by their names; what is hidden is left
    out, and so is what this project wrote itself.

    Args:
        sources: Files and folders.
        leave_out: Folders that are not entered, such as the output's.
    """
    masters: list[Path] = []
    refused: list[Refused] = []
    closed = {folder.resolve() for folder in leave_out}
    for source in sources:
        if source.is_dir():
            masters += _masters_below(source, closed, refused)
        elif source.exists():
            masters.append(source)
        else:
            refused.append(Refused(source, "does not exist; check the path"))
    return Found(tuple(masters), tuple(refused))


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
