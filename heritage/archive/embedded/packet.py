"""What a signed picture says of itself: an XMP packet with all that the master's said, and ours.

Nothing of the master's packet is taken away. Two values that name the file rather than the work are
renewed, ``xmpMM:InstanceID`` and ``Iptc4xmpExt:DigitalSourceType`` (the former one is noted), lists
grow by one, and other properties are added only where the master has none.

Sources: XMP Specification Part 1 and 2 (Adobe; ISO 16684-1); IPTC Photo Metadata Standard 2025.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from lxml import etree

from heritage.archive.dossier import Dossier
from heritage.archive.embedded.names import (
    COMPLETIONS,
    DERIVED,
    DOCUMENT,
    HISTORY,
    INSTANCE,
    PREFIXES,
    SOURCE_TYPE,
    label,
    named,
)
from heritage.archive.embedded.reading import (
    ABOUT,
    DESCRIPTION,
    LI,
    LISTS,
    PARSE_TYPE,
    SEQ,
    Node,
    Properties,
    nodes,
    packet_or_blank,
    properties,
    text_of,
    value_of,
)
from heritage.archive.embedded.source_type import made_by_machine, source_type
from heritage.archive.premis.markup import clean
from heritage.errors import MasterRefused

PADDING: Final = (" " * 99 + "\n") * 20
"""Room that XMP recommends, so that other programs can add something in place."""
HEADER: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
FOOTER: Final = PADDING + '<?xpacket end="w"?>'


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
    root, rdf = packet_or_blank(before, path)
    known = properties(rdf)
    about = next((node.get(ABOUT) for node in nodes(rdf) if node.get(ABOUT)), "")
    ours = etree.SubElement(rdf, DESCRIPTION, {ABOUT: about}, nsmap=PREFIXES)
    former = text_of(known, SOURCE_TYPE)
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


def _source_type(dossier: Dossier, former: str | None) -> str:
    ours = source_type(dossier.method)
    return former if former and made_by_machine(former) > made_by_machine(ours) else ours


def _stated(dossier: Dossier, known: Properties) -> Iterator[tuple[str, str]]:
    """Properties that are added where the master has none."""
    yield DOCUMENT, f"uuid:{dossier.identifier}"
    yield named("photoshop:Instructions"), dossier.statement
    method, rights = dossier.method, dossier.work.rights
    if method.generated:
        yield named("Iptc4xmpExt:AISystemUsed"), method.name
    if method.generated and method.weights_sha256:
        weights = f"weights SHA-256 {method.weights_sha256}"
        yield named("Iptc4xmpExt:AISystemVersionUsed"), weights
    if rights and named("dc:rights") not in known:
        yield named("xmpRights:WebStatement"), rights


def _reference(dossier: Dossier, known: Properties) -> dict[str, str]:
    """The master, as XMP refers to a file; identifiers only where it has some."""
    found = {"documentID": DOCUMENT, "instanceID": INSTANCE}
    said = {f"stRef:{field}": text_of(known, name) for field, name in found.items()}
    said["stRef:filePath"] = dossier.original.file
    return {named(field): text for field, text in said.items() if text}


def _event(dossier: Dossier, instance: str) -> dict[str, str]:
    said = {
        "action": "edited",
        "instanceID": instance,
        "when": dossier.signing.approved_at.isoformat(timespec="seconds"),
        "softwareAgent": f"heritage {dossier.method.software.get('heritage', '')}".rstrip(),
        "changed": "/",
        "parameters": dossier.statement,
    }
    return {named(f"stEvt:{field}"): text for field, text in said.items()}


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
    return {named(f"restoration:{field}"): text for field, text in said.items() if text}


def _set(rdf: Node, ours: Node, name: str, text: str) -> None:
    """Renew a simple property wherever the packet has it; add it where it has not."""
    found = False
    for node in nodes(rdf):
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
    homes = [child for node in nodes(rdf) for child in node.findall(name)]
    home = homes[0] if homes else etree.SubElement(ours, name)
    array = next((child for child in home if child.tag in LISTS), None)
    if array is None:
        if value_of(home) != "" or any(name in node.attrib for node in nodes(rdf)):
            raise ValueError(f"its {label(name)} is no list")
        array = etree.SubElement(home, SEQ)
    item = etree.SubElement(array, LI, {PARSE_TYPE: "Resource"}, nsmap=_prefixes(fields))
    _fill(item, fields)
    item.tail = "\n"


def _fill(parent: Node, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        etree.SubElement(parent, name).text = clean(text)


def _prefixes(names: Iterable[str]) -> dict[str, str]:
    """Of those namespaces that names are from."""
    used = {name[1:].partition("}")[0] for name in names}
    return {prefix: uri for prefix, uri in PREFIXES.items() if uri in used}
