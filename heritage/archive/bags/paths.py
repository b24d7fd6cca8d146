r"""Names of files in a bag: how they stand in manifests and messages, and when two are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ENCODED = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_DECODED = {coded: plain for plain, coded in _ENCODED.items()}


def shown(path: str) -> str:
    """A path in one line that any terminal can print."""
    return encode_path(path).encode("utf-8", "backslashreplace").decode()


def encode_path(path: str) -> str:
    r"""A path as it stands in a manifest (RFC 8493, 2.1.3).

    >>> encode_path("data/100%\n.tif")
    'data/100%25%0A.tif'
    """
    return re.sub("[%\r\n]", lambda found: _ENCODED[found[0]], path)


def decode_path(path: str) -> str:
    """The reverse of ``encode_path``; other percent signs stay as they are."""
    if "%" not in path:
        return path
    return re.sub("%(25|0[AaDd])", lambda found: _DECODED[found[0].upper()], path)


def decode_breaks(path: str) -> str:
    """A path as it stands in manifests of bagit-python, which leaves percent signs as they are.

    >>> decode_breaks("data/100%25.tif")
    'data/100%25.tif'
    """
    return re.sub("%(0[AaDd])", lambda found: _DECODED[found[0].upper()], path)


def composed(path: str) -> str:
    """A path in Unicode's composed form: some systems decompose the names they are given."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def collisions(paths: Iterable[str]) -> list[str]:
    """Sentences about names that are one name on systems without upper and lower case."""
    first: dict[str, str] = {}
    found = []
    for path in paths:
        known = first.setdefault(composed(path.casefold()), path)
        if known != path:
            found.append(f"{shown(path)}: is the same name as {shown(known)} on some systems")
    return found
