"""The PREMIS document: valid, complete, and true to the files and the record."""

import hashlib
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

import heritage.archive
from db.chain import GENESIS, hash_of
from db.columns import canonical
from db.vocabulary import EventType, Outcome
from heritage.archive.premis.document import premis
from heritage.archive.premis.events import RECORD
from heritage.archive.premis.listing import list_files
from heritage.archive.premis.markup import clean
from heritage.archive.premis.validity import validate_mets, validate_premis

NS = {"p": "http://www.loc.gov/premis/v3", "r": RECORD}
SCHEMAS = Path(heritage.archive.__file__).parent / "premis" / "schemas"
VOCABULARY = "http://id.loc.gov/vocabulary/preservation"
ROLES = {f"data/restoration/mill/mill.{kind}.tif": kind for kind in ("restored", "mask", "layer")}


@pytest.fixture(scope="module")
def files(signed, tmp_path_factory):
    root = tmp_path_factory.mktemp("bag")
    shutil.copytree(signed.made.folder, root / "data" / "restoration" / "mill")
    return list_files(root, {"data": "provenance", **ROLES})


@pytest.fixture(scope="module")
def with_original(signed, files, tmp_path_factory):
    root = tmp_path_factory.mktemp("with")
    (root / "data" / "original").mkdir(parents=True)
    shutil.copy(signed.master, root / "data" / "original" / "the mill.tif")
    return (*list_files(root, {"data": "original"}), *files)


def parsed(document):
    assert validate_premis(document) == []
    return etree.fromstring(document)


def identities(root, stem):
    return [
        tuple(one.findtext(f"p:{stem}Identifier{part}", None, NS) for part in ("Type", "Value"))
        for one in root.iterfind(f".//p:{stem}Identifier", NS)
    ]


def texts(element, name):
    return [one.text for one in element.iterfind(f".//p:{name}", NS)]


def related(obj, subtype):
    """Values of identifiers at the other end of an object's relationships."""
    xpath = (
        f"p:relationship[p:relationshipSubType='{subtype}']//p:relatedObjectIdentifierValue/text()"
    )
    return obj.xpath(xpath, namespaces=NS)


def object_of(root, value):
    (found,) = root.xpath(
        "p:object[p:objectIdentifier/p:objectIdentifierValue=$v]", namespaces=NS, v=value
    )
    return found


def assert_whole(root):
    """Whatever is linked to is there, once."""
    for stem, linked in (
        ("object", ("relatedObject", "linkingObject")),
        ("event", ("relatedEvent", "linkingEvent")),
        ("agent", ("linkingAgent",)),
        ("rightsStatement", ("linkingRightsStatement",)),
    ):
        there = Counter(identities(root, stem))
        assert set(there.values()) <= {1}
        for name in linked:
            assert set(identities(root, name)) <= there.keys()


def test_the_document_is_valid_and_whole(dossier, files):
    root = parsed(premis(dossier, files))
    assert_whole(root)
    assert len(root.findall("p:event", NS)) == len(dossier.events)
    assert len(root.findall("p:object", NS)) == 4 + len(files)


def test_the_same_dossier_gives_the_same_bytes(dossier, files):
    assert premis(dossier, files) == premis(dossier, files)


def test_fixity_size_and_place_are_those_of_the_files(dossier, with_original):
    root = parsed(premis(dossier, with_original))
    told = {}
    for thing in root.iterfind("p:object", NS):
        sums = dict(
            zip(texts(thing, "messageDigestAlgorithm"), texts(thing, "messageDigest"), strict=True)
        )
        place = thing.findtext(".//p:contentLocationValue", None, NS)
        if place is not None:
            size = int(thing.findtext(".//p:size", None, NS))
            told[unquote(place)] = (sums["SHA-256"], sums["SHA-512"], size)
    assert told == {file.path: (file.sha256, file.sha512, file.bytes) for file in with_original}


def test_the_master_is_described_though_the_package_does_not_hold_it(dossier, files):
    root = parsed(premis(dossier, files))
    master = object_of(root, dossier.original.sha256)
    assert master.findtext(".//p:messageDigest", None, NS) == dossier.original.sha256
    assert master.findtext(".//p:contentLocationValue", None, NS) == dossier.original.place
    assert master.findtext(".//p:size", None, NS) == str(dossier.original.bytes)
    assert master.find(".//p:formatRegistry", NS) is None


def test_a_copy_of_the_master_in_the_package_is_the_master(dossier, with_original):
    root = parsed(premis(dossier, with_original))
    assert_whole(root)
    master = object_of(root, dossier.original.sha256)
    assert master is object_of(root, "data/original/the mill.tif")
    assert master.findtext(".//p:formatRegistryKey", None, NS) == "fmt/353"


