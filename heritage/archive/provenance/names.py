"""Names that hold everywhere: of files by their content, of what one restoration made, of terms.

Source: RFC 6920 for names of files.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from urllib.parse import quote

from rdflib import Namespace, URIRef

from heritage.archive.dossier import OUR_TERMS, Dossier
from heritage.errors import VerificationFailed

HR = Namespace(OUR_TERMS)
"""Our own terms, the same as in the XMP of the signed file."""

OA = Namespace("http://www.w3.org/ns/oa#")
"""Web Annotation."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def file_iri(sha256: str) -> URIRef:
    """The name of a file by its content, as RFC 6920 has it.

    Args:
        sha256: 64 small hexadecimal digits.

    Raises:
        VerificationFailed: If it is no SHA-256.

    >>> print(file_iri("00" * 32))
    ni:///sha-256;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    """
    if not _SHA256.fullmatch(sha256):
        raise VerificationFailed(
            f"{sha256!r} is no SHA-256: 64 small hexadecimal digits are needed"
        )
    digest = urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return URIRef(f"ni:///sha-256;{digest}")


def part_iri(dossier: Dossier, name: str) -> URIRef:
    """The name of something that exists in this restoration only.

    Args:
        dossier: Of the restoration.
        name: What it is; anything that an IRI may not hold is escaped.
    """
    return URIRef(f"{dossier.urn}#{quote(name, safe='')}")
