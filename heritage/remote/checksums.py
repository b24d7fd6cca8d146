"""Whether an object in storage is a local file: by its checksum, else by reading it back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from heritage.remote.address import Address
from heritage.remote.faults import NotThere
from heritage.remote.store import Stamp, Store

MIB: Final = 1 << 20
PARTS: Final = tuple(size * MIB for size in (5, 8, 10, 15, 16, 25, 32, 50, 64, 100, 128))
"""Sizes in which programs send large objects to S3, whose ETag then is made of the parts'."""


def is_there(store: Store, address: Address, local: Path, sha256: str) -> Stamp | None:
    """What an object is, if it holds exactly the bytes of a local file.

    Args:
        store: Where it is.
        address: Which one.
        local: The file.
        sha256: Of the file.

    Returns:
        Its stamp; None if it is not there or differs.
    """
    try:
        stamp = store.stat(address)
    except NotThere:
        return None
    if stamp.bytes != local.stat().st_size:
        return None
    if proves(stamp, local) or read_back(store, address, stamp) == sha256:
        return stamp
    return None


def proves(stamp: Stamp, local: Path) -> bool:
    """Whether the storage's own checksum is that of a local file.

    An S3 ETag is the MD5 of the object, or of the MD5s of its parts with their number behind it;
    with some kinds of encryption it is neither. So an equal one proves, a different one does not.
    """
    tag = (stamp.tag or "").strip('"')
    whole, _, parts = tag.partition("-")
    if stamp.md5 is None and len(whole) != 32:
        return False
    if not parts.isdigit():
        return _md5(local) in (stamp.md5, tag)
    count, size = int(parts), local.stat().st_size
    sizes = [part for part in PARTS if -(-size // part) == count]
    return any(tag == multipart_tag(local, part) for part in sizes)


def multipart_tag(local: Path, part: int) -> str:
    """The ETag that S3 gives to a file sent in parts of ``part`` bytes."""
    sums = [hashlib.md5(piece, usedforsecurity=False).digest() for piece in _pieces(local, part)]
    return f"{hashlib.md5(b''.join(sums), usedforsecurity=False).hexdigest()}-{len(sums)}"


def read_back(store: Store, address: Address, stamp: Stamp) -> str:
    """SHA-256 of an object as it is in storage."""
    digest = hashlib.sha256()
    for piece in store.read(address, 0, stamp.bytes, stamp):
        digest.update(piece)
    return digest.hexdigest()


def _md5(local: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in _pieces(local, 8 * MIB):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(local: Path, size: int) -> Iterator[bytes]:
    with local.open("rb") as file:
        while piece := file.read(size):
            yield piece