def test_the_restored_file_has_master_mask_and_layer_as_its_source(dossier, files):
    root = parsed(premis(dossier, files))
    restored = object_of(root, "data/restoration/mill/mill.restored.tif")
    assert related(restored, "has source") == [
        dossier.original.sha256,
        "data/restoration/mill/mill.mask.tif",
        "data/restoration/mill/mill.layer.tif",
    ]
    (event,) = restored.xpath(".//p:relatedEventIdentifierValue/text()", namespaces=NS)
    assert event == f"6-{dossier.events[-1].hash}"
    master = object_of(root, dossier.original.sha256)
    assert related(master, "is source of") == ["data/restoration/mill/mill.restored.tif"]


def test_representations_and_files_name_each_other(dossier, with_original):
    root = parsed(premis(dossier, with_original))
    artefact = object_of(root, "1923.7")
    scan, made = related(artefact, "is represented by")
    assert (scan, made) == ("original scan", dossier.urn)
    inside = related(object_of(root, made), "includes")
    assert inside == [file.path for file in with_original if file.role != "original"]
    assert related(object_of(root, scan), "includes") == [dossier.original.sha256]
    for path in inside:
        assert related(object_of(root, path), "is included in") == [made]


def test_anyone_can_check_the_chain(dossier, files):
    root = parsed(premis(dossier, files))
    previous = GENESIS
    for event, occurrence in zip(root.iterfind("p:event", NS), dossier.events, strict=True):
        (line,) = event.iterfind(".//r:record", NS)
        assert hashlib.sha256(line.text.encode()).hexdigest() == line.get("sha256")
        assert line.get("sha256") == occurrence.hash
        assert json.loads(line.text)["previous_hash"] == line.get("previous") == previous
        assert json.loads(event.findtext(".//p:eventDetail", None, NS)) == occurrence.detail
        previous = line.get("sha256")


def test_controlled_words_have_the_addresses_of_the_library_of_congress(dossier, files):
    root = parsed(premis(dossier, files))
    words = set()
    for one in root.iterfind(".//*[@valueURI]", NS):
        vocabulary = f"{VOCABULARY}/{one.get('authority')}"
        assert one.get("authorityURI") == vocabulary
        assert one.get("valueURI").startswith(f"{vocabulary}/")
        words.add((one.get("valueURI").removeprefix(f"{VOCABULARY}/"), one.text))
    assert words == {
        ("agentType/org", "organization"),
        ("agentType/per", "person"),
        ("agentType/sof", "software"),
        ("contentLocationType/uri", "Uniform Resource Identifier"),
        ("cryptographicHashFunctions/sha256", "SHA-256"),
        ("cryptographicHashFunctions/sha512", "SHA-512"),
        ("eventOutcome/suc", "success"),
        ("eventRelatedAgentRole/exe", "executing program"),
        ("eventRelatedAgentRole/imp", "implementer"),
        ("eventRelatedObjectRole/out", "outcome"),
        ("eventRelatedObjectRole/sou", "source"),
        ("eventType/app", "appraisal"),
        ("eventType/cre", "creation"),
        ("eventType/fix", "fixity check"),
        ("eventType/ing", "ingestion"),
        ("eventType/mes", "message digest calculation"),
        ("eventType/mod", "modification"),
        ("relationshipSubType/hss", "has source"),
        ("relationshipSubType/inc", "includes"),
        ("relationshipSubType/isi", "is included in"),
        ("relationshipSubType/iso", "is source of"),
        ("relationshipSubType/isr", "is represented by"),
        ("relationshipSubType/rep", "represents"),
        ("relationshipType/der", "derivation"),
        ("relationshipType/str", "structural"),
        ("rightsBasis/oth", "other"),
    }


def test_people_and_programs_have_their_roles(dossier, files):
    signed_by = replace(dossier.events[4], agent="Ava Approver")
    changed = replace(dossier, events=(*dossier.events[:4], signed_by, dossier.events[5]))
    root = parsed(premis(changed, files))
    assert_whole(root)
    roles = [
        event.xpath("p:linkingAgentIdentifier/p:linkingAgentRole/text()", namespaces=NS)
        for event in root.iterfind("p:event", NS)
    ]
    assert roles[4] == ["implementer", "authorizer"]
    assert roles[5] == ["executing program", "implementer"]
    notes = {
        agent.findtext("p:agentName", None, NS): agent.findtext("p:agentNote", None, NS)
        for agent in root.iterfind("p:agent", NS)
    }
    assert notes["Museum of Tests"] == "keeps the artefact"
    assert notes["Ava Approver"].startswith("signed it as evidence-based completion on 2026-11-24")


@pytest.mark.parametrize(
    ("address", "basis"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "license"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "license"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "other"),
        ("http://rightsstatements.org/vocab/InC/1.0/", "other"),
        ("whatever \x00 <it> says", "other"),
    ],
)
def test_rights_are_a_licence_only_where_something_is_granted(dossier, files, address, basis):
    changed = replace(dossier, work=replace(dossier.work, rights=address))
    root = parsed(premis(changed, files))
    assert_whole(root)
    assert root.findtext(".//p:rightsBasis", None, NS) == basis
    assert clean(address) in root.xpath("p:rights//text()", namespaces=NS)


