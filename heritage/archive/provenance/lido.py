"""The artefact as LIDO 1.1, for portals that collect from museums: one record of the artefact.

The digital completion is a separate related work, made in an event of its own in which the artefact
was only the subject. The production of the artefact is another event, so that no reader can take a
virtual restoration for something that happened to the object.

Source: LIDO 1.1 (ICOM-CIDOC LIDO Working Group, 2021), LIDO Terminology, Getty AAT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lxml import etree

from heritage.archive.dossier import Dossier
from heritage.archive.provenance.linked_art import AAT, ACCESSION, ARTEFACT, DIGITAL_IMAGE
from heritage.archive.provenance.names import HR, file_iri
from heritage.restore.provenance import file_names

LIDO = "http://www.lido-schema.org"
SCHEMA = "http://www.lido-schema.org/schema/v1.1/lido-v1.1.xsd"
TERMS = "http://terminology.lido-schema.org/"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

URI, LOCAL = f"{TERMS}lido00099", f"{TERMS}lido00100"
HUMAN_MADE = (f"{TERMS}lido00096", "Human-made object")
ITEM = (f"{TERMS}lido00141", "Item-level record")
PRODUCTION = (f"{TERMS}lido00007", "Production")
CREATION = (f"{TERMS}lido00012", "Creation")
UNTOUCHED = "The artefact itself was not touched."
NOT_RECORDED = "not recorded"

Element = Any
"""lxml's elements have no types."""

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lido(dossier: Dossier) -> bytes:
    """The record, as XML.

    Args:
        dossier: All that is known of the restoration. Characters that XML cannot hold become
            U+FFFD.

    Returns:
        UTF-8 with a declaration; the root is ``lido:lido``, as OAI-PMH delivers it.
    """
    root = etree.Element(f"{{{LIDO}}}lido", nsmap={"lido": LIDO, "xsi": XSI})
    root.set(f"{{{XSI}}}schemaLocation", f"{LIDO} {SCHEMA}")
    _identifier(root, "lidoRecID", URI, dossier.urn)
    _concept(root, "category", *HUMAN_MADE)
    described = _add(root, "descriptiveMetadata", lang="en")
    _classification(described)
    _identification(described, dossier)
    events = _add(described, "eventWrap")
    _production(events, dossier)
    _restoration(events, dossier)
    _related(described, dossier)
    administered = _add(root, "administrativeMetadata", lang="en")
    if dossier.work.rights:
        _rights(_add(administered, "rightsWorkWrap"), "rightsWorkSet", dossier)
    _record(administered, dossier)
    _resources(administered, dossier)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _classification(parent: Element) -> None:
    wrap = _add(_add(parent, "objectClassificationWrap"), "objectWorkTypeWrap")
    _concept(wrap, "objectWorkType", f"{AAT}{ARTEFACT[0]}", ARTEFACT[1])


def _identification(parent: Element, dossier: Dossier) -> None:
    work, wrap = dossier.work, _add(parent, "objectIdentificationWrap")
    _name(_add(wrap, "titleWrap"), "titleSet", work.title)
    keeping = _add(_add(wrap, "repositoryWrap"), "repositorySet")
    if work.institution:
        _name(_add(keeping, "repositoryName"), "legalBodyName", work.institution)
    _add(keeping, "workID", work.accession, type=f"{AAT}{ACCESSION[0]}")


def _production(parent: Element, dossier: Dossier) -> None:
    work = dossier.work
    event = _event(parent, PRODUCTION)
    if work.maker:
        _actor(event, work.maker, "maker")
    if work.date:
        _add(_add(event, "eventDate"), "displayDate", work.date)


def _restoration(parent: Element, dossier: Dossier) -> None:
    method, signing = dossier.method, dossier.signing
    event = _event(parent, CREATION, dossier.urn)
    _concept(event, "roleInEvent", None, "subject of the picture, itself unchanged")
    _name(event, "eventName", "Digital completion (virtual restoration)")
    _actor(event, dossier.operator, "operator")
    _actor(event, signing.author, "author")
    _actor(event, signing.approver, "approver")
    date = _add(event, "eventDate")
    begin, end = _day(dossier.started_at), _day(signing.approved_at)
    _add(date, "displayDate", begin if begin == end else f"{begin} to {end}")
    span = _add(date, "date")
    _add(span, "earliestDate", begin)
    _add(span, "latestDate", end)
    kind, how = ("NetworkFill", "trained network") if method.generated else ("Fill", method.kind)
    _concept(event, "eventMethod", str(HR[kind]), f"digital completion by {method.name} ({how})")
    present = _add(event, "thingPresent")
    _add(present, "displayObject", f"{dossier.original.file} (original scan)")
    _identifier(_add(present, "object"), "objectID", URI, file_iri(dossier.original.sha256))
    _add(_add(event, "eventDescriptionSet"), "descriptiveNoteValue", _story(dossier))


