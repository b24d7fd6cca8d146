"""What an XMP packet says, however it is written down: its properties and their values.

A packet comes from outside: nothing that it names is looked up, and it may not nest without end.

Sources: XMP Specification Part 1 (Adobe; ISO 16684-1); RDF/XML Syntax Specification (W3C).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from lxml import etree

from heritage.archive.xml import parse
from heritage.errors import MasterRefused

MAX_DEPTH: Final = 48
"""Elements inside each other beyond which no sound program nests them."""
BLANK: Final = b"\0 \t\r\n"

RDF_NAMES: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
RDF: Final = RDF_NAMES + "RDF"
META: Final = "{adobe:ns:meta/}xmpmeta"
DESCRIPTION: Final = RDF_NAMES + "Description"
ABOUT: Final = RDF_NAMES + "about"
RESOURCE: Final = RDF_NAMES + "resource"
PARSE_TYPE: Final = RDF_NAMES + "parseType"
VALUE: Final = RDF_NAMES + "value"
LI: Final = RDF_NAMES + "li"
SEQ: Final = RDF_NAMES + "Seq"
LISTS: Final = frozenset({SEQ, RDF_NAMES + "Bag", RDF_NAMES + "Alt"})
LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
NOT_SAID: Final = frozenset(
    {"about", LANGUAGE, PARSE_TYPE, RESOURCE}
    | {RDF_NAMES + name for name in ("about", "ID", "nodeID", "datatype")}
)
"""Attributes that are no properties."""


@dataclass(frozen=True)
class Listed:
    """An array: its kind, as RDF names it, and its items in order."""

    kind: str
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Fields:
    """A structure, or a value with qualifiers: names and values, sorted."""

    items: tuple[tuple[str, Value], ...]


Node: TypeAlias = Any
"""An element of lxml, which tells no types."""
Value: TypeAlias = str | Listed | Fields
Properties: TypeAlias = Mapping[str, tuple[Value, ...]]
"""Values by name; more than one where a packet says a thing twice."""


def read_packet(raw: bytes, path: Path | None = None) -> tuple[Node, Node]:
    """Root and RDF of a packet; nothing outside it is looked up.

    Args:
        raw: The packet, in any encoding of XML.
        path: The file it is from, for messages.

    Raises:
        MasterRefused: If it is no well-formed XMP.
    """
    try:
        root = parse(raw if b"\0" in raw[:4] else raw.strip(BLANK))
    except etree.XMLSyntaxError as error:
        raise MasterRefused(
            f"its XMP packet is no well-formed XML ({error.msg}); repair it with an XMP tool", path
        ) from None
    if root.getroottree().docinfo.doctype:
        raise MasterRefused("its XMP packet declares a document type, which XMP forbids", path)
    if root.xpath("/*" * (MAX_DEPTH + 1)):
        raise MasterRefused(f"its XMP packet is nested more than {MAX_DEPTH} deep", path)
    rdf = next(root.iter(RDF), None)
    if rdf is None and root.tag == META:
        rdf = _rdf_in(root)
    if rdf is None:
        raise MasterRefused("its XMP packet holds no RDF, so it is no XMP", path)
    return root, rdf


def packet_or_blank(raw: bytes | None, path: Path | None = None) -> tuple[Node, Node]:
    """Root and RDF of a packet; of one that says nothing yet, where there is none or only blanks.

    Args:
        raw: The packet, in any encoding of XML.
        path: The file it is from, for messages.

    Raises:
        MasterRefused: If it is no well-formed XMP.
    """
    if raw is not None and raw.strip(BLANK):
        return read_packet(raw, path)
    root = etree.Element(META, nsmap={"x": META[1:].partition("}")[0]})
    return root, _rdf_in(root)


def _rdf_in(root: Node) -> Node:
    return etree.SubElement(root, RDF, nsmap={"rdf": RDF_NAMES[1:-1]})


def properties(rdf: Node) -> Properties:
    """All that is said in an RDF."""
    found: dict[str, tuple[Value, ...]] = {}
    for node in nodes(rdf):
        for name, value in _members(node):
            found[name] = (*found.get(name, ()), value)
    return found


def text_of(known: Properties, name: str) -> str | None:
    """The value of a simple property; None where it is empty or something else."""
    value = known.get(name, ("",))[0]
    return value if isinstance(value, str) and value else None


def entries(known: Properties, name: str) -> tuple[Value, ...]:
    """The items of a list; empty where there is none of that name."""
    told = known.get(name, ())
    return told[0].items if told and isinstance(told[0], Listed) else ()


def nodes(parent: Node) -> Iterator[Node]:
    """Elements, without the comments between them."""
    return (node for node in parent if isinstance(node.tag, str))


def value_of(node: Node) -> Value:
    """What an element of a property says."""
    language = node.get(LANGUAGE)
    value = _unqualified(node)
    return value if language is None else _fields([(LANGUAGE, language), (VALUE, value)])


def _members(node: Node) -> Iterator[tuple[str, Value]]:
    """What is said of a node, as attributes or as elements: XMP allows both."""
    yield from ((name, value) for name, value in node.attrib.items() if name not in NOT_SAID)
    yield from ((child.tag, value_of(child)) for child in nodes(node))


def _unqualified(node: Node) -> Value:
    children, kind = [*nodes(node)], node.get(PARSE_TYPE)
    if kind == "Resource":
        return _fields(_members(node))
    if kind is None and len(children) == 1 and children[0].tag in LISTS:
        return Listed(children[0].tag, tuple(value_of(item) for item in nodes(children[0])))
    if kind is None and len(children) == 1 and children[0].tag == DESCRIPTION:
        return _fields(_members(children[0]))
    if kind is None and not children:
        said = [*_members(node)]
        return _fields(said) if said else node.get(RESOURCE) or str(node.xpath("string()"))
    raw = etree.tostring(node, method="c14n", exclusive=True, with_tail=False)
    return str(raw.decode())


def _fields(members: Iterable[tuple[str, Value]]) -> Fields:
    return Fields(tuple(sorted(members, key=lambda member: member[0])))
