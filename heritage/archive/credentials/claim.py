"""What content credentials claim of a restoration, before anybody signs it.

Terms are those of the C2PA specification 2.x; places are its "regions of interest", kinds of source
those of the IPTC.
"""

from __future__ import annotations

import heapq
from datetime import UTC, datetime
from typing import Any, Final

import heritage
from heritage.archive.dossier import Dossier, Judged
from heritage.archive.embedded.source_type import source_type

LISTED: Final = 1000
"""Regions that are listed, the largest first: a record is read by people and programs alike."""
PROGRAM: Final = {"name": "heritage", "version": heritage.__version__}
PARENT: Final = "master"
"""What the record calls the master."""
TIFF: Final = "image/tiff"


def claim(dossier: Dossier, title: str, *, copy: bool) -> dict[str, Any]:
    """What is claimed: the master was opened, places were filled, and perhaps a copy was made.

    Args:
        dossier: About the restoration.
        title: Name of the file that this is claimed of.
        copy: Whether that is a copy for access; its places are in percent, as it may be smaller.

    Returns:
        A manifest definition, as the C2PA library takes it.
    """
    opened = {
        "action": "c2pa.opened",
        "when": _when(dossier.started_at),
        "parameters": {"ingredientIds": [PARENT]},
    }
    converted = {
        "action": "c2pa.transcoded",
        "softwareAgent": PROGRAM,
        "description": "A copy for access of the restored picture; it may be smaller.",
    }
    edited = _edited(dossier, _changes(dossier, scaled=copy))
    actions = [opened, edited, *([converted] if copy else [])]
    return {
        "claim_generator_info": [PROGRAM],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": True,
                "data": {"actions": actions, "allActionsIncluded": True},
            },
            {"label": "cawg.metadata", "kind": "Json", "data": _metadata(dossier)},
        ],
        "title": title,
    }


def parent(dossier: Dossier) -> dict[str, Any]:
    """The master as an ingredient, named by its hash, not by where it lies."""
    return {
        "title": dossier.original.file,
        "format": TIFF,
        "relationship": "parentOf",
        "label": PARENT,
        "instance_id": f"sha256:{dossier.original.sha256}",
        "description": f"The scan that was restored, SHA-256 {dossier.original.sha256}.",
        "metadata": {"heritage.sha256": dossier.original.sha256},
    }


def _edited(dossier: Dossier, changes: list[dict[str, Any]]) -> dict[str, Any]:
    method, signing = dossier.method, dossier.signing
    count = len(dossier.kept)
    listed = (
        "All of them" if len(changes) == count else f"The {len(changes):,} largest of {count:,}"
    )
    said = {
        "heritage.restoration": dossier.urn,
        "heritage.method": method.name,
        "heritage.weightsSha256": method.weights_sha256,
        "heritage.filledPixels": dossier.filled,
        "heritage.places": count,
        "heritage.page": dossier.original.page,
        "heritage.statement": signing.statement,
        "heritage.acceptedBy": signing.approver,
        "heritage.acceptedAt": _when(signing.approved_at),
    }
    return {
        "action": "c2pa.edited",
        "when": _when(dossier.finished_at),
        "softwareAgent": {**PROGRAM, "version": method.software.get("heritage", "unknown")},
        "digitalSourceType": source_type(method),
        "description": f"{dossier.statement} {listed} are listed as rectangles.",
        "parameters": {key: value for key, value in said.items() if value is not None},
        "changes": changes,
    }


def _changes(dossier: Dossier, *, scaled: bool) -> list[dict[str, Any]]:
    """The places that were filled, in the order of their numbers."""
    largest = heapq.nsmallest(LISTED, dossier.kept, key=lambda one: (-one.area, one.number))
    return [_place(dossier, one, scaled) for one in sorted(largest, key=lambda one: one.number)]


def _place(dossier: Dossier, region: Judged, scaled: bool) -> dict[str, Any]:
    box, whole = region.box, dossier.original
    across, down = (100 / whole.width, 100 / whole.height) if scaled else (1, 1)
    shape = {
        "type": "rectangle",
        "unit": "percent" if scaled else "pixel",
        "origin": {"x": round(box.x0 * across, 6), "y": round(box.y0 * down, 6)},
        "width": round(box.width * across, 6),
        "height": round(box.height * down, 6),
    }
    return {
        "region": [{"type": "spatial", "shape": shape}],
        "identifier": str(region.number),
        "description": f"digital completion of {region.area:,} pixels"
        + (f" ({region.kind})" if region.kind else ""),
    }


def _metadata(dossier: Dossier) -> dict[str, Any]:
    """What the picture is, in Dublin Core: the artefact's and the restoration's."""
    work = dossier.work
    said = {
        "dc:title": work.title,
        "dc:identifier": work.accession,
        "dc:creator": [work.maker] if work.maker else None,
        "dc:contributor": [dossier.signing.approver],
        "dc:publisher": [work.institution] if work.institution else None,
        "dc:description": dossier.statement,
        "xmpRights:WebStatement": work.rights,
    }
    return {
        "@context": {
            "dc": "http://purl.org/dc/elements/1.1/",
            "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
        },
        **{key: value for key, value in said.items() if value},
    }


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
