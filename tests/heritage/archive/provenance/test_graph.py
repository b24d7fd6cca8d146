"""PROV-O: what it says, that shapes find what is missing, that both notations say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import urlsafe_b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyshacl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import RDF, RDFS, XSD, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import OWL, PROV
from rdflib.plugins.parsers.jsonld import to_rdf

import heritage.archive
from heritage.archive.provenance.graph import prov_graph
from heritage.archive.provenance.linked_data import json_ld, turtle
from heritage.archive.provenance.names import HR, OA, file_iri, part_iri
from heritage.errors import VerificationFailed
from heritage.geometry import Box

HERE = Path(heritage.archive.__file__).parent / "provenance"
SHAPES = HERE / "shapes.ttl"
WEIGHTS = "9" * 64


@pytest.fixture(scope="session")
def files(signed):
    made = signed.made
    paths = {"restored": made.restored, "mask": made.mask, "layer": made.layer}
    paths["original"] = signed.master
    return {role: sha256(path.read_bytes()).hexdigest() for role, path in paths.items()}


@pytest.fixture
def by_network(dossier):
    method = replace(dossier.method, name="lama", kind="gan", weights_sha256=WEIGHTS)
    return replace(dossier, method=method)


@pytest.fixture(scope="session")
def shapes():
    return Graph().parse(SHAPES)


def read_json_ld(data):
    """As ``Graph.parse`` would, which however uses a class that rdflib itself calls outdated."""
    return to_rdf(json.loads(data), Graph())


def complaints(graph, shapes):
    """What the shapes say is wrong; empty if nothing is."""
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes)
    assert conforms == ("Message:" not in text)
    return [line.split("Message:")[1].strip() for line in text.splitlines() if "Message:" in line]


def test_the_shapes_are_shapes_and_a_signed_restoration_fits_them(dossier, files, shapes):
    graph = prov_graph(dossier, files)
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes, meta_shacl=True)
    assert conforms, text


def test_a_filling_by_a_network_fits_the_shapes_and_names_its_weights(by_network, files, shapes):
    graph = prov_graph(by_network, files)
    assert complaints(graph, shapes) == []
    fill = part_iri(by_network, "fill")
    assert (fill, RDF.type, HR.NetworkFill) in graph
    assert (fill, PROV.used, file_iri(WEIGHTS)) in graph
    assert graph.value(fill, HR.weightsSHA256) == Literal(WEIGHTS)


def test_one_command_checks_the_file_that_is_in_the_package(dossier, files, tmp_path):
    told, less = tmp_path / "provenance.ttl", tmp_path / "less.ttl"
    graph = prov_graph(dossier, files)
    told.write_bytes(turtle(graph))
    graph.remove((None, HR.device, None))
    less.write_bytes(turtle(graph))
    for path, status in ((told, 0), (less, 1)):
        command = [sys.executable, "-m", "pyshacl", "-s", str(SHAPES), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stdout + done.stderr
    assert "a filling has its device" in done.stdout


def without(subject, predicate):
    def mutate(graph, name):
        found = [(name(subject), predicate, value) for value in graph[name(subject) : predicate]]
        assert found
        for triple in found:
            graph.remove(triple)

    return mutate


def instead(subject, predicate, value):
    return lambda graph, name: graph.set((name(subject), predicate, value))


def and_also(subject, predicate, value):
    def mutate(graph, name):
        other = value if isinstance(value, Literal) else name(value)
        graph.add((name(subject), predicate, other))

    return mutate


def no_software(graph, name):
    for agent in list(graph.subjects(RDF.type, PROV.SoftwareAgent)):
        graph.remove((None, PROV.wasAssociatedWith, agent))


MISSING = {
    "identifier": (without("", HR.identifier), "a restoration has one identifier"),
    "statement": (without("", HR.statement), "a restoration has one statement"),
    "certainty": (instead("", HR.certainty, Literal("as new")), "how certain it is"),
    "filled": (instead("", HR.filledPixels, Literal(-1)), "number of filled pixels"),
    "share": (instead("", HR.filledShare, Literal(1.5)), "filled share, 0 to 1"),
    "master hash": (instead("", HR.masterSHA256, Literal("A1")), "SHA-256 of its master"),
    "approver": (without("", HR.approver), "a restoration has an approver"),
    "no restoration": (without("", RDF.type), "exactly one restoration"),
    "no signed file": (without("signed", RDF.type), "exactly one signed file"),
    "two signed files": (
        lambda graph, name: graph.add((name("master"), RDF.type, HR.SignedFile)),
        "exactly one signed file",
    ),
    "file hash": (without("signed", HR.sha256), "a file has one SHA-256"),
    "file role": (without("signed", HR.role), "a file has a role"),
    "file name": (
        lambda graph, name: graph.add((name("proposal"), RDF.type, HR.File)),
        "named by its SHA-256",
    ),
    "source": (without("signed", PROV.wasDerivedFrom), "is derived from a master"),
    "derivation": (without("signed", PROV.qualifiedDerivation), "names its source and its acti"),
    "derivation source": (without("derivation", PROV.entity), "names its source and its activity"),
    "derivation activity": (without("derivation", PROV.hadActivity), "and its activity"),
    "generation": (without("signed", PROV.wasGeneratedBy), "generated by exactly one composing"),
    "specialization": (without("signed", PROV.specializationOf), "belongs to a restoration"),
    "attribution": (without("signed", PROV.wasAttributedTo), "a person stands behind"),
    "region's filling": (without("region-1", PROV.wasGeneratedBy), "exactly one filling"),
    "two fillings": (
        and_also("region-1", PROV.wasGeneratedBy, "composing"),
        "exactly one filling",
    ),
    "region's picture": (without("region-2", OA.hasSource), "the picture that it is part of"),
    "selector": (without("region-3", OA.hasSelector), "a region has exactly one selector"),
    "area": (without("region-1", HR.areaPixels), "an area of at least one pixel"),
    "area 0": (instead("region-1", HR.areaPixels, Literal(0)), "an area of at least one pixel"),
    "confidence": (instead("region-1", HR.confidence, Literal(1.01)), "between 0 and 1"),
    "nobody decided": (without("decision-1", PROV.used), "somebody decided on a region"),
    "kept and taken back": (
        and_also("region-1", PROV.wasInvalidatedBy, "decision-2"),
        "kept is not taken back",
    ),
    "kept elsewhere": (
        lambda graph, name: graph.set((name("region-1"), OA.hasSource, name("proposal"))),
        "part of the signed file",
    ),
    "taken back by nobody": (
        without("region-2", PROV.wasInvalidatedBy),
        "taken back by exactly one decision",
    ),
    "selector's value": (without("selector-1", RDF.value), "a selector is xywh="),
    "selector of nothing": (
        instead("selector-1", RDF.value, Literal("xywh=1,1,0,5")),
        "a selector is xywh=",
    ),
    "selector's kind": (
        without("selector-1", URIRef("http://purl.org/dc/terms/conformsTo")),
        "conforms to Media Fragments",
    ),
    "model": (without("fill", HR.model), "the name of its model"),
    "kind": (without("fill", HR.kind), "the kind of its model"),
    "parameters": (without("fill", HR.parameters), "a filling has its parameters"),
    "device": (without("fill", HR.device), "a filling has its device"),
    "start": (without("fill", PROV.startedAtTime), "the time when it started"),
    "end": (without("fill", PROV.endedAtTime), "the time when it ended"),
    "ended before it started": (
        instead("fill", PROV.endedAtTime, Literal("1999-01-01T00:00:00Z", datatype=XSD.dateTime)),
        "before it ended",
    ),
    "weights": (without("fill", HR.weightsSHA256), "has the SHA-256 of its weights"),
    "weights of another form": (
        instead("fill", HR.weightsSHA256, Literal("F" * 64)),
        "64 small hexadecimal digits",
    ),
    "a network in disguise": (
        lambda graph, name: graph.remove((name("fill"), RDF.type, HR.NetworkFill)),
        "says that it is one",
    ),
    "filled from": (without("fill", PROV.used), "a filling used a master"),
    "filled where": (without("fill", PROV.qualifiedUsage), "a filling used a mask"),
    "software": (no_software, "a filling has its software"),
    "operator": (
        lambda graph, name: graph.remove(
            (name("fill"), PROV.wasAssociatedWith, name("person-Olga Operator"))
        ),
        "a person had the filling done",
    ),
    "composed from": (without("composing", PROV.used), "composing used a master"),
    "composed without approval": (
        without("composing", PROV.wasInformedBy),
        "composing follows an approval",
    ),
    "decision": (without("decision-1", HR.decision), "says what was decided"),
    "person": (without("decision-1", PROV.wasAssociatedWith), "a decision has a person"),
    "role": (without("approval-approver", PROV.hadRole), "in which role a person decided"),
    "in whose role": (without("approval-approver", PROV.agent), "in which role a person decided"),
    "when approved": (without("approval", PROV.endedAtTime), "have their time"),
    "name": (without("person-Ava Approver", RDFS.label), "an agent has a name"),
    "version": (without("software-python-3.11.7", HR.version), "software has a version"),
    "for whom": (without("software-python-3.11.7", PROV.actedOnBehalfOf), "on behalf of a person"),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_or_wrong_is_named(what, by_network, files, shapes):
    graph = prov_graph(by_network, files)
    special = {
        "": URIRef(by_network.urn),
        "signed": file_iri(files["restored"]),
        "master": file_iri(files["original"]),
    }
    mutate, message = MISSING[what]
    mutate(graph, lambda name: special.get(name, part_iri(by_network, name)))
    assert any(message in line for line in complaints(graph, shapes))


def test_every_message_of_the_shapes_has_been_heard(shapes):
    heard = [message for _, message in MISSING.values()]
    inner = ("a derivation names", "an association names")
    for text in map(str, shapes.objects(None, URIRef("http://www.w3.org/ns/shacl#message"))):
        assert text.startswith(inner) or any(message in text for message in heard), text


def test_turtle_and_json_ld_say_the_same(by_network, files):
    graph = prov_graph(by_network, files)
    from_turtle = Graph().parse(data=turtle(graph), format="turtle")
    from_json_ld = read_json_ld(json_ld(graph))
    assert len(graph) > 200
    assert isomorphic(graph, from_turtle)
    assert isomorphic(graph, from_json_ld)


def test_the_same_graph_gives_the_same_bytes_however_it_was_made(dossier, files):
    graph = prov_graph(dossier, files)
    backwards = Graph(bind_namespaces="none")
    for prefix, iri in graph.namespaces():
        backwards.bind(prefix, iri)
    for triple in sorted(graph, reverse=True):
        backwards.add(triple)
    assert turtle(backwards) == turtle(graph)
    assert json_ld(backwards) == json_ld(graph)


@settings(max_examples=50, deadline=None)
@given(text=st.text(), language=st.sampled_from([None, "de", "fa-AF"]))
def test_any_text_survives_both_notations(text, language):
    graph = Graph(bind_namespaces="none")
    graph.add((URIRef("urn:a"), RDFS.label, Literal(text, lang=language)))
    graph.add((URIRef("urn:a"), RDFS.comment, Literal(text, datatype=XSD.string)))
    for back in (Graph().parse(data=turtle(graph)), read_json_ld(json_ld(graph))):
        said = back.value(URIRef("urn:a"), RDFS.label)
        assert (str(said), said.language) == (text, language)
        assert str(back.value(URIRef("urn:a"), RDFS.comment)) == text


def test_names_in_any_script_survive(dossier, files, shapes):
    work = replace(dossier.work, title='Η Μύλος «壁画»\n"№ 1"', institution="متحف/الفن #1")
    signing = replace(dossier.signing, approver="Žofia 李 <x>", remark="à l'ancienne\\")
    told = replace(dossier, work=work, signing=signing)
    graph = prov_graph(told, files)
    assert complaints(graph, shapes) == []
    back = Graph().parse(data=turtle(graph), format="turtle")
    assert str(back.value(part_iri(told, "institution"), RDFS.label)) == "متحف/الفن #1"
    assert str(back.value(part_iri(told, "artefact"), RDFS.label)) == work.title
    assert part_iri(told, "person-Žofia 李 <x>") in set(back.subjects())


def test_a_file_has_the_name_that_rfc_6920_gives_as_its_example():
    name = file_iri(sha256(b"Hello World!").hexdigest())
    assert str(name) == "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"


def test_names_of_files_are_the_hashes_of_their_bytes(signed, dossier, files):
    graph = prov_graph(dossier, files)
    (name,) = graph.subjects(RDF.type, HR.SignedFile)
    digest = urlsafe_b64decode(str(name).split(";")[1] + "=")
    assert digest == sha256(signed.made.restored.read_bytes()).digest()
    assert (name, PROV.wasDerivedFrom, file_iri(dossier.original.sha256)) in graph


def test_regions_lie_where_they_are_filled_and_tell_what_became_of_them(dossier, files):
    graph = prov_graph(dossier, files)
    for region in dossier.regions:
        entity = part_iri(dossier, f"region-{region.number}")
        where = str(graph.value(graph.value(entity, OA.hasSelector), RDF.value))
        x, y, width, height = map(int, where.removeprefix("xywh=").split(","))
        assert Box(y, x, y + height, x + width) == region.box
        assert int(graph.value(entity, HR.areaPixels)) == region.area
        assert ((entity, PROV.wasInvalidatedBy, None) in graph) != region.kept
    note = "the crack is the panel's own"
    (taken_back,) = graph.subjects(RDF.type, HR.TakenBackRegion)
    assert str(graph.value(graph.value(taken_back, PROV.wasInvalidatedBy), HR.note)) == note


def test_the_mask_in_the_package_is_what_was_filled_only_if_nothing_was_taken_back(dossier, files):
    fill, mask = part_iri(dossier, "fill"), file_iri(files["mask"])
    graph = prov_graph(dossier, files)
    assert (fill, PROV.used, mask) not in graph
    assert (mask, PROV.wasRevisionOf, part_iri(dossier, "mask")) in graph
    kept = tuple(replace(region, kept=True) for region in dossier.regions)
    graph = prov_graph(replace(dossier, regions=kept), files)
    assert (fill, PROV.used, mask) in graph
    assert (mask, PROV.wasGeneratedBy, None) not in graph


def test_parameters_and_seed_are_told_as_they_were(dossier, files):
    graph = prov_graph(dossier, files)
    fill = part_iri(dossier, "fill")
    said = graph.value(fill, HR.parameters)
    assert said.datatype == RDF.JSON
    assert json.loads(str(said)) == {"radius": 3, "seed": 7}
    assert graph.value(fill, HR.seed) == Literal(7)


def test_what_many_regions_share_is_said_once(dossier, files, shapes):
    first = dossier.regions[0]
    many = tuple(
        replace(first, number=number, box=Box(number, 1, number + 2, 9)) for number in range(1, 501)
    )
    graph = prov_graph(replace(dossier, regions=many), files)
    activities = set(graph.subjects(RDF.type, PROV.Activity))
    assert {str(activity).split("#")[1] for activity in activities} == {
        "fill", "composing", "handing-in", "approval", "decision-1",
    }  # fmt: skip
    assert len(set(graph.subjects(PROV.wasGeneratedBy, part_iri(dossier, "fill")))) == 501
    assert complaints(graph, shapes) == []


def test_regions_on_which_nobody_decided_singly_went_with_the_handing_in(dossier, files, shapes):
    alone = tuple(
        replace(region, by=None, at=None, decision="proposed", note="")
        for region in dossier.regions
    )
    graph = prov_graph(replace(dossier, regions=alone), files)
    assert complaints(graph, shapes) == []
    (taken_back,) = graph.subjects(RDF.type, HR.TakenBackRegion)
    assert graph.value(taken_back, PROV.wasInvalidatedBy) == part_iri(dossier, "handing-in")


def test_what_is_not_known_is_not_said(dossier, files, shapes):
    work = replace(dossier.work, maker=None, date=None, institution="", rights=None)
    silent = tuple(
        replace(region, kind=None, confidence=None, detector=None) for region in dossier.regions
    )
    graph = prov_graph(replace(dossier, work=work, regions=silent, events=()), files)
    assert complaints(graph, shapes) == []
    assert "None" not in turtle(graph).decode()
    assert (None, RDF.type, PROV.Organization) not in graph
    assert (part_iri(dossier, "composing"), PROV.endedAtTime, None) not in graph


def test_rights_that_are_no_address_are_told_as_text(dossier, files):
    told = replace(dossier, work=replace(dossier.work, rights="© the <estate>"))
    back = read_json_ld(json_ld(prov_graph(told, files)))
    rights = URIRef("http://purl.org/dc/terms/rights")
    assert back.value(part_iri(told, "artefact"), rights) == Literal("© the <estate>")


@pytest.mark.parametrize("vocabulary", [Graph().parse(HERE / "vocabulary.ttl")])
def test_every_term_of_our_own_is_documented(vocabulary, by_network, files, shapes):
    own = {
        term
        for graph in (prov_graph(by_network, files), shapes)
        for triple in graph
        for term in triple
        if isinstance(term, URIRef) and term.startswith(HR) and ":shape" not in term
    }
    for term in own:
        assert vocabulary.value(term, RDFS.label), term
        assert vocabulary.value(term, RDFS.comment) or (term, RDF.type, PROV.Role) in vocabulary
    for term in vocabulary.subjects(RDF.type, OWL.DatatypeProperty):
        assert vocabulary.value(term, RDFS.domain), term
        assert vocabulary.value(term, RDFS.range), term


def test_xmp_and_prov_use_the_same_words(by_network, files):
    shared = ["identifier", "filledPixels", "filledShare", "model", "weightsSHA256"]
    shared += ["masterSHA256", "statement", "approver"]
    predicates = set(prov_graph(by_network, files).predicates())
    assert {HR[word] for word in shared} <= predicates


@pytest.mark.parametrize("role", ["restored", "mask"])
def test_a_package_without_a_needed_file_is_refused(role, dossier, files):
    fewer = {name: hash_ for name, hash_ in files.items() if name != role}
    with pytest.raises(VerificationFailed, match=f"SHA-256 of the {role} file"):
        prov_graph(dossier, fewer)


@pytest.mark.parametrize("wrong", ["", "f" * 63, "F" * 64, "g" * 64, f"{'0' * 64}\n"])
def test_what_is_no_hash_is_refused(wrong, dossier, files):
    with pytest.raises(VerificationFailed, match="is no SHA-256"):
        prov_graph(dossier, {**files, "layer": wrong})


def test_another_original_is_refused(dossier, files):
    with pytest.raises(VerificationFailed, match="not the master that was restored"):
        prov_graph(dossier, {**files, "original": "0" * 64})
