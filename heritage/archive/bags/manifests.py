"""Manifests of a bag (RFC 8493, 2.1.3): a line for each file, its checksum and its path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

from heritage.archive.bags.paths import composed, decode_breaks, decode_path, encode_path, shown

PROOF = "tagmanifest-sha256.txt"
"""The file of a bag from whose hash those of all others follow."""

TAG_FILES = (
    "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt",
    "tagmanifest-sha256.txt", "tagmanifest-sha512.txt",
)  # fmt: skip
"""All that lies beside ``data`` in our bags, in the order of writing."""

_ENTRY = re.compile(r"([0-9a-f]+)( \*|[ \t]+)(\S.*)", re.DOTALL)


def manifest_text(entries: Iterable[tuple[str, str]]) -> bytes:
    """The content of a manifest, from paths and their checksums."""
    return "".join(f"{it}  {encode_path(path)}\n" for path, it in sorted(entries)).encode()


def parse_manifest(
    data: bytes, algorithm: str, payload: bool, there: AbstractSet[str]
) -> tuple[dict[str, str], list[str]]:
    """Checksum by path, and what is wrong with the lines of a manifest.

    All lines must be parted in the same way: a byte changed between checksum and name, which
    changes no meaning, is then seen too.

    Args:
        data: The manifest.
        algorithm: Of its checksums.
        payload: Whether it lists what is in ``data``, or what is beside it.
        there: Paths of the files found, composed; they tell how percent signs are written.
    """
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        return {}, ["is not UTF-8"]
    wrong = [] if lines.pop() == "" else ["its last line does not end"]
    found = [_ENTRY.fullmatch(line) for line in lines]
    decode = _spelling([entry[3] for entry in found if entry], there)
    entries: dict[str, str] = {}
    gaps = set()
    length = 2 * hashlib.new(algorithm).digest_size
    for number, entry in enumerate(found, 1):
        path = composed(decode(entry[3])) if entry else ""
        if entry is None or len(entry[1]) != length or not _is_inside(path, payload):
            wrong.append(f"line {number} is not a checksum and a path of this bag")
        elif path in entries:
            wrong.append(f"lists {shown(path)} twice")
        else:
            entries[path] = entry[1]
            gaps.add(entry[2])
    if len(gaps) > 1:
        wrong.append("its lines are not all of one form")
    return entries, wrong


def _spelling(written: Sequence[str], there: AbstractSet[str]) -> Callable[[str], str]:
    """How to read a manifest's paths: as RFC 8493 says, or with percent signs as they stand.

    bagit-python and those who use it write the second. A manifest is of one maker: the reading
    that names more of the files there is right, and where both do, that of the RFC.
    """
    if not any("%25" in path for path in written):
        return decode_path
    return max(
        (decode_path, decode_breaks),
        key=lambda decode: len({composed(decode(path)) for path in written} & there),
    )


def _is_inside(path: str, payload: bool) -> bool:
    """Whether a path stays in the bag, in the part of it where it should be."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return False
    return (parts[0] == "data") == payload and len(parts) > payload
