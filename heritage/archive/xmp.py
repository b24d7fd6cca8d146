"""What a signed picture says of itself: an XMP packet with all that the master's said, and ours.

Nothing of the master's packet is taken away. Two values that name the file rather than the work are
renewed, ``xmpMM:InstanceID`` and ``Iptc4xmpExt:DigitalSourceType`` (the former one is noted), lists
grow by one, and other properties are added only where the master has none.

Sources: XMP Specification Part 1 and 2 (Adobe; ISO 16684-1); IPTC Photo Metadata Standard 2025.1;
IPTC NewsCodes, Digital Source Type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

from lxml import etree

from heritage.archive.dossier import Dossier
from heritage.archive.markup import clean
from heritage.errors import MasterRefused
from heritage.tiff.tagging import read_xmp

PREFIXES: Final = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "restoration": "urn:heritage:restoration:1.0:",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "dc": "http://purl.org/dc/elements/1.1/",
}
"""Namespaces of what is added; ``restoration`` is ours, the others are the standards'."""
VOCABULARY: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
ENHANCED: Final = VOCABULARY + "algorithmicallyEnhanced"
COMPOSITE: Final = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
MADE: Final = {
    "algorithmicallyEnhanced": 1,
    "compositeSynthetic": 2,
    "compositeWithTrainedAlgorithmicMedia": 2,
    "trainedAlgorithmicMedia": 3,
}
"""How much of a picture a term says was made by a machine: no master is made to say less."""
PADDING: Final = (" " * 99 + "\n") * 20
"""Room that XMP recommends, so that other programs can add something in place."""
MAX_DEPTH: Final = 48
"""Elements inside each other beyond which no sound program nests them."""
HEADER: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
FOOTER: Final = PADDING + '<?xpacket end="w"?>'


