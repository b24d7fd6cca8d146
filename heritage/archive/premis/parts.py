"""The pieces that every entity of a PREMIS document is made of.

PREMIS 3.0, Data Dictionary of November 2015, and its XML schema of January 2016.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from heritage.archive.premis import terms
from heritage.archive.premis.listing import PackagedFile
from heritage.archive.premis.markup import Vocabulary, clean
from heritage.archive.premis.terms import Term

NAMESPACE = "http://www.loc.gov/premis/v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
TYPE = f"{{{XSI}}}type"

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

P = Vocabulary(NAMESPACE, {"premis": NAMESPACE, "xsi": XSI})


@dataclass(frozen=True)
class Identity:
    """By what an entity is known in the document.

    Args:
        kind: What the value is: ``local``, ``URN``, ``SHA-256``, ``accession number``.
        value: Unique among those of its kind.
    """

    kind: str
    value: str


def local(value: str) -> Identity:
    """An identity that only this document knows."""
    return Identity("local", clean(value))


def identifier(stem: str, identity: Identity, *more: Any) -> Any:  # noqa: ANN401
    """An identifier, or a link to one.

    Args:
        stem: Of the element's name: ``object``, ``linkingAgent``, ``relatedEvent``.
        identity: What is identified.
        more: What follows type and value.
    """
    return P(
        f"{stem}Identifier",
        P(f"{stem}IdentifierType", identity.kind),
        P(f"{stem}IdentifierValue", identity.value),
        *more,
    )


def controlled(name: str, term: Term) -> Any:  # noqa: ANN401
    """An element whose value is a word of a vocabulary, with the addresses of both."""
    return P(
        name,
        term.label,
        authority=term.vocabulary,
        authorityURI=term.authority,
        valueURI=term.uri,
    )


def thing(kind: str, *content: Any) -> Any:  # noqa: ANN401
    """An object; ``kind`` is ``intellectualEntity``, ``representation`` or ``file``."""
    element = P("object", *content)
    element.set(TYPE, f"premis:{kind}")
    return element


def significant(kind: str, value: str) -> Any:  # noqa: ANN401
    """What has to be known of an object, whatever becomes of its bytes."""
    return P(
        "significantProperties",
        P("significantPropertiesType", kind),
        P("significantPropertiesValue", value),
    )


def fixity(algorithm: Term, digest: str) -> Any:  # noqa: ANN401
    """A checksum that this program computed."""
    return P(
        "fixity",
        controlled("messageDigestAlgorithm", algorithm),
        P("messageDigest", digest),
        P("messageDigestOriginator", "heritage"),
    )


def file_format(file: PackagedFile | None, note: str | None = None) -> Any:  # noqa: ANN401
    """Of a file; a master that is not in the package is a TIFF of a kind unknown."""
    name = file.format_name if file else "Tagged Image File Format"
    version = file.format_version if file else None
    pronom = file.pronom if file else None
    return P(
        "format",
        P(
            "formatDesignation",
            P("formatName", name),
            P("formatVersion", version) if version else None,
        ),
        P("formatRegistry", P("formatRegistryName", "PRONOM"), P("formatRegistryKey", pronom))
        if pronom
        else None,
        P("formatNote", note) if note else None,
    )


def packed(path: str) -> Any:  # noqa: ANN401
    """Where a file of the package lies: an address relative to the bag's root."""
    return _stored(controlled("contentLocationType", terms.URI), quote(path))


def storage(place: str) -> Any:  # noqa: ANN401
    """Where a file outside the package lay: an address, or a path that one house understands."""
    kind = (
        controlled("contentLocationType", terms.URI)
        if ADDRESS.match(place)
        else P("contentLocationType", "path")
    )
    return _stored(kind, place)


def _stored(kind: Any, place: str) -> Any:  # noqa: ANN401
    return P("storage", P("contentLocation", kind, P("contentLocationValue", place)))


def relation(
    kind: Term, subtype: Term, others: Sequence[Identity], event: Identity | None = None
) -> Any:  # noqa: ANN401
    """What an object is to others; None where there are none.

    Args:
        kind: Of relationship.
        subtype: Likewise.
        others: The objects at its other end.
        event: That brought it about.
    """
    if not others:
        return None
    return P(
        "relationship",
        controlled("relationshipType", kind),
        controlled("relationshipSubType", subtype),
        *(identifier("relatedObject", other) for other in others),
        identifier("relatedEvent", event) if event else None,
    )
