"""Folders of an OCFL object on the disk: prepared out of sight, then put in their place whole."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from heritage.archive.ocfl.inventory import (
    INVENTORY,
    OBJECT,
    SIDECAR,
    Inventory,
    json_text,
    sidecar_text,
)
from heritage.errors import VerificationFailed
from heritage.restore.storage import sync_folder

_BLOCK = 1 << 20


def fill(
    folder: Path, name: str, source: Path, files: Mapping[str, str], inventory: Inventory
) -> None:
    """Write a version folder, all of it on the disk; adds what is new to the manifest.

    Args:
        folder: To be made.
        name: The version's, such as ``v2``.
        source: Holds the files.
        files: SHA-512 by path in ``source``.
        inventory: With this version, its manifest without what is new.

    Raises:
        VerificationFailed: If a file is not the one whose checksum is known.
    """
    folder.mkdir()
    manifest = inventory["manifest"]
    for path, digest in files.items():
        if digest not in manifest:
            target = folder / "content" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(source / path, target, digest)
            manifest[digest] = [f"{name}/content/{path}"]
    data = json_text(inventory)
    write_synced(folder / INVENTORY, data)
    write_synced(folder / SIDECAR, sidecar_text(data))
    _sync_tree(folder)


def promote(folder: Path, staging: Path, name: str) -> None:
    """Make a version folder's inventory the object's own; its digest last, as 3.6 demands."""
    for file in (INVENTORY, SIDECAR):
        write_synced(staging / file, (folder / name / file).read_bytes())
        (staging / file).replace(folder / file)
    sync_folder(folder)


def store_new(
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
    fill(staged / "v1", "v1", source, files, inventory)
    write_synced(staged / OBJECT, f"{OBJECT[2:]}\n".encode())
    for name in (INVENTORY, SIDECAR):
        write_synced(staged / name, (staged / "v1" / name).read_bytes())
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


def write_synced(path: Path, data: bytes) -> None:
    """Write a file, all of it on the disk when this returns."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_tree(folder: Path) -> None:
    for inside, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(inside))
