"""An OCFL 1.1 store: an object for each master, a version for each signed restoration of it.

Content that an earlier version has is not stored again. A version becomes visible when the object's
own inventory is replaced, last, as the specification's implementation notes (3.7) advise: killed at
any instant, the object holds what it held, and the next call goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from heritage.archive.bags.digests import read_digest, walk
from heritage.archive.bags.paths import encode_path, shown
from heritage.archive.ocfl.folders import fill, promote, store_new
from heritage.archive.ocfl.inventory import (
    Inventory,
    by_digest,
    next_inventory,
    read_pair,
    sidecar_text,
)
from heritage.archive.ocfl.store import make_store, object_folder, staging_for
from heritage.errors import HeritageError, VerificationFailed
from heritage.restore.storage import storage, sync_folder


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
        make_store(root)
        files = _files(source, hashes)
        folder = object_folder(root, identifier)
        with staging_for(root, folder) as staging:
            known = _settle(folder, staging, identifier)
            version = {
                "created": created.isoformat(),
                "message": message,
                "state": by_digest(files),
                "user": {"name": user[0]} | ({"address": user[1]} if user[1] else {}),
            }
            if known and known["versions"][known["head"]] == version:
                return str(known["head"])
            name = f"v{len(known['versions']) + 1 if known else 1}"
            inventory = next_inventory(identifier, known, name, version)
            if known:
                fill(staging / name, name, source, files, inventory)
                (staging / name).rename(folder / name)
                sync_folder(folder)
                promote(folder, staging, name)
            else:
                store_new(root, folder, staging, source, files, inventory)
            return name


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
        before = read_pair(folder / f"v{max(count - 1, 1)}")
        newest, own = read_pair(folder / f"v{count}"), read_pair(folder)
        inventory: Inventory = json.loads(newest[0])
        sound = newest[1] == sidecar_text(newest[0]) and inventory["id"] == identifier
        sound &= inventory["head"] == f"v{count}" and len(inventory["versions"]) == count
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound or own[0] not in (newest[0], before[0]) or own[1] not in (newest[1], before[1]):
        raise VerificationFailed("this object is damaged: check it before adding to it", folder)
    if own != newest:
        promote(folder, staging, f"v{count}")
    return inventory


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
