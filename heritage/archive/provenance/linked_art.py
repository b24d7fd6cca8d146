"""The artefact, its scan and its digital completion as Linked Art: three things, kept apart.

An array of records, each whole in itself, as an endpoint of the Linked Art API 1.0 would serve it.
The artefact's record names the scan as its picture and never the completion: whoever fetches a
picture of the artefact gets what is there. Only the completion points back.

Source: https://linked.art/model/ and the schemas of https://linked.art/api/1.0/; numbers of the
Getty's Art & Architecture Thesaurus as Linked Art uses them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rdflib.namespace import PROV

from heritage.archive.dossier import Dossier
from heritage.archive.provenance.graph import check_files
from heritage.archive.provenance.names import HR, file_iri, part_iri
from heritage.restore.provenance import file_names

CONTEXT = "https://linked.art/ns/v1/linked-art.json"
AAT = "http://vocab.getty.edu/aat/"

Record = dict[str, Any]

ARTEFACT = ("300117127", "artifacts (object genre)")
ACCESSION = ("300312355", "accession numbers")
BRIEF_TEXT = ("300418049", "brief texts")
BYTES = ("300265869", "bytes")
DESCRIPTION = ("300435416", "description")
DIGITAL_IMAGE = ("300215302", "digital images")
ENGLISH = ("300388277", "English")
FILE_SIZE = ("300265863", "file size")
HEIGHT = ("300055644", "height")
NOTE = ("300027200", "notes")
PIXELS = ("300266190", "pixels")
PRODUCTION = ("300435436", "production statement")
PRIMARY = ("300404670", "primary name")
RIGHTS = ("300435434", "copyright/licence statement")
WIDTH = ("300055647", "width")


def linked_art(dossier: Dossier, files: Mapping[str, str]) -> bytes:
    """The records, as JSON-LD.

    Args:
        dossier: All that is known of the restoration.
        files: SHA-256 by role, as ``prov_graph`` takes them; the names agree with those there.

    Returns:
        UTF-8: a JSON array of the artefact, two pictures, the two files that show them, and the
        statement.

    Raises:
        VerificationFailed: As ``prov_graph``.
    """
    check_files(dossier, files)
    completion = file_iri(files["restored"])
    records = [
        _artefact(dossier),
        _picture(dossier, "picture", "as scanned"),
        _scan(dossier),
        _picture(dossier, "completed-picture", "digital completion"),
        _completion(dossier, completion),
        _statement(dossier, completion),
    ]
    said = [{"@context": CONTEXT, **record} for record in records]
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


def _artefact(dossier: Dossier) -> Record:
    work = dossier.work
    record: Record = {
        **_reference(part_iri(dossier, "artefact"), "HumanMadeObject", work.title),
        "classified_as": [_type(ARTEFACT)],
        "identified_by": [
            {"type": "Name", "content": work.title, "classified_as": [_type(PRIMARY)]},
            _identifier(work.accession, _type(ACCESSION)),
        ],
    }
    if work.rights:
        record["referred_to_by"] = [_text(work.rights, RIGHTS)]
    production: Record = {"type": "Production"}
    if work.maker:
        production["referred_to_by"] = [_text(work.maker, PRODUCTION)]
    if work.date:
        name = {"type": "Name", "content": work.date}
        production["timespan"] = {"type": "TimeSpan", "identified_by": [name]}
    if len(production) > 1:
        record["produced_by"] = production
    if work.institution:
        keeper = _reference(part_iri(dossier, "institution"), "Group", work.institution)
        record["current_custodian"] = [keeper]
    record["shows"] = [_reference(part_iri(dossier, "picture"), "VisualItem")]
    return record


def _picture(dossier: Dossier, name: str, state: str) -> Record:
    artefact = _reference(part_iri(dossier, "artefact"), "HumanMadeObject", dossier.work.title)
    return {
        **_reference(part_iri(dossier, name), "VisualItem", f"{dossier.work.title} ({state})"),
        "represents": [artefact],
    }


def _scan(dossier: Dossier) -> Record:
    original = dossier.original
    return {
        **_file(dossier, original.file, original.sha256, f"{dossier.work.title} (original scan)"),
        "classified_as": [_type(DIGITAL_IMAGE), _own("Master", "original scan")],
        "dimension": [*_size(dossier), _dimension(original.bytes, _type(FILE_SIZE), BYTES)],
        "digitally_shows": [_reference(part_iri(dossier, "picture"), "VisualItem")],
    }


def _completion(dossier: Dossier, file: str) -> Record:
    title = f"{dossier.work.title} (digital completion)"
    derived = {
        "type": "AttributeAssignment",
        "_label": "derived from the original scan",
        "classified_as": [
            {"id": str(PROV.wasDerivedFrom), "type": "Type", "_label": "was derived from"}
        ],
        "assigned": _reference(
            file_iri(dossier.original.sha256), "DigitalObject", dossier.original.file
        ),
    }
    filled = _dimension(dossier.filled, _own("filledPixels", "filled pixels"), PIXELS)
    return {
        **_reference(file, "DigitalObject", title),
        "format": "image/tiff",
        "identified_by": [
            {"type": "Name", "content": title, "classified_as": [_type(PRIMARY)]},
            _identifier(file_names(dossier.name)["restored"], None),
            _identifier(dossier.identifier, _own("identifier", "identifier of the restoration")),
        ],
        "classified_as": [_type(DIGITAL_IMAGE), _own("SignedFile", "digital completion")],
        "referred_to_by": [
            _reference(part_iri(dossier, "statement"), "LinguisticObject", "what this picture is")
        ],
        "dimension": [*_size(dossier), filled],
        "attributed_by": [derived],
        "created_by": _creation(dossier),
        "digitally_shows": [_reference(part_iri(dossier, "completed-picture"), "VisualItem")],
    }


def _creation(dossier: Dossier) -> Record:
    method, signing = dossier.method, dossier.signing
    software = ", ".join(f"{name} {version}" for name, version in sorted(method.software.items()))
    weights = f"; weights SHA-256 {method.weights_sha256}" if method.weights_sha256 else ""
    people = dict.fromkeys((dossier.operator, signing.author, signing.approver))
    kind = "NetworkFill" if method.generated else "Fill"
    how = "digital completion by a trained network" if method.generated else "digital completion"
    return {
        "type": "Creation",
        "_label": "digital completion",
        "timespan": _span(dossier.started_at, signing.approved_at),
        "carried_out_by": [_person(dossier, name) for name in people],
        "technique": [_own(kind, how)],
        "caused_by": [_reference(part_iri(dossier, "approval"), "Activity", "approval")],
        "part_of": _reference(part_iri(dossier, "composing"), "Activity", "composing"),
        "referred_to_by": [
            _text(f"{method.name} ({method.kind}){weights}", NOTE),
            _text(f"{software}; on {method.device}", NOTE),
        ],
    }


def _statement(dossier: Dossier, completion: str) -> Record:
    signing = dossier.signing
    remark = f"{dossier.statement}\n\n{signing.remark}" if signing.remark else dossier.statement
    return {
        **_reference(part_iri(dossier, "statement"), "LinguisticObject", "what this picture is"),
        "classified_as": [_type(DESCRIPTION, BRIEF_TEXT), _own("statement", signing.statement)],
        "content": remark,
        "format": "text/plain",
        "language": [_concept(ENGLISH, "Language")],
        "about": [_reference(completion, "DigitalObject", "digital completion")],
        "created_by": {
            "type": "Creation",
            "timespan": _span(signing.authored_at, signing.authored_at),
            "carried_out_by": [_person(dossier, signing.author)],
        },
    }


def _file(dossier: Dossier, name: str, sha256: str, label: str) -> Record:
    return {
        **_reference(file_iri(sha256), "DigitalObject", label),
        "format": "image/tiff",
        "identified_by": [
            {"type": "Name", "content": label, "classified_as": [_type(PRIMARY)]},
            _identifier(name, None),
            _identifier(sha256, _own("sha256", "SHA-256")),
        ],
    }


def _reference(iri: str, kind: str, label: str | None = None) -> Record:
    return {"id": str(iri), "type": kind, **({"_label": label} if label else {})}


def _concept(term: tuple[str, str], kind: str) -> Record:
    return _reference(f"{AAT}{term[0]}", kind, term[1])


def _type(term: tuple[str, str], meta: tuple[str, str] | None = None) -> Record:
    """A term of the AAT, itself classified where a reader should know what kind of term it is."""
    more = {"classified_as": [_concept(meta, "Type")]} if meta else {}
    return {**_concept(term, "Type"), **more}


def _own(term: str, label: str) -> Record:
    return _reference(HR[term], "Type", label)


def _person(dossier: Dossier, name: str) -> Record:
    return _reference(part_iri(dossier, f"person-{name}"), "Person", name)


def _identifier(content: str, kind: Record | None) -> Record:
    kinds = {"classified_as": [kind]} if kind else {}
    return {"type": "Identifier", "content": content, **kinds}


def _text(content: str, term: tuple[str, str]) -> Record:
    kinds = [_type(term, BRIEF_TEXT)]
    return {"type": "LinguisticObject", "content": content, "classified_as": kinds}


def _size(dossier: Dossier) -> Iterable[Record]:
    yield _dimension(dossier.original.width, _type(WIDTH), PIXELS)
    yield _dimension(dossier.original.height, _type(HEIGHT), PIXELS)


def _dimension(value: int, kind: Record, unit: tuple[str, str]) -> Record:
    return {
        "type": "Dimension",
        "classified_as": [kind],
        "value": value,
        "unit": _concept(unit, "MeasurementUnit"),
    }


def _span(begin: datetime, end: datetime) -> Record:
    return {
        "type": "TimeSpan",
        "begin_of_the_begin": begin.isoformat(),
        "end_of_the_end": end.isoformat(),
    }