def _related(parent: Element, dossier: Dossier) -> None:
    works = _add(_add(parent, "objectRelationWrap"), "relatedWorksWrap")
    related, title = _add(works, "relatedWorkSet"), f"{dossier.work.title} (digital completion)"
    work = _add(related, "relatedWork")
    _add(work, "displayObject", title)
    thing = _add(work, "object")
    _identifier(thing, "objectID", URI, dossier.urn)
    _concept(thing, "objectType", str(HR.SignedFile), "digital completion")
    _name(thing, "objectName", title)
    _add(thing, "objectNote", dossier.statement)
    _concept(related, "relatedWorkRelType", None, "has digital completion")


def _record(parent: Element, dossier: Dossier) -> None:
    wrap = _add(parent, "recordWrap")
    _identifier(wrap, "recordID", LOCAL, dossier.identifier)
    _concept(wrap, "recordType", *ITEM)
    source = _add(wrap, "recordSource")
    _name(source, "legalBodyName", dossier.work.institution or NOT_RECORDED)
    info = _add(wrap, "recordInfoSet")
    _add(info, "recordMetadataDate", dossier.signing.approved_at.isoformat())


def _resources(parent: Element, dossier: Dossier) -> None:
    wrap, original = _add(parent, "resourceWrap"), dossier.original
    scan = {LOCAL: original.file, URI: str(file_iri(original.sha256))}
    place = original.place if original.place.startswith(("http://", "https://")) else None
    _resource(wrap, dossier, scan, "original scan", UNTOUCHED, place)
    signed = {LOCAL: file_names(dossier.name)["restored"], URI: dossier.urn}
    _resource(wrap, dossier, signed, "digital completion", _story(dossier), None)


def _resource(
    parent: Element,
    dossier: Dossier,
    names: Mapping[str, str],
    relation: str,
    description: str,
    place: str | None,
) -> None:
    resource = _add(parent, "resourceSet")
    for kind, name in names.items():
        _identifier(resource, "resourceID", kind, name)
    if place:
        link = _add(_add(resource, "resourceRepresentation"), "linkResource", place)
        link.set(f"{{{LIDO}}}formatResource", "image/tiff")
    _concept(resource, "resourceType", f"{AAT}{DIGITAL_IMAGE[0]}", DIGITAL_IMAGE[1])
    _concept(resource, "resourceRelType", None, relation)
    _add(resource, "resourceDescription", description)
    if dossier.work.rights:
        _rights(resource, "rightsResource", dossier)


def _rights(parent: Element, name: str, dossier: Dossier) -> None:
    kind = _add(_add(parent, name), "rightsType")
    _identifier(kind, "conceptID", URI, dossier.work.rights or "")


def _story(dossier: Dossier) -> str:
    remark = f" {dossier.signing.remark}" if dossier.signing.remark else ""
    return f"{dossier.statement}{remark} {UNTOUCHED}"


def _event(parent: Element, kind: tuple[str, str], identifier: str | None = None) -> Element:
    event = _add(_add(parent, "eventSet"), "event")
    if identifier:
        _identifier(event, "eventID", URI, identifier)
    _concept(event, "eventType", *kind)
    return event


def _actor(parent: Element, name: str, role: str) -> None:
    actor = _add(parent, "eventActor")
    _add(actor, "displayActorInRole", f"{name} ({role})")
    acting = _add(actor, "actorInRole")
    _name(_add(acting, "actor"), "nameActorSet", name)
    _concept(acting, "roleActor", None, role)


def _name(parent: Element, name: str, value: str) -> None:
    _add(_add(parent, name), "appellationValue", value)


def _concept(parent: Element, name: str, iri: str | None, term: str) -> None:
    concept = _add(parent, name)
    if iri:
        _identifier(concept, "conceptID", URI, iri)
    _add(concept, "term", term, lang="en")


def _identifier(parent: Element, name: str, kind: str, value: str) -> None:
    _add(parent, name, value, type=kind)


def _add(
    parent: Element,
    name: str,
    text: str | None = None,
    *,
    type: str | None = None,
    lang: str | None = None,
) -> Element:
    child = etree.SubElement(parent, f"{{{LIDO}}}{name}")
    if type is not None:
        child.set(f"{{{LIDO}}}type", type)
    if lang is not None:
        child.set(XML_LANG, lang)
    if text is not None:
        child.text = _FORBIDDEN.sub("\ufffd", text)
    return child


def _day(at: datetime) -> str:
    return at.date().isoformat()
