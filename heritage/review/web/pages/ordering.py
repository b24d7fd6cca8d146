"""Asking for a restoration: from a master's record, or for another one beside what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

import models
from heritage.damage.policy import read_policies
from heritage.restore.provenance import file_names
from heritage.review.errors import NotThere
from heritage.review.orders import Order, Orders
from heritage.review.web.guard import Form, Reviewer, room_of
from heritage.review.web.room import Room

router = APIRouter(include_in_schema=False)


@router.post("/masters/{sha256}/restore")
def order(request: Request, visitor: Reviewer, sha256: str, form: Form) -> Response:
    """Ask for a restoration of a master."""
    orders: Orders | None = request.app.state.orders
    if orders is None:
        raise HTTPException(404, "Restorations cannot be asked for here.")
    room = room_of(request)
    master = room.desk.master(sha256)
    model, policy = form.get("model", ""), form.get("policy", "")
    if model not in _models(room) or policy not in read_policies():
        raise HTTPException(400, "There is no such model or policy.")
    wanted = Order(
        sha256=sha256,
        master=master.path,
        model=model,
        policy=policy,
        mask=_mask(room, sha256, form.get("mask", "")),
        output=output_beside(room, sha256, f"{model}-{policy}"),
        person=visitor.person.full_name,
    )
    orders.place(wanted)
    return RedirectResponse(f"/masters/{sha256}#orders", 303)


def choices(request: Request, sha256: str) -> dict[str, Any]:
    """What the form offers, and what was asked for already."""
    orders: Orders | None = request.app.state.orders
    room = room_of(request)
    return {
        "orders": None if orders is None else orders.of(sha256),
        "models": _models(room),
        "default_model": room.settings.model or _default(),
        "policies": list(read_policies()),
        "default_policy": room.settings.policy,
    }


def _models(room: Room) -> list[str]:
    return [card.name for card in models.available(room.settings.model_folder)]


def _default() -> str:
    return next(card.name for card in models.available() if card.default)


def _mask(room: Room, sha256: str, identifier: str) -> Path | None:
    """The mask of a restoration of this very master, which whoever asks stands behind."""
    if not identifier:
        return None
    row, _ = room.desk.restoration(identifier)
    if row.master.sha256 != sha256 or not row.status.finished:
        raise NotThere("this is no restoration of that master")
    folder = Path(row.output)
    return folder / file_names(folder.name)["mask"]


def output_beside(room: Room, sha256: str, kind: str) -> Path:
    """Beside the master's first restoration, so that nothing that is there is in the way."""
    done = room.desk.story(sha256).restorations
    first = Path(done[-1].output).parent if done else room.settings.home / "restored"
    return first.with_name(f"{first.name}-{kind}")
