"""An OCFL 1.1 store: an object for each master, a version for each signed restoration of it.

Folders are arranged by the registered extension 0003, which keeps the identifier readable. Content
that an earlier version has is not stored again. A version becomes visible when the object's own
inventory is replaced, last, as the specification's implementation notes (3.7) advise: killed at any
instant, the object holds what it held, and the next call goes on.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import string
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from heritage.archive.bag import encode_path, read_digest, shown, walk
from heritage.errors import HeritageError, OutputInTheWay, RestorationBusy, VerificationFailed
from heritage.restore.lock import RestorationLock
from heritage.restore.storage import remove_folder, storage, sync_folder

LAYOUT = "0003-hash-and-id-n-tuple-storage-layout"
OBJECT = "0=ocfl_object_1.1"
INVENTORY = "inventory.json"
SIDECAR = "inventory.json.sha512"

_ROOT = "0=ocfl_1.1"
_STAGING = "heritage-staging"
_TYPE = "https://ocfl.io/1.1/spec/#inventory"
_CONFIG = {
    "extensionName": LAYOUT, "digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 3,
}  # fmt: skip
_SAFE = frozenset(string.ascii_letters + string.digits + "-_")
_BLOCK = 1 << 20

Inventory = dict[str, Any]


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


def add_version(
    root: Path,
    identifier: str,
    source: Path,
    message: str,
    user: tuple[str, str | None],
    created: datetime,
    hashes: Mapping[str, str] | None = None,
) -> str:
    """Store the files below ``source`` as the next version of an object, or as its first.

    Called again with the same version, as after a crash, it finishes what was begun and adds
    nothing.

    Args:
        root: The store; made where there is none.
        identifier: Of the object; should be a URI.
        source: All files of the new version, those of earlier versions that stay included.
        message: Why there is this version.
        user: Name of whoever signs for it, and a URI of theirs such as ``mailto:``, or None.
        created: When; with a time zone.
        hashes: SHA-512 by path in ``source``, where they are known: then only files new to the
            object are read.

    Returns:
        The version's name, such as ``v2``.

    Raises:
        HeritageError: If ``source`` holds no files, links, or others than ``hashes``; if the
            identifier is empty or the time has no zone.
        OutputInTheWay: If ``root`` holds something else than such a store.
        RestorationBusy: If another process is writing the same object.
        StorageFailed: If a file cannot be read or written.
        VerificationFailed: If the object is damaged, or a file changed while it was copied.
    """
    if not identifier or not identifier.isprintable():
        raise HeritageError("an object needs an identifier of printable characters", root)
    if created.tzinfo is None:
        raise HeritageError("the time of a version needs a time zone", source)
    with storage(root):
        _make_store(root)
        files = _files(source, hashes)
        folder = object_folder(root, identifier)
        with _staging(root, folder) as staging:
            known = _settle(folder, staging, identifier)
            version = {
                "created": created.isoformat(),
                "message": message,
                "state": _by_digest(files),
                "user": {"name": user[0]} | ({"address": user[1]} if user[1] else {}),
            }
            if known and known["versions"][known["head"]] == version:
                return str(known["head"])
            name = f"v{len(known['versions']) + 1 if known else 1}"
            inventory = _inventory(identifier, known, name, version)
            if known:
                _fill(staging / name, name, source, files, inventory)
                (staging / name).rename(folder / name)
                sync_folder(folder)
                _promote(folder, staging, name)
            else:
                _store_new(root, folder, staging, source, files, inventory)
            return name


def check_object(folder: Path) -> list[str]:
    """Check an object of ours: every byte of content, every inventory, nothing missing or added.

    Args:
        folder: The object's folder.

    Returns:
        One sentence for each thing that is wrong, beginning with the file; empty where all is well.
    """
    try:
        paths, findings = walk(folder)
        inventory = json.loads((folder / INVENTORY).read_bytes())
        return findings + list(_differences(folder, set(paths), inventory))
    except OSError as error:
        return [f"{Path(error.filename or folder).name}: cannot be read ({error.strerror})"]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return [f"{INVENTORY}: was changed: it is no inventory"]


def _make_store(root: Path) -> None:
    """Declare an empty folder a store, or see that ``root`` is one of ours."""
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
    _put(root / config, _json(_CONFIG))
    _put(root / "ocfl_layout.json", _json(layout))
    sync_folder(root / "extensions")
    _put(root / _ROOT, f"{_ROOT[2:]}\n".encode())
    sync_folder(root.resolve().parent)


@contextmanager
def _staging(root: Path, folder: Path) -> Iterator[Path]:
    """An empty folder of the store that validators pass over, held for one object."""
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


def _settle(folder: Path, staging: Path, identifier: str) -> Inventory | None:
    """The object's inventory, after finishing what a killed process began; None if it is new.

    A version folder appears whole, before the object's own inventory and digest are replaced. So
    what a kill can leave is the newest version beside the inventory, the digest, or both of the
    version before.
    """
    if not folder.exists():
        return None
    count = sum(1 for entry in folder.iterdir() if re.fullmatch(r"v[1-9]\d*", entry.name))
    try:
        newest, before = _pair(folder / f"v{count}"), _pair(folder / f"v{max(count - 1, 1)}")
        own = _pair(folder)
        inventory: Inventory = json.loads(newest[0])
        sound = newest[1] == _sidecar(newest[0]) and inventory["id"] == identifier
        sound &= inventory["head"] == f"v{count}" and len(inventory["versions"]) == count
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound or own[0] not in (newest[0], before[0]) or own[1] not in (newest[1], before[1]):
        raise VerificationFailed("this object is damaged: check it before adding to it", folder)
    if own != newest:
        _promote(folder, staging, f"v{count}")
    return inventory


def _inventory(
    identifier: str, known: Inventory | None, name: str, version: Mapping[str, Any]
) -> Inventory:
    """The inventory with one more version, its manifest without what is new."""
    return {
        "id": identifier,
        "type": _TYPE,
        "digestAlgorithm": "sha512",
        "head": name,
        "manifest": dict(known["manifest"]) if known else {},
        "versions": {**(known["versions"] if known else {}), name: version},
    }


def _store_new(
    root: Path,
    folder: Path,
    staging: Path,
    source: Path,
    files: Mapping[str, str],
    inventory: Inventory,
) -> None:
    """Let a new object appear whole, with those folders above it that are not there yet."""
    relative = folder.relative_to(root)
    staged = staging / relative
    staged.mkdir(parents=True)
    _fill(staged / "v1", "v1", source, files, inventory)
    _write(staged / OBJECT, f"{OBJECT[2:]}\n".encode())
    for name in (INVENTORY, SIDECAR):
        _write(staged / name, (staged / "v1" / name).read_bytes())
    _sync_tree(staging)
    _appear(staging, root, relative)


def _appear(staging: Path, root: Path, relative: Path) -> None:
    """Move a staged object to its place by renaming the topmost folder that is not there yet."""
    for depth in range(1, len(relative.parts) + 1):
        top = Path(*relative.parts[:depth])
        if (root / top).exists():
            continue
        try:
            (staging / top).rename(root / top)
        except OSError as error:
            # Another object that shares this folder came first: go on below it.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) or root / top == root / relative:
                raise
        else:
            sync_folder((root / top).parent)
            return


def _fill(
    folder: Path, name: str, source: Path, files: Mapping[str, str], inventory: Inventory
) -> None:
    """Write a version folder, all of it on the disk; adds what is new to the manifest."""
    folder.mkdir()
    manifest = inventory["manifest"]
    for path, digest in files.items():
        if digest not in manifest:
            target = folder / "content" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(source / path, target, digest)
            manifest[digest] = [f"{name}/content/{path}"]
    data = _json(inventory)
    _write(folder / INVENTORY, data)
    _write(folder / SIDECAR, _sidecar(data))
    _sync_tree(folder)


def _promote(folder: Path, staging: Path, name: str) -> None:
    """Make a version folder's inventory the object's own; its digest last, as 3.6 demands."""
    for file in (INVENTORY, SIDECAR):
        _write(staging / file, (folder / name / file).read_bytes())
        (staging / file).replace(folder / file)
    sync_folder(folder)


def _files(source: Path, hashes: Mapping[str, str] | None) -> dict[str, str]:
    """SHA-512 of each file below a folder by its path there."""
    paths, odd = walk(source)
    if odd or not paths:
        raise HeritageError(odd[0] if odd else "holds no files", source)
    for path in paths:
        if shown(path) != encode_path(path):
            raise HeritageError(f"the name {shown(path)} is not Unicode; rename it", source)
    if hashes is None:
        return {it: read_digest(f"{source}/{it}", ["sha512"]).hashes["sha512"] for it in paths}
    if sorted(hashes) != paths:
        raise HeritageError("the files are not those whose checksums are known", source)
    return dict(sorted(hashes.items()))


def _by_digest(files: Mapping[str, str]) -> dict[str, list[str]]:
    state: dict[str, list[str]] = {}
    for path, digest in files.items():
        state.setdefault(digest, []).append(path)
    return state


def _copy(source: Path, target: Path, digest: str) -> None:
    """Copy a file, seeing that what is written is what was meant."""
    hasher = hashlib.sha512()
    with source.open("rb") as reading, target.open("xb") as writing:
        while block := reading.read(_BLOCK):
            hasher.update(block)
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    if hasher.hexdigest() != digest:
        raise VerificationFailed("is not the file whose checksum is known", source)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _put(path: Path, data: bytes) -> None:
    """Write in one step, even if threads write the same file at once."""
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    _write(partial, data)
    partial.replace(path)
    sync_folder(path.parent)


def _sync_tree(folder: Path) -> None:
    for inside, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(inside))


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _sidecar(inventory: bytes) -> bytes:
    return f"{hashlib.sha512(inventory).hexdigest()}  {INVENTORY}\n".encode()


def _pair(folder: Path) -> tuple[bytes, bytes]:
    """An inventory and the file with its digest."""
    return (folder / INVENTORY).read_bytes(), (folder / SIDECAR).read_bytes()


def _differences(folder: Path, paths: set[str], inventory: Inventory) -> Iterator[str]:
    """Sentences about where files and inventories do not agree.

    Raises:
        OSError: If a file cannot be read.
        KeyError: If the inventory is none; also TypeError, ValueError, AttributeError.
    """
    versions, manifest = inventory["versions"], inventory["manifest"]
    names = [f"v{number}" for number in range(1, len(versions) + 1)]
    if list(versions) != names or inventory["head"] != names[-1]:
        yield f"{INVENTORY}: was changed: its versions are not {', '.join(names)}"
    content = {path: digest for digest, those in manifest.items() for path in those}
    administrative = {f"{it}{file}" for it in ("", *(f"{name}/" for name in names))
                      for file in (INVENTORY, SIDECAR)}  # fmt: skip
    expected = {OBJECT, *administrative, *content}
    yield from (f"{shown(path)}: is missing" for path in sorted(expected - paths))
    yield from (f"{shown(path)}: does not belong here" for path in sorted(paths - expected))
    if OBJECT in paths and (folder / OBJECT).read_bytes() != f"{OBJECT[2:]}\n".encode():
        yield f"{OBJECT}: was changed: it does not declare an object of OCFL 1.1"
    if administrative <= paths:
        yield from _disagreeing(folder, names, inventory)
    for path in sorted(content.keys() & paths):
        if read_digest(f"{folder}/{path}", ["sha512"]).hashes["sha512"] != content[path]:
            yield f"{shown(path)}: was changed: its checksum is not the one in the inventory"


def _disagreeing(folder: Path, names: list[str], inventory: Inventory) -> Iterator[str]:
    """Sentences about inventories that do not fit their digest, or one another."""
    own, newest = _pair(folder), _pair(folder / names[-1])
    for place, file in enumerate((INVENTORY, SIDECAR)):
        if own[place] != newest[place]:
            good = _sidecar(own[0]) in (own[1], newest[1])
            sound = own[place] == _sidecar(own[0]) if place else good
            yield f"{f'{names[-1]}/' if sound else ''}{file}: was changed: its twin differs"
    for name in names:
        data, sidecar = _pair(folder / name)
        if sidecar != _sidecar(data) and (name != names[-1] or own == newest):
            yield f"{name}/{INVENTORY}: does not fit {name}/{SIDECAR}: one of them was changed"
            continue
        if name != names[-1]:
            earlier = json.loads(data)
            for version, said in earlier["versions"].items():
                if inventory["versions"].get(version) != said:
                    yield f"{name}/{INVENTORY}: tells otherwise of {version} than {INVENTORY}"
    for name, version in inventory["versions"].items():
        for digest in version["state"].keys() - inventory["manifest"].keys():
            yield f"{INVENTORY}: has files in {name} without content, {digest[:16]}"
