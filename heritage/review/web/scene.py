"""What the light table is told about a restoration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from db.bulk import risk
from db.restorations import Region, Restoration
from db.reviews import SignOff
from db.vocabulary import Role, Status
from heritage.review.web.guard import Visitor

VIEWS = ("before", "after", "tratteggio", "mask", "difference")


def scene_of(
    row: Restoration,
    sign_off: SignOff | None,
    regions: list[Region],
    others: list[Restoration],
    visitor: Visitor,
    selected: int | None,
) -> dict[str, Any]:
    """The JSON that the light table starts from.

    Args:
        row: The restoration, with its master.
        sign_off: Its sign-off, if it was handed in.
        regions: All of its regions.
        others: Other restorations of the same master whose files are there.
        visitor: Who looks.
        selected: Number of the region to begin with.
    """
    frozen = row.status is not Status.AWAITING_REVIEW or sign_off is not None
    images: dict[str, str | None] = {view: image(row.identifier, view) for view in VIEWS}
    return {
        "restoration": row.identifier,
        "width": row.master.width,
        "height": row.master.height,
        "bits": row.master.bits,
        "images": images
        | {"uncertainty": image(row.identifier, "uncertainty") if others else None},
        "alternatives": [
            {
                "label": f"{other.model.name}, {day(other.finished_at)}",
                "after": image(other.identifier, "after"),
                "url": f"/restorations/{other.identifier}",
            }
            for other in others
        ],
        "revision": row.revision,
        "may_decide": visitor.person.role.includes(Role.REVIEWER) and not frozen,
        "frozen": frozen,
        "csrf": visitor.csrf,
        "regions": [region_json(region) for region in regions],
        "decide": f"/api/restorations/{row.identifier}/regions",
        "undo": f"/api/restorations/{row.identifier}/undo",
        "correct": f"/api/restorations/{row.identifier}/mask",
        "readiness": f"/api/pictures/{row.identifier}~after",
        "selected": selected,
    }


def image(identifier: str, view: str) -> str:
    """The address of a picture in the picture service."""
    return f"/iiif/3/{identifier}~{view}"


def day(at: datetime | None) -> str:
    """A date as labels show it."""
    return "" if at is None else f"{at:%Y-%m-%d}"


def region_json(region: Region) -> dict[str, Any]:
    """A region for programs; ``box`` is y0, x0, y1, x1."""
    return {
        "number": region.number,
        "box": [region.y0, region.x0, region.y1, region.x1],
        "area": region.area,
        "radius": round(region.radius, 2),
        "decision": region.decision.value,
        "note": region.note,
        "version": region.version,
        "by": region.decided_by,
        "at": None if region.decided_at is None else region.decided_at.isoformat(),
        "kind": region.kind,
        "confidence": region.confidence,
        "detector": region.detector,
        "beside_protected": region.beside_protected,
        "risk": round(risk(region.radius, region.confidence, region.beside_protected), 4),
    }