def _name(qualified: str) -> str:
    prefix, local = qualified.split(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


SOURCE_TYPE: Final = _name("Iptc4xmpExt:DigitalSourceType")
INSTANCE: Final = _name("xmpMM:InstanceID")
DOCUMENT: Final = _name("xmpMM:DocumentID")
DERIVED: Final = _name("xmpMM:DerivedFrom")
HISTORY: Final = _name("xmpMM:History")
COMPLETIONS: Final = _name("restoration:Completions")
GROWING: Final = frozenset({HISTORY, COMPLETIONS})


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
SYNTAX: Final = frozenset(
    {"about", LANGUAGE, *(RDF_NAMES + name for name in ("about", "ID", "nodeID", "datatype"))}
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


@dataclass(frozen=True)
class Embedded:
    """What a picture found alone says of its digital completion.

    Args:
        identifier: The restoration's UUID.
        statement: One sentence: how much, by what, accepted by whom.
        filled: Pixels that a machine filled.
        share: Part of the picture that these are, 0..1.
        model: What filled them.
        weights_sha256: Of the network's weights; None for a method without any.
        source_type: URI of the IPTC term for how the picture came to be.
        master_sha256: Of the file that was restored.
        approver: Who signed.
    """

    identifier: str
    statement: str
    filled: int
    share: float
    model: str
    weights_sha256: str | None
    source_type: str
    master_sha256: str
    approver: str


def packet(dossier: Dossier, before: bytes | None) -> bytes:
    """The packet for a signed picture; the same bytes whenever the same is asked.

    Args:
        dossier: Of the restoration.
        before: The packet of the master's page, byte for byte; None where it has none.

    Returns:
        UTF-8, with the wrapper that XMP demands.

    Raises:
        MasterRefused: If the master's packet is no well-formed XMP, so that it cannot be kept.
    """
    path = Path(dossier.original.file)
    root, rdf = _blank() if before is None or _empty(before) else _read(before, path)
    known = _properties(rdf)
    about = next((node.get(ABOUT) for node in _nodes(rdf) if node.get(ABOUT)), "")
    ours = etree.SubElement(rdf, DESCRIPTION, {ABOUT: about}, nsmap=PREFIXES)
    former = _text(known, SOURCE_TYPE)
    instance = f"uuid:{uuid5(UUID(dossier.identifier), dossier.original.sha256)}"
    _set(rdf, ours, SOURCE_TYPE, _source_type(dossier, former))
    _set(rdf, ours, INSTANCE, instance)
    if DERIVED not in known:
        _fill(etree.SubElement(ours, DERIVED, {PARSE_TYPE: "Resource"}), _reference(dossier, known))
    _fill(ours, {name: text for name, text in _stated(dossier, known) if name not in known})
    try:
        _append(rdf, ours, HISTORY, _event(dossier, instance))
        _append(rdf, ours, COMPLETIONS, _completion(dossier, former))
    except ValueError as error:
        raise MasterRefused(f"its XMP packet cannot be added to: {error}", path) from None
    body: str = etree.tostring(root, encoding="unicode", with_tail=False)
    return (HEADER + body + FOOTER).encode()


def parse(raw: bytes, path: Path | None = None) -> Embedded | None:
    """What a packet says of the digital completion of its picture.

    Args:
        raw: The packet, as this module or, since, another program wrote it.
        path: The file it is from, for messages.

    Returns:
        Of the last one, where there were several; None where the packet tells of none.

    Raises:
        MasterRefused: If the packet is no well-formed XMP, or tells of one by halves.
    """
    known = _properties(_read(raw, path)[1])
    told = known.get(COMPLETIONS, ())
    last = told[0].items[-1] if told and isinstance(told[0], Listed) and told[0].items else None
    if last is None:
        return None
    said = dict(last.items) if isinstance(last, Fields) else {}
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    try:
        return Embedded(
            identifier=texts[_name("restoration:identifier")],
            statement=texts[_name("restoration:statement")],
            filled=int(texts[_name("restoration:filledPixels")]),
            share=float(texts[_name("restoration:filledShare")]),
            model=texts[_name("restoration:model")],
            weights_sha256=texts.get(_name("restoration:weightsSHA256")),
            source_type=_text(known, SOURCE_TYPE) or "",
            master_sha256=texts[_name("restoration:masterSHA256")],
            approver=texts[_name("restoration:approver")],
        )
    except (KeyError, ValueError):
        raise MasterRefused(
            "its XMP packet tells of a digital completion, but not all that belongs to it", path
        ) from None


def read_embedded(path: Path | str, page: int = 0) -> Embedded | None:
    """What a picture says of its own digital completion.

    Args:
        path: A TIFF file, found anywhere.
        page: Which page, from 0.

    Returns:
        None where it says nothing of that.

    Raises:
        MasterRefused: If it is no sound TIFF, or its packet no well-formed XMP.
        StorageFailed: If it cannot be read.
    """
    raw = read_xmp(path, page)
    return None if raw is None or _empty(raw) else parse(raw, Path(path))


def added_only(before: bytes | None, after: bytes) -> list[str]:
    """Every property of one packet that another one lost or changed, in words.

    How a property is written down does not matter, only what it says. The two values that are
    renewed may change: the instance, and the source type to a term that says no less of machines.

    Args:
        before: The master's packet; None where it has none.
        after: The signed picture's.

    Returns:
        Empty where things were only added.

    Raises:
        MasterRefused: If a packet is no well-formed XMP.
    """
    now = _properties(_read(after, None)[1])
    was = {} if before is None or _empty(before) else _properties(_read(before, None)[1])
    return [word for name, values in was.items() for word in _loss(name, values, now)]


def _loss(name: str, was: tuple[Value, ...], after: Properties) -> Iterator[str]:
    now, label = after.get(name), _label(name)
    if now is None:
        yield f"{label} is gone"
    elif name in GROWING:
        if not _grew(was, now):
            yield f"{label} lost or changed an entry"
    elif now != was and not (name == INSTANCE or (name == SOURCE_TYPE and _renewed(was, after))):
        yield f"{label} changed its value"


def _grew(was: tuple[Value, ...], now: tuple[Value, ...]) -> bool:
    one, other = was[0], now[0]
    if len(was) != len(now) or was[1:] != now[1:] or not isinstance(other, Listed):
        return was == now
    if one == "":
        return True
    if not isinstance(one, Listed) or one.kind != other.kind:
        return False
    return other.items[: len(one.items)] == one.items


def _renewed(was: tuple[Value, ...], after: Properties) -> bool:
    """Whether the source type is ours now, and the former one noted."""
    now, told = _text(after, SOURCE_TYPE), after.get(COMPLETIONS, ())
    entries = told[0].items if told and isinstance(told[0], Listed) else ()
    noted = {
        value
        for entry in entries
        if isinstance(entry, Fields)
        for name, value in entry.items
        if name == _name("restoration:formerDigitalSourceType")
    }
    said_less = _made(now) < max(_made(one) for one in was)
    return now in (ENHANCED, COMPOSITE) and not said_less and noted.issuperset(was)


def _source_type(dossier: Dossier, former: str | None) -> str:
    ours = COMPOSITE if dossier.method.generated else ENHANCED
    return former if former and _made(former) > _made(ours) else ours


def _made(term: Value | None) -> int:
    return MADE.get(term.strip().rpartition("/")[2], 0) if isinstance(term, str) else 0


def _stated(dossier: Dossier, known: Properties) -> Iterator[tuple[str, str]]:
    """Properties that are added where the master has none."""
    yield DOCUMENT, f"uuid:{dossier.identifier}"
    yield _name("photoshop:Instructions"), dossier.statement
    method, rights = dossier.method, dossier.work.rights
    if method.generated:
        yield _name("Iptc4xmpExt:AISystemUsed"), method.name
    if method.generated and method.weights_sha256:
        weights = f"weights SHA-256 {method.weights_sha256}"
        yield _name("Iptc4xmpExt:AISystemVersionUsed"), weights
    if rights and _name("dc:rights") not in known:
        yield _name("xmpRights:WebStatement"), rights


def _reference(dossier: Dossier, known: Properties) -> dict[str, str]:
    """The master, as XMP refers to a file; identifiers only where it has some."""
    found = {"documentID": DOCUMENT, "instanceID": INSTANCE}
    said = {f"stRef:{field}": _text(known, name) for field, name in found.items()}
    said["stRef:filePath"] = dossier.original.file
    return {_name(field): text for field, text in said.items() if text}


def _event(dossier: Dossier, instance: str) -> dict[str, str]:
    said = {
        "action": "edited",
        "instanceID": instance,
        "when": dossier.signing.approved_at.isoformat(timespec="seconds"),
        "softwareAgent": f"heritage {dossier.method.software.get('heritage', '')}".rstrip(),
        "changed": "/",
        "parameters": dossier.statement,
    }
    return {_name(f"stEvt:{field}"): text for field, text in said.items()}


def _completion(dossier: Dossier, former: str | None) -> dict[str, str]:
    """What machines read of this completion."""
    method, signing = dossier.method, dossier.signing
    said = {
        "identifier": dossier.identifier,
        "statement": dossier.statement,
        "certainty": signing.statement,
        "filledPixels": str(dossier.filled),
        "filledShare": f"{dossier.share:.12f}",
        "places": str(len(dossier.kept)),
        "model": method.name,
        "kind": method.kind,
        "weightsSHA256": method.weights_sha256,
        "masterFile": dossier.original.file,
        "masterSHA256": dossier.original.sha256,
        "author": signing.author,
        "approver": signing.approver,
        "approvedAt": signing.approved_at.isoformat(timespec="seconds"),
        "formerDigitalSourceType": former,
    }
    return {_name(f"restoration:{field}"): text for field, text in said.items() if text}


def _nodes(parent: Node) -> Iterator[Node]:
    """Elements, without the comments between them."""
    return (node for node in parent if isinstance(node.tag, str))


def _fill(parent: Node, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        etree.SubElement(parent, name).text = clean(text)


def _set(rdf: Node, ours: Node, name: str, text: str) -> None:
    """Renew a simple property wherever the packet has it; add it where it has not."""
    found = False
    for node in _nodes(rdf):
        if name in node.attrib:
            node.set(name, clean(text))
            found = True
        for child in node.findall(name):
            child.clear(keep_tail=True)
            child.text = clean(text)
            found = True
    if not found:
        _fill(ours, {name: text})


def _append(rdf: Node, ours: Node, name: str, fields: Mapping[str, str]) -> None:
    """Add a structure to the end of a list.

    Raises:
        ValueError: If the packet has something else under that name.
    """
    homes = [child for node in _nodes(rdf) for child in node.findall(name)]
    home = homes[0] if homes else etree.SubElement(ours, name)
    array = next((child for child in home if child.tag in LISTS), None)
    if array is None:
        if _value(home) != "" or any(name in node.attrib for node in _nodes(rdf)):
            raise ValueError(f"its {_label(name)} is no list")
        array = etree.SubElement(home, SEQ)
    item = etree.SubElement(array, LI, {PARSE_TYPE: "Resource"}, nsmap=_prefixes(fields))
    _fill(item, fields)
    item.tail = "\n"


def _prefixes(names: Iterable[str]) -> dict[str, str]:
    """Of those namespaces that names are from."""
    used = {name[1:].partition("}")[0] for name in names}
    return {prefix: uri for prefix, uri in PREFIXES.items() if uri in used}


def _label(name: str) -> str:
    uri, _, local = name[1:].rpartition("}")
    prefix = next((known for known, one in PREFIXES.items() if one == uri), None)
    return f"{local} ({uri})" if prefix is None else f"{prefix}:{local}"


def _text(known: Properties, name: str) -> str | None:
    value = known.get(name, ("",))[0]
    return value if isinstance(value, str) and value else None


def _empty(raw: bytes) -> bool:
    return not raw.strip(b"\0 \t\r\n")


def _blank() -> tuple[Node, Node]:
    root = etree.Element(META, nsmap={"x": META[1:].partition("}")[0]})
    return root, etree.SubElement(root, RDF, nsmap={"rdf": RDF_NAMES[1:-1]})


def _read(raw: bytes, path: Path | None) -> tuple[Node, Node]:
    """Root and RDF of a packet; nothing outside it is looked up.

    Raises:
        MasterRefused: If it is no well-formed XMP.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(raw if b"\0" in raw[:4] else raw.strip(b"\0 \t\r\n"), parser)
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
        rdf = etree.SubElement(root, RDF, nsmap={"rdf": RDF_NAMES[1:-1]})
    if rdf is None:
        raise MasterRefused("its XMP packet holds no RDF, so it is no XMP", path)
    return root, rdf


def _properties(rdf: Node) -> Properties:
    found: dict[str, tuple[Value, ...]] = {}
    for node in _nodes(rdf):
        for name, value in _members(node):
            found[name] = (*found.get(name, ()), value)
    return found


def _members(node: Node) -> Iterator[tuple[str, Value]]:
    """What is said of a node, as attributes or as elements: XMP allows both."""
    hidden = SYNTAX | {PARSE_TYPE, RESOURCE}
    yield from ((name, value) for name, value in node.attrib.items() if name not in hidden)
    yield from ((child.tag, _value(child)) for child in _nodes(node))


def _value(node: Node) -> Value:
    language = node.get(LANGUAGE)
    value = _unqualified(node)
    return value if language is None else _fields([(LANGUAGE, language), (VALUE, value)])


def _unqualified(node: Node) -> Value:
    children, kind = [*_nodes(node)], node.get(PARSE_TYPE)
    if kind == "Resource":
        return _fields(_members(node))
    if kind is None and len(children) == 1 and children[0].tag in LISTS:
        return Listed(children[0].tag, tuple(_value(item) for item in _nodes(children[0])))
    if kind is None and len(children) == 1 and children[0].tag == DESCRIPTION:
        return _fields(_members(children[0]))
    if kind is None and not children:
        said = [*_members(node)]
        return _fields(said) if said else node.get(RESOURCE) or str(node.xpath("string()"))
    raw = etree.tostring(node, method="c14n", exclusive=True, with_tail=False)
    return str(raw.decode())


def _fields(members: Iterable[tuple[str, Value]]) -> Fields:
    return Fields(tuple(sorted(members, key=lambda member: member[0])))
