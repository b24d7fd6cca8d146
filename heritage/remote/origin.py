"""Where a staged file came from: a note beside it, read by whoever records its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from heritage.remote.address import is_remote, shown
from heritage.remote.store import Stamp
from heritage.restore.canonical import canonical_json
from heritage.restore.storage import write_atomically

FOLDER: Final = "staging"
ENDING: Final = ".origin.json"


@dataclass(frozen=True)
class Origin:
    """What is known of a staged file.

    Attributes:
        url: Where it came from, or is going to; nothing secret in it.
        stamp: How the storage told it apart then.
        sha256: Of the complete file; None while it is being fetched.
        safe: Bytes that are on the disk for certain.
    """

    url: str
    stamp: Stamp
    sha256: str | None = None
    safe: int = 0

    def to_json(self) -> dict[str, Any]:
        """What a provenance record says of it."""
        return {"url": self.url, **self.stamp.to_json(), "sha256": self.sha256}


def note_path(staged: Path) -> Path:
    """Where the note about a staged file or folder lies."""
    return staged.with_name(staged.name + ENDING)


def write_origin(staged: Path, origin: Origin) -> None:
    """Write the note, in one step."""
    write_atomically(note_path(staged), canonical_json(origin.to_json() | {"safe": origin.safe}))


def read_origin(staged: Path) -> Origin | None:
    """The note about a staged file or folder; None where there is none that can be used."""
    try:
        said = json.loads(note_path(staged).read_bytes())
        stamp = Stamp.from_json(said)
        return Origin(str(said["url"]), stamp, said["sha256"], int(said["safe"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def address_of(path: Path | str) -> str | None:
    """The URL that a path stands for: as it travels, staged from there, or going to be sent there.

    For paths that are not below a folder called ``staging`` nothing is read.

    Returns:
        The URL, nothing secret in it; None for all other paths.
    """
    if is_remote(path):
        return shown(path)
    place = Path(path)
    if FOLDER not in place.parts:
        return None
    origin = read_origin(place)
    return None if origin is None else origin.url


def origin_facts(master: Path) -> dict[str, Any]:
    """What a provenance record says of a master that was fetched; nothing for a local one."""
    if FOLDER not in master.parts:
        return {}
    origin = read_origin(master)
    return {} if origin is None else {"place": origin.url, "origin": origin.to_json()}
