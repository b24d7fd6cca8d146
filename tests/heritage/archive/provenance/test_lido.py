"""LIDO 1.1: elements in the order of the schema, and the artefact kept apart from its completion.

The schema itself imports GML and cannot be shipped whole; what stands here of it is the content of
each type that we use, in full and in its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import pytest
from lxml import etree

from heritage.archive.provenance.lido import LIDO, TERMS, XML_LANG, lido
from heritage.archive.provenance.names import file_iri

NAMES = {"l": LIDO}
PARSER = etree.XMLParser(resolve_entities=False, no_network=True)

CONCEPT = "conceptID* term*"
APPELLATION = "appellationValue+ sourceAppellation*"
BODY = "legalBodyID* legalBodyName* legalBodyWeblink*"
OBJECT_SET = "displayObject* object?"
RIGHTS = "rightsType* rightsDate? rightsHolder* creditLine*"
CONTENT = {
    "lido": "lidoRecID+ objectPublishedID* category? applicationProfile? descriptiveMetadata+ "
    "administrativeMetadata+",
    "category": CONCEPT,
    "descriptiveMetadata": "objectClassificationWrap objectIdentificationWrap eventWrap? "
    "objectRelationWrap?",
    "objectClassificationWrap": "objectWorkTypeWrap classificationWrap?",
    "objectWorkTypeWrap": "objectWorkType+",
    "objectWorkType": CONCEPT,
    "objectIdentificationWrap": "titleWrap inscriptionsWrap? repositoryWrap? "
    "displayStateEditionWrap? objectDescriptionWrap? objectMeasurementsWrap? "
    "objectMaterialsTechWrap?",
    "titleWrap": "titleSet+",
    "titleSet": APPELLATION,
    "repositoryWrap": "repositorySet*",
    "repositorySet": "displayRepository* repositoryName? workID* repositoryLocation? "
    "sourceRepositorySet*",
    "repositoryName": BODY,
    "legalBodyName": APPELLATION,
    "eventWrap": "eventSet*",
    "eventSet": "displayEvent* event?",
    "event": "eventID* eventType roleInEvent* eventName* eventActor* culture* eventDate? "
    "periodName* eventPlace* eventMethod* eventMaterialsTech* eventObjectMeasurements* "
    "thingPresent* relatedEventSet* eventDescriptionSet*",
    "eventType": CONCEPT,
    "roleInEvent": CONCEPT,
    "eventName": APPELLATION,
    "eventActor": "displayActorInRole* actorInRole?",
    "actorInRole": "actor roleActor* attributionQualifierActor* extentActor* sourceActorInRole*",
    "actor": "actorID* nameActorSet+ nationalityActor* vitalDatesActor* vitalPlaceActor* "
    "genderActor*",
    "nameActorSet": APPELLATION,
    "roleActor": CONCEPT,
    "eventDate": "displayDate* date?",
    "date": "earliestDate? latestDate?",
    "eventMethod": CONCEPT,
    "thingPresent": OBJECT_SET,
    "object": "objectWebResource* objectID* objectType* objectName* objectNote*",
    "objectType": CONCEPT,
    "objectName": APPELLATION,
    "eventDescriptionSet": "descriptiveNoteID* descriptiveNoteValue* sourceDescriptiveNote*",
    "objectRelationWrap": "subjectWrap? relatedWorksWrap?",
    "relatedWorksWrap": "relatedWorkSet*",
    "relatedWorkSet": "displayRelatedWork* relatedWork? relatedWorkRelType? sourceRelatedWorkSet*",
    "relatedWork": OBJECT_SET,
    "relatedWorkRelType": CONCEPT,
    "administrativeMetadata": "rightsWorkWrap? recordWrap resourceWrap?",
    "rightsWorkWrap": "rightsWorkSet*",
    "rightsWorkSet": RIGHTS,
    "rightsResource": RIGHTS,
    "rightsType": CONCEPT,
    "recordWrap": "recordID+ recordType recordSource+ recordRights* recordInfoSet* collection*",
    "recordType": CONCEPT,
    "recordSource": BODY,
    "recordInfoSet": "recordInfoID* recordInfoLink* recordMetadataDate*",
    "resourceWrap": "resourceSet*",
    "resourceSet": "resourceID* resourceRepresentation* resourceType? resourceRelType* "
    "resourcePerspective* resourceDescription* resourceDateTaken? resourceSource* rightsResource*",
    "resourceRepresentation": "linkResource resourceMeasurementsSet*",
    "resourceType": CONCEPT,
    "resourceRelType": CONCEPT,
}
IDENTIFIERS = {
    "lidoRecID", "objectPublishedID", "conceptID", "eventID", "objectID", "recordID", "resourceID",
}  # fmt: skip
WITH_LANGUAGE = {"descriptiveMetadata", "administrativeMetadata"}
LEAVES = IDENTIFIERS | {
    "appellationValue", "workID", "displayActorInRole", "displayDate", "earliestDate", "latestDate",
    "displayObject", "descriptiveNoteValue", "objectNote", "term", "recordMetadataDate",
    "linkResource", "resourceDescription",
}  # fmt: skip


def name_of(element) -> str:
    return etree.QName(element).localname


def faults(root) -> Iterator[str]:
    """What the schema would refuse."""
    for element in root.iter():
        name = name_of(element)
        if etree.QName(element).namespace != LIDO:
            yield f"{name} of another namespace"
        if name in LEAVES:
            if len(element) or not (element.text or "").strip():
                yield f"{name} is not text"
        elif name not in CONTENT:
            yield f"{name} is unknown"
        else:
            yield from content_faults(name, [name_of(child) for child in element])
        if name in IDENTIFIERS and not element.get(f"{{{LIDO}}}type"):
            yield f"{name} without type"
        if name in WITH_LANGUAGE and not element.get(XML_LANG):
            yield f"{name} without language"


def content_faults(name, children) -> Iterator[str]:
    left = list(children)
    for particle in CONTENT[name].split():
        word, often = particle.rstrip("?*+"), particle[-1]
        count = 0
        while left and left[0] == word and (often in "*+" or count == 0):
            left.pop(0)
            count += 1
        if not count and often not in "?*":
            yield f"{name} without {word}"
    if left:
        yield f"{left[0]} out of place in {name}"


@pytest.fixture
def root(dossier):
    return etree.fromstring(lido(dossier), PARSER)


def texts(root, path):
    return [element.text for element in root.iterfind(path, NAMES)]


def test_elements_stand_in_the_order_of_the_schema(root):
    assert name_of(root) == "lido"
    assert list(faults(root)) == []


def swap(root):
    event = root.find(".//l:event", NAMES)
    event.append(event[0])


SPOILT = {
    "eventType out of place": (swap, "event without eventType"),
    "no title": (
        lambda root: root.find(".//l:titleWrap", NAMES).clear(),
        "titleWrap without titleSet",
    ),
    "no type": (
        lambda root: root.find("l:lidoRecID", NAMES).attrib.clear(),
        "lidoRecID without type",
    ),
    "no language": (
        lambda root: root.find("l:descriptiveMetadata", NAMES).attrib.clear(),
        "descriptiveMetadata without language",
    ),
    "empty": (
        lambda root: setattr(root.find(".//l:workID", NAMES), "text", " "),
        "workID is not text",
    ),
    "unknown": (
        lambda root: etree.SubElement(root, f"{{{LIDO}}}picture"),
        "picture is unknown",
    ),
    "twice": (
        lambda root: root.find(".//l:eventDate", NAMES).addnext(
            deepcopy(root.find(".//l:eventDate", NAMES))
        ),
        "eventDate out of place in event",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_the_rules_find_what_breaks_them(what, root):
    spoil, fault = SPOILT[what]
    spoil(root)
    assert fault in list(faults(root))


def test_the_artefact_is_identified(root, dossier):
    assert texts(root, ".//l:titleSet/l:appellationValue") == [dossier.work.title]
    assert texts(root, ".//l:workID") == [dossier.work.accession]
    keeper = ".//l:repositoryName/l:legalBodyName/l:appellationValue"
    assert texts(root, keeper) == [dossier.work.institution]
    assert texts(root, "l:lidoRecID") == [dossier.urn]


def test_making_the_artefact_and_completing_its_picture_are_two_events(root, dossier):
    production, completion = root.iterfind(".//l:event", NAMES)
    kinds = texts(root, ".//l:eventType/l:conceptID")
    assert kinds == [f"{TERMS}lido00007", f"{TERMS}lido00012"]
    actor = ".//l:nameActorSet/l:appellationValue"
    assert texts(production, actor) == ["Jan van der Meer"]
    assert texts(production, ".//l:displayDate") == ["c. 1650"]
    assert texts(completion, actor) == ["Olga Operator", "Rex Reviewer", "Ava Approver"]
    assert texts(completion, ".//l:earliestDate") == [dossier.started_at.date().isoformat()]
    assert texts(completion, ".//l:roleInEvent/l:term") == [
        "subject of the picture, itself unchanged"
    ]
    (told,) = texts(completion, ".//l:descriptiveNoteValue")
    assert told.startswith(dossier.statement)
    assert told.endswith("The artefact itself was not touched.")


def test_the_completion_is_a_related_work_of_its_own(root, dossier):
    (work,) = root.iterfind(".//l:relatedWork", NAMES)
    assert texts(work, ".//l:objectID") == [dossier.urn]
    assert texts(work, ".//l:objectType/l:term") == ["digital completion"]
    assert texts(work, ".//l:objectNote") == [dossier.statement]


def test_both_pictures_are_resources_and_each_says_which_it_is(root, dossier):
    scan, completion = root.iterfind(".//l:resourceSet", NAMES)
    assert texts(scan, "l:resourceRelType/l:term") == ["original scan"]
    assert texts(scan, "l:resourceID") == ["mill.tif", str(file_iri(dossier.original.sha256))]
    assert texts(completion, "l:resourceRelType/l:term") == ["digital completion"]
    assert texts(completion, "l:resourceID") == ["mill.restored.tif", dossier.urn]
    assert dossier.statement in texts(completion, "l:resourceDescription")[0]


def test_rights_are_told_of_the_work_and_of_both_pictures(root, dossier):
    assert texts(root, ".//l:rightsType/l:conceptID") == [dossier.work.rights] * 3


def test_the_place_of_the_master_is_told_only_where_others_can_reach_it(dossier):
    assert "linkResource" not in lido(dossier).decode()
    original = replace(dossier.original, place="https://scans.example/mill.tif")
    root = etree.fromstring(lido(replace(dossier, original=original)), PARSER)
    assert texts(root, ".//l:linkResource") == [original.place]
    assert list(faults(root)) == []


def test_a_network_is_called_one(dossier):
    method = replace(dossier.method, name="lama", kind="gan", weights_sha256="9" * 64)
    root = etree.fromstring(lido(replace(dossier, method=method)), PARSER)
    assert texts(root, ".//l:eventMethod/l:term") == [
        "digital completion by lama (trained network)"
    ]


def test_what_is_not_known_is_not_said(dossier):
    work = replace(dossier.work, maker=None, date=None, institution="", rights=None)
    root = etree.fromstring(lido(replace(dossier, work=work)), PARSER)
    assert list(faults(root)) == []
    assert not texts(root, ".//l:rightsType/l:conceptID")
    assert not texts(root, ".//l:repositoryName")
    assert texts(root, ".//l:recordSource//l:appellationValue") == ["not recorded"]
    assert "None" not in "".join(root.itertext())


def test_any_script_survives_and_what_xml_cannot_hold_is_marked(dossier):
    title = "Η Μύλος «壁画» <№ 1> & 𝔐"
    for given, told in ((title, title), ("a\x0bb\x00\ufffe", "a\ufffdb\ufffd\ufffd")):
        work = replace(dossier.work, title=given)
        root = etree.fromstring(lido(replace(dossier, work=work)), PARSER)
        assert texts(root, ".//l:titleSet/l:appellationValue") == [told]


def test_the_same_dossier_gives_the_same_bytes(dossier):
    assert lido(dossier) == lido(dossier)
