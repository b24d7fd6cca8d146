"""A mask corrected on the light table: drawn over the old one, kept, and restored with anew."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from heritage.damage.interchange.difference import difference, write_difference
from heritage.damage.interchange.strokes import WIDEST, Stroke, correct_mask
from heritage.restore.provenance import file_names
from heritage.restore.storage import storage
from heritage.review.orders import Order, Orders
from heritage.review.web.guard import Reviewer, room_of
from heritage.review.web.pages.ordering import output_beside
from heritage.tiff import sha256_file

router = APIRouter(prefix="/api", tags=["review"])
Point = Annotated[list[float], Field(min_length=2, max_length=2)]


class Drawn(BaseModel):
    """A movement of brush or eraser; of width 0 a polygon. Points are x and y in pixels."""

    adds: bool
    width: float = Field(ge=0, le=WIDEST)
    points: list[Point] = Field(min_length=1, max_length=20_000)


class Correction(BaseModel):
    """What was drawn over the mask, in the order it was."""

    strokes: list[Drawn] = Field(min_length=1, max_length=2000)


@router.post("/restorations/{identifier}/mask")
def correct(
    request: Request, visitor: Reviewer, identifier: str, said: Correction
) -> dict[str, Any]:
    """Correct the mask of a restoration, and ask for another restoration with it.

    The corrected mask is kept in the workspace with a record of what differs; whoever hands it in
    stands behind it.
    """
    orders: Orders | None = request.app.state.orders
    if orders is None:
        raise HTTPException(404, "Restorations cannot be asked for here.")
    room = room_of(request)
    row, _ = room.desk.restoration(identifier)
    if not row.status.finished:
        raise HTTPException(404, "This restoration has no files yet.")
    folder = Path(row.output)
    before = folder / file_names(folder.name)["mask"]
    strokes = [
        Stroke(one.adds, one.width, np.array(one.points, np.float64)) for one in said.strokes
    ]
    place = room.settings.home / "corrected" / identifier
    with storage(place):
        place.mkdir(parents=True, exist_ok=True)
    drawn = place / f".{secrets.token_hex(8)}.tif"
    try:
        pixels = correct_mask(before, strokes, drawn)
        name = sha256_file(drawn)[:12]
        found = difference(before, drawn)
        kept = place / f"{name}.mask.tif"
        drawn.replace(kept)
    finally:
        drawn.unlink(missing_ok=True)
    person = visitor.person.full_name
    write_difference(place / f"{name}.difference.json", found, before, kept, person)
    orders.place(
        Order(
            sha256=row.master.sha256,
            master=row.master.path,
            model=row.model.name,
            policy=room.settings.policy,
            mask=kept,
            output=output_beside(room, row.master.sha256, f"{row.model.name}-{name}"),
            person=person,
        )
    )
    changes = {"added": found.added, "removed": found.removed}
    return {"pixels": pixels, **changes, "master": f"/masters/{row.master.sha256}#orders"}
