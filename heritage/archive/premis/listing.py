"""What lies in a package: every file of its payload, hashed in one reading."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from heritage.archive.premis.formats import HEAD, kind_of
from heritage.archive.premis.markup import UNWRITABLE
from heritage.errors import StorageFailed, VerificationFailed

PAYLOAD = "data"
"""Folder of a bag in which the payload lies (RFC 8493, section 2.1.2)."""

CHUNK = 4 << 20
"""Bytes read at once."""


@dataclass(frozen=True)
class PackagedFile:
    """One file of a package.

    Args:
        path: From the bag's root, with slashes: ``data/restoration/mill/mill.restored.tif``.
        role: What it is for: ``restored``, ``mask``, ``layer``, ``provenance``, ``evidence``,
            ``uncertainty``, ``original``, ``report``, ``access``, ``manifest``, ``metadata`` or
            ``credentials``.
        sha256: Of the file, in hexadecimal.
        sha512: Of the file, in hexadecimal.
        bytes: Of the file.
        media_type: As registered with IANA.
        format_name: As PRONOM calls it.
        format_version: Where it has one and it is known.
        pronom: Its number in PRONOM, such as ``fmt/353``; None where it is not certain.
    """

    path: str
    role: str
    sha256: str
    sha512: str
    bytes: int
    media_type: str
    format_name: str
    format_version: str | None
    pronom: str | None


def list_files(
    root: Path, roles: Mapping[str, str], known: Mapping[str, PackagedFile] | None = None
) -> tuple[PackagedFile, ...]:
    """The files below ``root/data`` that have a role, by path; each is read once, for both hashes.

    Args:
        root: Folder of the bag.
        roles: Role by path from the root: of a file, or of a folder for all that lies below it;
            the longest path that fits has the say. What has no role is left out.
        known: Files that need not be read again, by path.

    Raises:
        VerificationFailed: For a link or anything else that is no file or folder, and for a name
            that XML cannot hold.
        StorageFailed: If something cannot be read.
    """
    try:
        paths = sorted(_payload(root / PAYLOAD, PAYLOAD))
    except OSError as error:
        raise StorageFailed(f"cannot be listed: {error.strerror}", root / PAYLOAD) from error
    found = known or {}
    return tuple(
        found[path] if path in found else describe_file(root, path, role)
        for path in paths
        if (role := _role(path, roles)) is not None
    )


def describe_file(root: Path, path: str, role: str) -> PackagedFile:
    """One file of a package, read once.

    Args:
        root: Folder of the bag.
        path: From there, with slashes.
        role: What it is for.

    Raises:
        StorageFailed: If it cannot be read.
    """
    sha256, sha512, size, head = hashlib.sha256(), hashlib.sha512(), 0, b""
    try:
        with (root / path).open("rb") as file:
            while chunk := file.read(CHUNK):
                head = head or chunk[:HEAD]
                sha256.update(chunk)
                sha512.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise StorageFailed(f"cannot be read: {error.strerror}", root / path) from error
    kind = kind_of(PurePosixPath(path).suffix, head)
    return PackagedFile(
        path=path,
        role=role,
        sha256=sha256.hexdigest(),
        sha512=sha512.hexdigest(),
        bytes=size,
        media_type=kind.media_type,
        format_name=kind.name,
        format_version=kind.version,
        pronom=kind.pronom,
    )


def _payload(folder: Path, place: str) -> Iterator[str]:
    """Paths of all files below a folder, which links never lead out of."""
    if folder.is_symlink():
        raise VerificationFailed("is a link; a package holds the files themselves", folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if UNWRITABLE.search(entry.name):
                raise VerificationFailed(
                    f"holds {entry.name!r}, a name that XML cannot hold; rename it", folder
                )
            below = f"{place}/{entry.name}"
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _payload(folder / entry.name, below)
            elif stat.S_ISREG(mode):
                yield below
            else:
                kind = "a link" if stat.S_ISLNK(mode) else "neither file nor folder"
                raise VerificationFailed(
                    f"is {kind}; a package holds the files themselves", folder / entry.name
                )


def _role(path: str, roles: Mapping[str, str]) -> str | None:
    place = PurePosixPath(path)
    fitting = (roles.get(str(candidate)) for candidate in (place, *place.parents))
    return next((role for role in fitting if role is not None), None)
