"""What provenance tells of files: the artefact, its scan, how it was filled, what was composed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from rdflib import Literal, URIRef
from rdflib.namespace import DCTERMS, PROV, RDF
from rdflib.term import Node

from heritage.archive.provenance.names import HR, file_iri
from heritage.archive.provenance.parts import Telling, Triple, told

COMPOSED = ("restored", "mask", "layer")
"""Roles of the files that composing made."""

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")


def restoration(telling: Telling) -> Iterator[Triple]:
    """The restoration as a whole, in the words of the XMP."""
    dossier = telling.dossier
    yield from told(telling.whole, (HR.Restoration, PROV.Entity), dossier.name, {
        HR.identifier: dossier.identifier,
        HR.statement: dossier.statement,
        HR.certainty: dossier.signing.statement,
        HR.filledPixels: dossier.filled,
        HR.filledShare: dossier.share,
        HR.masterSHA256: dossier.original.sha256,
        HR.approver: dossier.signing.approver,
    })  # fmt: skip


def artefact(telling: Telling) -> Iterator[Triple]:
    """The thing that the master is a picture of."""
    work = telling.dossier.work
    thing = telling.part("artefact")
    yield from told(thing, (HR.Artefact, PROV.Entity), work.title, {
        DCTERMS.identifier: work.accession,
        DCTERMS.title: work.title,
        DCTERMS.creator: work.maker,
        DCTERMS.created: work.date,
        DCTERMS.rights: _iri_or_text(work.rights),
    })  # fmt: skip
    if work.institution:
        yield thing, PROV.wasAttributedTo, telling.part("institution")
    yield telling.master, PROV.wasDerivedFrom, thing


def held_files(telling: Telling) -> Iterator[Triple]:
    """The master and the files of the package, named by their content."""
    original = telling.dossier.original
    yield from told(telling.master, (HR.Master, HR.File, PROV.Entity), original.file, {
        HR.sha256: original.sha256,
        HR.role: "original",
        HR.bytes: original.bytes,
        HR.page: original.page,
        HR.width: original.width,
        HR.height: original.height,
    })  # fmt: skip
    for role, sha256 in telling.files.items():
        file = file_iri(sha256)
        if file == telling.master:
            continue
        label = f"{telling.dossier.name}: {role}"
        said = {HR.sha256: sha256, HR.role: role}
        yield from told(file, (HR.File, PROV.Entity), label, said)
        if role in COMPOSED and not (role == "mask" and file == telling.mask):
            yield file, PROV.wasGeneratedBy, telling.part("composing")
    if telling.taken_back:
        yield from told(telling.mask, (HR.Mask, PROV.Entity), "the mask as proposed", {})
        yield file_iri(telling.files["mask"]), PROV.wasRevisionOf, telling.mask


def fill(telling: Telling) -> Iterator[Triple]:
    """How the proposal was filled: by what, from what, with which software."""
    dossier, method, filling = telling.dossier, telling.dossier.method, telling.part("fill")
    kinds = (HR.Fill, PROV.Activity, *([HR.NetworkFill] if method.generated else []))
    yield from told(filling, kinds, f"filling by {method.name}", {
        HR.model: method.name,
        HR.kind: method.kind,
        HR.weightsSHA256: method.weights_sha256,
        HR.weightsLicence: method.licence,
        HR.parameters: Literal(_json(method.parameters), datatype=RDF.JSON),
        HR.seed: method.parameters.get("seed"),
        HR.device: method.device,
        PROV.startedAtTime: dossier.started_at,
        PROV.endedAtTime: dossier.finished_at,
    })  # fmt: skip
    used = {"master": telling.master, "mask": telling.mask}
    if method.weights_sha256:
        used["weights"] = file_iri(method.weights_sha256)
        said = {HR.sha256: method.weights_sha256, HR.role: "weights"}
        label = f"weights of {method.name}"
        yield from told(used["weights"], (HR.Weights, HR.File, PROV.Entity), label, said)
    for role, entity in used.items():
        usage = telling.part(f"fill-{role}")
        yield filling, PROV.used, entity
        yield filling, PROV.qualifiedUsage, usage
        yield usage, RDF.type, PROV.Usage
        yield usage, PROV.entity, entity
        yield usage, PROV.hadRole, HR[f"role-{role}"]
    for name in method.software:
        yield filling, PROV.wasAssociatedWith, telling.software(name)
    yield from telling.acting(filling, dossier.operator, "operator")
    proposal = telling.part("proposal")
    yield from told(proposal, (HR.Proposal, PROV.Entity), "the picture as proposed", {})
    yield proposal, PROV.wasGeneratedBy, filling
    yield proposal, PROV.wasDerivedFrom, telling.master


def composing(telling: Telling) -> Iterator[Triple]:
    """How the signed file was made of the master and the fills that were kept."""
    activity, derivation = telling.part("composing"), telling.part("derivation")
    kept = telling.part("kept")
    done = [
        event.at
        for event in telling.dossier.events
        if event.type == "modification" and event.restoration == telling.dossier.identifier
    ]
    yield from told(activity, (HR.Composing, PROV.Activity), "composing of the signed file", {
        PROV.endedAtTime: done[-1] if done else None,
    })  # fmt: skip
    yield from told(kept, (PROV.Collection, PROV.Entity), "the fills that were kept", {})
    for entity in (telling.master, kept):
        yield activity, PROV.used, entity
    yield activity, PROV.wasInformedBy, telling.part("approval")
    if "heritage" in telling.dossier.method.software:
        yield activity, PROV.wasAssociatedWith, telling.software("heritage")
    yield telling.signed, RDF.type, HR.SignedFile
    yield telling.signed, PROV.specializationOf, telling.whole
    yield telling.signed, PROV.wasDerivedFrom, telling.master
    yield telling.signed, PROV.wasAttributedTo, telling.person(telling.dossier.signing.approver)
    yield telling.signed, PROV.qualifiedDerivation, derivation
    yield derivation, RDF.type, PROV.Derivation
    yield derivation, PROV.entity, telling.master
    yield derivation, PROV.hadActivity, activity


def _iri_or_text(value: str | None) -> Node | None:
    if value is None:
        return None
    return URIRef(value) if _IRI.fullmatch(value) else Literal(value)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
