"""BagIt bags (RFC 8493) with SHA-256 and SHA-512, as they are made.

Written here, not by bagit-python: that changes the working directory of the whole process, which
has threads, and declares version 0.97. Other programs read these bags; tests see to it.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import heritage
from heritage.archive.bags.digests import ALGORITHMS, THREADS, digest, read_digests, walk
from heritage.archive.bags.manifests import TAG_FILES, manifest_text
from heritage.archive.bags.paths import collisions, composed, shown
from heritage.errors import OutputInTheWay, PackageRefused, StorageFailed
from heritage.restore.storage import storage, sync, sync_folder

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_FRAGILE = re.compile(r"[^\S\r\n](/|$)|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def make_bag(
    folder: Path,
    info: Mapping[str, str | Sequence[str]],
    hashes: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Make a bag of ``folder/data``, all of it on the disk when this returns.

    Stopped on the way, the same call makes it whole.

    Args:
        folder: Holds ``data`` and, at most, what an earlier call has left.
        info: Further lines of ``bag-info.txt`` by label; may say ``Bagging-Date``.
        hashes: SHA-256 and SHA-512 of every file by its path, such as ``data/mill.tif``, where
            they are known: then no file is read again.

    Raises:
        PackageRefused: If a name cannot be kept on every system, ``hashes`` are of other files, or
            a label of ``info`` is none.
        OutputInTheWay: If something else lies beside ``data``.
        StorageFailed: If a file cannot be read or written.
    """
    with storage(folder):
        paths, odd = walk(folder)
        payload = [path for path in paths if path.startswith("data/")]
        _require_ours(folder, [path for path in paths if not path.startswith("data/")])
        _require_portable(folder, payload, odd)
        if hashes is None:
            hashes = _read_all(folder, payload)
        if sorted(hashes) != payload:
            raise PackageRefused("the files are not those whose checksums are known", folder)
        size = sum((folder / path).stat().st_size for path in payload)
        oxum = f"{size}.{len(payload)}"
        _sync_payload(folder, payload)
        _write_tags(folder, {**_defaults(), **info, "Payload-Oxum": oxum}, hashes)


def _require_ours(folder: Path, beside: Iterable[str]) -> None:
    for path in beside:
        if path not in TAG_FILES:
            raise OutputInTheWay("lies beside data, and only a bag's own files may", folder / path)


def _require_portable(folder: Path, payload: Sequence[str], odd: Sequence[str]) -> None:
    if not payload:
        raise PackageRefused("holds no folder data with files in it", folder)
    if wrong := [*odd, *collisions(payload)]:
        raise PackageRefused(f"cannot be a bag: {wrong[0]}", folder)
    for path in payload:
        try:
            plain = composed(path) == path and bool(path.encode())
        except UnicodeEncodeError:
            plain = False
        if not plain or _FRAGILE.search(path):
            raise PackageRefused(
                f"the name {shown(path)} is not kept by every system: use composed Unicode (NFC), "
                "no control characters, no space at the end",
                folder,
            )


def _read_all(folder: Path, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    with ThreadPoolExecutor(THREADS) as pool:
        found, unread = read_digests(folder, paths, ALGORITHMS, pool)
    if unread:
        raise StorageFailed(unread[0], folder)
    return {path: (it.hashes["sha256"], it.hashes["sha512"]) for path, it in found.items()}


def _sync_payload(folder: Path, payload: Iterable[str]) -> None:
    for path in payload:
        sync(folder / path)
    for inside in {parent for path in payload for parent in Path(path).parents}:
        sync_folder(folder / inside)


def _defaults() -> dict[str, str]:
    return {
        "Bag-Software-Agent": f"heritage {heritage.__version__}",
        "Bagging-Date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }


def _write_tags(
    folder: Path,
    info: Mapping[str, str | Sequence[str]],
    hashes: Mapping[str, tuple[str, str]],
) -> None:
    files = {"bagit.txt": _DECLARATION, "bag-info.txt": _information(folder, info)}
    for place, name in enumerate(ALGORITHMS):
        known = ((path, both[place]) for path, both in hashes.items())
        files[f"manifest-{name}.txt"] = manifest_text(known)
    tags = {path: digest(data).hashes for path, data in files.items()}
    for name in ALGORITHMS:
        entries = ((path, it[name]) for path, it in tags.items())
        files[f"tagmanifest-{name}.txt"] = manifest_text(entries)
    for path, data in files.items():
        with (folder / path).open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    sync_folder(folder)


def _information(folder: Path, info: Mapping[str, str | Sequence[str]]) -> bytes:
    """The content of ``bag-info.txt``: one line a value, whatever breaks a line in it."""
    lines = []
    for label, values in info.items():
        if not _LABEL.fullmatch(label):
            raise PackageRefused(f"{label!r} cannot be a label of bag-info.txt", folder)
        for value in [values] if isinstance(values, str) else values:
            lines.append(f"{label}: {' '.join(value.split())}\n")
    return "".join(lines).encode()
