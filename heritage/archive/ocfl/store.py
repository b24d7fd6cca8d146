"""The folder of an OCFL store: its declaration, where objects lie in it, where they are prepared.

Folders are arranged by the registered extension 0003, which keeps the identifier readable.
"""

from __future__ import annotations

import hashlib
import json
import string
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from heritage.archive.ocfl.folders import write_synced
from heritage.archive.ocfl.inventory import json_text
from heritage.errors import OutputInTheWay, RestorationBusy
from heritage.restore.lock import RestorationLock
from heritage.restore.storage import remove_folder, sync_folder

LAYOUT = "0003-hash-and-id-n-tuple-storage-layout"

_ROOT = "0=ocfl_1.1"
_STAGING = "heritage-staging"
_CONFIG = {
    "extensionName": LAYOUT, "digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 3,
}  # fmt: skip
_SAFE = frozenset(string.ascii_letters + string.digits + "-_")


def object_folder(root: Path, identifier: str) -> Path:
    """Where an object lies in a store, whether or not it is there (extension 0003).

    >>> object_folder(Path("store"), "object-01").as_posix()
    'store/3c0/ff4/240/object-01'
    """
    digest = hashlib.sha256(identifier.encode()).hexdigest()
    name = "".join(
        letter if letter in _SAFE else "".join(f"%{byte:02x}" for byte in letter.encode())
        for letter in identifier
    )
    name = name if len(name) <= 100 else f"{name[:100]}-{digest}"
    return root / digest[:3] / digest[3:6] / digest[6:9] / name


def make_store(root: Path) -> None:
    """Declare an empty folder a store, or see that ``root`` is one of ours.

    Raises:
        OutputInTheWay: If it holds something else.
    """
    config = f"extensions/{LAYOUT}/config.json"
    layout = {"extension": LAYOUT, "description": "SHA-256 of the identifier, then it in full"}
    if (root / _ROOT).is_file():
        try:
            said = json.loads((root / "ocfl_layout.json").read_bytes())["extension"]
            ours = said == LAYOUT and json.loads((root / config).read_bytes()) == _CONFIG
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            ours = False
        if not ours:
            raise OutputInTheWay(f"is an OCFL store of another layout than {LAYOUT}", root)
        return
    root.mkdir(parents=True, exist_ok=True)
    for entry in root.iterdir():
        known = entry.name in ("extensions", "ocfl_layout.json") or entry.suffix == ".part"
        if not known and not (root / _ROOT).is_file():  # another may have made it meanwhile
            raise OutputInTheWay("is not empty and not an OCFL store; choose another folder", root)
    (root / config).parent.mkdir(parents=True, exist_ok=True)
    _put(root / config, json_text(_CONFIG))
    _put(root / "ocfl_layout.json", json_text(layout))
    sync_folder(root / "extensions")
    _put(root / _ROOT, f"{_ROOT[2:]}\n".encode())
    sync_folder(root.resolve().parent)


@contextmanager
def staging_for(root: Path, folder: Path) -> Iterator[Path]:
    """An empty folder of the store that validators pass over, held for one object.

    Raises:
        RestorationBusy: If another process holds it.
    """
    area = root / "extensions" / _STAGING
    name = hashlib.sha256(folder.name.encode()).hexdigest()
    try:
        while True:
            area.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # another process has just removed the empty area
                lock = RestorationLock(area, name)
                break
    except RestorationBusy:
        reason = "another process is writing this object; wait for it and try again"
        raise RestorationBusy(reason, folder) from None
    try:
        remove_folder(area / name)
        (area / name).mkdir()
        yield area / name
    finally:
        remove_folder(area / name)
        lock.release()
        with suppress(OSError):  # another object is being written
            area.rmdir()


def _put(path: Path, data: bytes) -> None:
    """Write in one step, even if threads write the same file at once."""
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    write_synced(partial, data)
    partial.replace(path)
    sync_folder(path.parent)
