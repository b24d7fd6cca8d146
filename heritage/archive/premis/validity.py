"""Whether a document is what its schema says, without ever asking the network.

The schemas lie beside this module, unchanged; whatever they import is found there too,
and anything else is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from threading import Lock
from typing import Any

from lxml import etree

from heritage.archive.xml import hardened, parse

PREMIS = "premis-v3-0.xsd"
METS = "mets.xsd"
LOCAL = {"http://www.loc.gov/standards/xlink/xlink.xsd": "xlink.xsd"}
"""Schemas that others import, by the address they are imported from."""

REFERENCES = ("ADMID", "DMDID", "FILEID")
"""Attributes of METS that name other elements."""

MOST = 100
"""Faults that are told of one document."""

ALONE = Lock()
"""A compiled schema keeps the faults of its last document, so only one thread may use it."""


def validate_premis(xml: bytes) -> list[str]:
    """What is wrong with a PREMIS 3.0 document; empty where it is valid.

    Args:
        xml: The document, from wherever; entities and document types are refused.
    """
    return _faults(xml, PREMIS, "PREMIS 3.0")


def validate_mets(xml: bytes) -> list[str]:
    """What is wrong with a METS 1.12.1 document; empty where it is valid.

    Args:
        xml: The document, from wherever; entities and document types are refused.
    """
    return _faults(xml, METS, "METS 1.12.1", _dangling)


def _faults(
    xml: bytes, schema: str, name: str, more: Callable[[Any], Iterator[str]] | None = None
) -> list[str]:
    try:
        root = parse(xml)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        return [f"line {line}: is not well-formed XML: {error.msg}"]
    if root.getroottree().docinfo.doctype:
        return ["line 1: declares a document type, which no document of a package needs"]
    with ALONE:
        checker = _schema(schema)
        checker.validate(root)
        found = [(fault.line, " ".join(fault.message.split())) for fault in checker.error_log]
    if found:
        return [f"line {line}: is not {name}: {message}" for line, message in found[:MOST]]
    return [*islice(more(root), MOST)] if more else []


def _dangling(root: Any) -> Iterator[str]:  # noqa: ANN401
    """References to what is not there, which the schema forbids and lxml does not look at."""
    names = {element.get("ID") for element in root.iter("*")}
    for element in root.iter("*"):
        for reference in REFERENCES:
            for name in element.get(reference, "").split():
                if name not in names:
                    yield f"line {element.sourceline}: {reference} names {name}, which is not there"


class _Beside(etree.Resolver):  # type: ignore[misc]
    """Finds imported schemas beside this module."""

    def resolve(self, address: str, public: str | None, context: Any) -> Any:  # noqa: ANN401
        """The schema that an address stands for; an empty one, which fails, for any other."""
        name = LOCAL.get(address, "")
        content = _bytes(name) if name else b""
        return self.resolve_string(content, context, base_url=address)


@cache
def _schema(name: str) -> Any:  # noqa: ANN401
    parser = hardened()
    parser.resolvers.add(_Beside())
    return etree.XMLSchema(etree.fromstring(_bytes(name), parser))


def _bytes(name: str) -> bytes:
    return files("heritage.archive.premis").joinpath("schemas", name).read_bytes()