def test_without_rights_events_institution_or_files_it_is_still_valid(dossier):
    work = replace(dossier.work, rights=None, institution="", maker=None, date=None)
    root = parsed(premis(replace(dossier, work=work, events=()), ()))
    assert_whole(root)
    assert root.find("p:rights", NS) is None
    assert root.find("p:event", NS) is None


def test_many_events_of_other_restorations_too(dossier, files):
    many = []
    previous = GENESIS
    for number in range(1, 1001):
        row = {
            "sequence": number,
            "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
            "type": EventType.MODIFICATION.value,
            "outcome": Outcome.FAILURE.value,
            "agent": "heritage",
            "agent_kind": "software",
            "agent_version": f"0.{number % 3}",
            "on_behalf_of": None,
            "master_sha256": dossier.original.sha256,
            "mask_sha256": None,
            "restoration": "another",
            "detail": {"reason": "no \ufffe room & <left>\n", "number": number},
            "previous_hash": previous,
        }
        previous = hash_of(row)
        uris = {"type_uri": EventType.MODIFICATION.uri, "outcome_uri": Outcome.FAILURE.uri}
        many.append(replace(dossier.events[0], **row, **uris, hash=previous))
    root = parsed(premis(replace(dossier, events=tuple(many)), files))
    assert_whole(root)
    restored = object_of(root, "data/restoration/mill/mill.restored.tif")
    assert restored.find(".//p:relatedEventIdentifier", NS) is None
    for line, occurrence in zip(root.iterfind(".//r:record", NS), many, strict=True):
        again = canonical(json.loads(line.text))
        assert hashlib.sha256(again.encode()).hexdigest() == occurrence.hash


ANY = st.text(max_size=40) | st.text(st.characters(max_codepoint=0x20), max_size=5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=ANY, name=ANY, remark=ANY, maker=ANY, place=ANY, detail=ANY)
def test_whatever_staff_typed_gives_a_valid_document(
    dossier, files, title, name, remark, maker, place, detail
):
    note = detail.encode("utf-8", "replace").decode()  # what the record could hash
    changed = replace(
        dossier,
        work=replace(dossier.work, title=title, maker=maker, institution=name, rights=maker),
        signing=replace(dossier.signing, remark=remark, author=name, approver=title),
        original=replace(dossier.original, place=place, file=name),
        operator=name,
        events=tuple(replace(one, detail={"note": note}, agent=name) for one in dossier.events),
    )
    root = parsed(premis(changed, files))
    assert_whole(root)
    values = root.xpath("//p:significantPropertiesValue", namespaces=NS)
    assert not title or clean(title) in [value.text for value in values]


def test_a_document_that_is_broken_is_told_with_its_line(dossier, files):
    document = premis(dossier, files)
    (fault,) = validate_premis(document.replace(b"premis:size>", b"premis:sise>", 2))
    assert re.match(r"line \d+: is not PREMIS 3.0: .*sise", fault)
    assert validate_premis(document[:-20])[0].startswith("line ")
    assert validate_premis(b"")[0].startswith("line 1: is not well-formed")
    assert (
        "Image" in validate_premis(re.sub(rb"<premis:size>\d+", b"<premis:size>Image", document))[0]
    )
    assert validate_mets(document)


@pytest.mark.parametrize(
    "prologue",
    [
        b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/hostname">]>',
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
    ],
)
def test_entities_are_refused(dossier, files, prologue):
    start = b"<premis:premis"
    hostile = premis(dossier, files).replace(start, prologue + start, 1)
    assert validate_premis(hostile) == [
        "line 1: declares a document type, which no document of a package needs"
    ]


def test_a_document_cannot_bring_schemas_of_its_own(dossier, files, tmp_path):
    own = tmp_path / "own.xsd"
    own.write_text(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:own">'
        '<element name="record"><simpleType><restriction base="integer"/></simpleType></element>'
        "</schema>"
    )
    document = premis(dossier, files)
    document = document.replace(RECORD.encode(), b"urn:own")
    hint = f' xsi:schemaLocation="urn:own {own.as_uri()}" version="3.0"'.encode()
    hinted = document.replace(b' version="3.0"', hint, 1)
    assert hinted != document
    assert validate_premis(hinted) == []


def test_the_schemas_are_those_that_the_readme_names():
    told = re.findall(
        r"^\| `(.*?)` .*`([0-9a-f]{64})` \|$", (SCHEMAS / "README.md").read_text(), re.M
    )
    assert {name for name, _ in told} == {path.name for path in SCHEMAS.glob("*.xsd")}
    for name, digest in told:
        assert hashlib.sha256((SCHEMAS / name).read_bytes()).hexdigest() == digest
