"""Linked Art: every record keeps to the rules of API 1.0, and the completion stays apart."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import pytest
from rdflib import RDF, RDFS, Graph, Literal, Namespace, URIRef
from rdflib.plugins.parsers.jsonld import to_rdf

from heritage.archive.provenance.graph import prov_graph
from heritage.archive.provenance.linked_art import AAT, CONTEXT, linked_art
from heritage.archive.provenance.names import HR, file_iri, part_iri
from heritage.errors import VerificationFailed

CRM = Namespace("http://www.cidoc-crm.org/cidoc-crm/")
LA = Namespace("https://linked.art/ns/terms/")

NAMED = {"_label", "identified_by", "classified_as"}
TOLD = {*NAMED, "referred_to_by"}
THING = {"@context", "id", "type", *TOLD} | {
    "equivalent", "representation", "member_of", "subject_of", "attributed_by", "dimension",
}  # fmt: skip
DOING = {"type", *TOLD} | {
    "took_place_at", "timespan", "caused_by", "carried_out_by", "used_specific_object",
    "influenced_by", "technique", "part_of",
}  # fmt: skip
SPAN = {"begin_of_the_begin", "end_of_the_begin", "begin_of_the_end", "end_of_the_end", "duration"}
RECORDS = {
    "HumanMadeObject": THING
    | {
        "made_of", "part_of", "part", "current_owner", "current_custodian", "current_location",
        "current_permanent_custodian", "used_for", "shows", "carries", "produced_by",
        "destroyed_by", "removed_by",
    },
    "DigitalObject": THING
    | {
        "format", "conforms_to", "access_point", "digitally_available_via", "digitally_carries",
        "digitally_shows", "used_for", "created_by",
    },
    "VisualItem": THING
    | {
        "part_of", "digitally_shown_by", "shown_by", "about", "created_by", "represents",
        "used_for",
    },
    "LinguisticObject": THING
    | {
        "part_of", "content", "format", "language", "digitally_carried_by", "carried_by", "about",
        "refers_to", "created_by", "used_for",
    },
}  # fmt: skip
EMBEDDED = {
    "Name": {"type", *NAMED, "content", "language", "part"},
    "Identifier": {"type", *NAMED, "content", "part", "assigned_by"},
    "LinguisticObject": {"type", *NAMED, "content", "language", "format"},
    "TimeSpan": {"type", *NAMED} | SPAN,
    "Dimension": {"type", *NAMED, "value", "unit", "lower_value_limit", "upper_value_limit"},
    "Type": {"id", "type", *NAMED},
    "Production": {*DOING, "part"},
    "Creation": DOING,
    "AttributeAssignment": {*DOING, "assigned"},
}
NEEDED = {
    "Name": {"content"}, "Identifier": {"content"}, "LinguisticObject": {"content"},
    "Dimension": {"value", "unit"}, "Type": {"id"},
}  # fmt: skip
REFERRED = {
    *RECORDS, "Person", "Group", "Activity", "MeasurementUnit", "Language",
}  # fmt: skip
POINTS_TO = {
    "shows": {"VisualItem"}, "digitally_shows": {"VisualItem"},
    "carried_out_by": {"Person", "Group"},
    "current_custodian": {"Person", "Group"}, "caused_by": {"Activity", "Event"},
    "part_of": {"Activity", "Event"}, "unit": {"MeasurementUnit"}, "language": {"Language"},
    "identified_by": {"Name", "Identifier"}, "classified_as": {"Type"}, "technique": {"Type"},
    "referred_to_by": {"LinguisticObject", "DigitalObject"}, "dimension": {"Dimension"},
    "represents": set(RECORDS), "about": set(RECORDS), "assigned": set(RECORDS),
    "attributed_by": {"AttributeAssignment"}, "timespan": {"TimeSpan"},
    "produced_by": {"Production"}, "created_by": {"Creation"},
}  # fmt: skip
SINGLE = {"timespan", "produced_by", "created_by", "unit", "part_of", "assigned"}


def faults(record):
    """What the schemas of Linked Art API 1.0 would refuse in a record."""
    allowed = RECORDS.get(record.get("type"), set())
    yield from (f"no {key}" for key in ("@context", "id", "type", "_label") if key not in record)
    if record.get("@context") != CONTEXT:
        yield "another context"
    yield from (f"{key} in a record" for key in record if key not in allowed)
    yield from inside(record)


def inside(node):
    for key, value in node.items():
        if key in POINTS_TO:
            if isinstance(value, list) == (key in SINGLE):
                yield f"{key} is {type(value).__name__}"
            for part in value if isinstance(value, list) else [value]:
                if part["type"] not in POINTS_TO[key]:
                    yield f"{part['type']} in {key}"
                yield from one(part)
        elif isinstance(value, dict | list):
            yield f"nothing is known of {key}"
        elif key in SPAN and datetime.fromisoformat(value).tzinfo is None:
            yield f"{key} without a time zone"
        elif key == "value" and not isinstance(value, int | float):
            yield "a value that is no number"


def one(node):
    kind = node["type"]
    if "id" in node and kind in REFERRED:
        yield from (f"{key} in a reference" for key in node if key not in {"id", "type", "_label"})
        return
    yield from (f"no {key} in {kind}" for key in NEEDED.get(kind, set()) if key not in node)
    yield from (f"{key} in {kind}" for key in node if key not in EMBEDDED[kind])
    yield from inside(node)


@pytest.fixture(scope="session")
def files(signed):
    made = signed.made
    paths = {"restored": made.restored, "mask": made.mask, "layer": made.layer}
    return {role: sha256(path.read_bytes()).hexdigest() for role, path in paths.items()}


@pytest.fixture
def records(dossier, files):
    return json.loads(linked_art(dossier, files))


def by_id(records):
    return {record["id"]: record for record in records}


def test_every_record_keeps_to_the_rules_of_linked_art(records):
    assert [record["type"] for record in records] == [
        "HumanMadeObject", "VisualItem", "DigitalObject", "VisualItem", "DigitalObject",
        "LinguisticObject",
    ]  # fmt: skip
    for record in records:
        assert list(faults(record)) == []


def spoil(records, how):
    records = deepcopy(records)
    how(records)
    return [fault for record in records for fault in faults(record)]


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        (lambda all_: all_[0].pop("_label"), "no _label"),
        (lambda all_: all_[0].update(weight=3), "weight in a record"),
        (lambda all_: all_[2].update({"@context": "x"}), "another context"),
        (lambda all_: all_[4]["digitally_shows"][0].update(format="x"), "format in a reference"),
        (lambda all_: all_[4]["dimension"][0].pop("unit"), "no unit in Dimension"),
        (lambda all_: all_[0].update(shows=all_[0]["shows"][0]), "shows is dict"),
        (lambda all_: all_[4]["created_by"].update(used=1), "used in Creation"),
        (
            lambda all_: all_[4]["created_by"]["timespan"].update(end_of_the_end="2026-01-01"),
            "end_of_the_end without a time zone",
        ),
        (lambda all_: all_[0].update(shows=all_[0]["current_custodian"]), "Group in shows"),
    ],
)
def test_the_rules_find_what_breaks_them(how, fault, records):
    assert fault in spoil(records, how)


def test_the_artefact_shows_its_scan_and_knows_nothing_of_the_completion(records, files):
    artefact, picture, scan, completed, completion, _ = records
    assert artefact["shows"][0]["id"] == picture["id"] == scan["digitally_shows"][0]["id"]
    assert completion["digitally_shows"][0]["id"] == completed["id"] != picture["id"]
    said = json.dumps(artefact)
    assert completed["id"] not in said
    assert file_iri(files["restored"]) not in said
    assert "completion" not in said
    assert completed["represents"][0]["id"] == artefact["id"]


def test_the_artefact_has_its_name_number_keeper_and_making(records, dossier):
    artefact = records[0]
    contents = {each["type"]: each["content"] for each in artefact["identified_by"]}
    assert contents == {"Name": dossier.work.title, "Identifier": dossier.work.accession}
    accession = artefact["identified_by"][1]["classified_as"][0]["id"]
    assert accession == f"{AAT}300312355"
    assert artefact["current_custodian"][0]["_label"] == dossier.work.institution
    making = artefact["produced_by"]
    assert making["timespan"]["identified_by"][0]["content"] == "c. 1650"
    assert making["referred_to_by"][0]["content"] == "Jan van der Meer"


def test_the_completion_says_of_what_how_and_by_whom_it_was_made(records, dossier, files):
    completion = records[4]
    assert completion["id"] == str(file_iri(files["restored"]))
    assert completion["attributed_by"][0]["assigned"]["id"] == str(
        file_iri(dossier.original.sha256)
    )
    made = completion["created_by"]
    assert made["technique"][0] == {
        "id": str(HR.Fill),
        "type": "Type",
        "_label": "digital completion",
    }
    people = [person["_label"] for person in made["carried_out_by"]]
    assert people == ["Olga Operator", "Rex Reviewer", "Ava Approver"]
    notes = [note["content"] for note in made["referred_to_by"]]
    assert notes[0] == "telea (diffusion)"
    assert "numpy 2.4.0" in notes[1]
    filled = [
        size["value"]
        for size in completion["dimension"]
        if size["classified_as"][0]["id"] == str(HR.filledPixels)
    ]
    assert filled == [dossier.filled]


def test_a_network_is_called_one_with_its_weights(dossier, files):
    method = replace(dossier.method, name="lama", kind="gan", weights_sha256="9" * 64)
    records = json.loads(linked_art(replace(dossier, method=method), files))
    made = records[4]["created_by"]
    assert made["technique"][0]["id"] == str(HR.NetworkFill)
    assert "9" * 64 in made["referred_to_by"][0]["content"]
    assert [fault for record in records for fault in faults(record)] == []


def test_the_statement_is_a_text_about_the_completion(records, dossier):
    completion, statement = records[4:]
    assert statement["content"].startswith(dossier.statement)
    assert statement["content"].endswith(dossier.signing.remark)
    assert statement["about"][0]["id"] == completion["id"]
    assert completion["referred_to_by"][0]["id"] == statement["id"]
    assert f"{AAT}300435416" in [kind["id"] for kind in statement["classified_as"]]


def test_both_documents_call_the_same_things_the_same(records, dossier, files):
    provenance = set(prov_graph(dossier, files).subjects())
    ours = {record["id"] for record in records if record["type"] in {"DigitalObject"}}
    made = records[4]["created_by"]
    ours |= {made["part_of"]["id"], made["caused_by"][0]["id"], records[0]["id"]}
    ours |= {person["id"] for person in made["carried_out_by"]}
    assert {URIRef(name) for name in ours} <= provenance


CONTEXT_HERE = {
    "id": "@id", "type": "@type", "_label": str(RDFS.label),
    "HumanMadeObject": CRM["E22_Human-Made_Object"], "VisualItem": CRM.E36_Visual_Item,
    "DigitalObject": "http://www.ics.forth.gr/isl/CRMdig/D1_Digital_Object",
    "shows": {"@id": CRM.P65_shows_visual_item, "@type": "@id", "@container": "@set"},
    "digitally_shows": {"@id": LA.digitally_shows, "@type": "@id", "@container": "@set"},
    "represents": {"@id": CRM.P138_represents, "@type": "@id", "@container": "@set"},
    "identified_by": {"@id": CRM.P1_is_identified_by, "@type": "@id", "@container": "@set"},
    "content": {"@id": CRM.P190_has_symbolic_content},
}  # fmt: skip


def test_as_rdf_the_scan_and_the_completion_show_different_pictures(dossier, files):
    """With the few terms of the published context that say so; the network is not asked."""
    records = json.loads(linked_art(dossier, files))
    for record in records:
        assert record.pop("@context") == CONTEXT
    graph = to_rdf({"@context": CONTEXT_HERE, "@graph": records}, Graph())
    scan, completion = file_iri(dossier.original.sha256), file_iri(files["restored"])
    shown = graph.value(part_iri(dossier, "artefact"), CRM.P65_shows_visual_item)
    assert graph.value(scan, LA.digitally_shows) == shown
    assert graph.value(completion, LA.digitally_shows) not in (None, shown)
    assert len(set(graph.subjects(RDF.type, CRM.E36_Visual_Item))) == 2
    assert (None, CRM.P190_has_symbolic_content, Literal("1923.7")) in graph


def test_what_is_not_known_is_not_said(dossier, files):
    work = replace(dossier.work, maker=None, date=None, institution="", rights=None)
    signing = replace(dossier.signing, remark="")
    records = json.loads(linked_art(replace(dossier, work=work, signing=signing), files))
    assert not {"produced_by", "current_custodian", "referred_to_by"} & set(records[0])
    assert records[5]["content"] == dossier.statement
    assert [fault for record in records for fault in faults(record)] == []


def test_names_in_any_script_survive_and_bytes_are_the_same_again(dossier, files):
    told = replace(dossier, work=replace(dossier.work, title='Η Μύλος «壁画» "№ 1"\n'))
    written = linked_art(told, files)
    assert written == linked_art(told, files)
    assert json.loads(written)[0]["_label"] == told.work.title
    assert "壁画" in written.decode()


def test_files_of_another_restoration_are_refused(dossier, files):
    with pytest.raises(VerificationFailed, match="not the master"):
        linked_art(dossier, {**files, "original": "0" * 64})
