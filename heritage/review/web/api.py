"""The interface for programs, under ``/api``: all that the pages do, described by OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from db.decisions import Choice, Decided
from db.vocabulary import Decision, Role, Statement
from heritage.review.web.guard import Administrator, Approver, Reviewer, Viewer, room_of
from heritage.review.web.pages.lists import (
    Narrowed,
    after_name,
    after_risk,
    name_mark,
    risk_mark,
)
from heritage.review.web.scene import region_json

router = APIRouter(prefix="/api", tags=["review"])
MOST = 50_000
Limit = Annotated[int, Query(ge=1, le=500)]


class Deciding(BaseModel):
    """What somebody says of one region, having seen it at ``version``."""

    decision: Decision
    version: int = Field(ge=0)
    note: str | None = Field(default=None, max_length=4000)
    confirmed: bool = False


class DecidingMany(BaseModel):
    """The same decision on several regions."""

    decision: Decision
    numbers: list[int] = Field(min_length=1, max_length=MOST)
    versions: list[int] = Field(min_length=1, max_length=MOST)
    note: str | None = Field(default=None, max_length=4000)


class HandingIn(BaseModel):
    """What the picture shows."""

    statement: Statement
    remark: str = Field(default="", max_length=4000)


class Reason(BaseModel):
    """Why."""

    reason: str = Field(min_length=1, max_length=4000)


class NewAccount(BaseModel):
    """Somebody who is to come in."""

    name: str = Field(max_length=255)
    full_name: str = Field(max_length=255)
    role: Role
    password: str = Field(max_length=256)


class ChangedAccount(BaseModel):
    """What is to be different."""

    role: Role | None = None
    active: bool | None = None
    password: str | None = Field(default=None, max_length=256)


@router.get("/me")
def me(visitor: Viewer) -> dict[str, Any]:
    """Who is logged in, and the token that changes have to carry as ``X-CSRF-Token``."""
    person = visitor.person
    named = {"name": person.name, "full_name": person.full_name, "role": person.role}
    return named | {"csrf": visitor.csrf}


@router.get("/masters")
def masters(
    request: Request, visitor: Viewer, filters: Narrowed, after: str = "", limit: Limit = 50
) -> dict[str, Any]:
    """Masters by accession number; ``next`` is the ``after`` of the page that follows."""
    found = room_of(request).desk.master_cards(filters, limit + 1, after_name(after))
    more = name_mark(found[limit - 1]) if len(found) > limit else None
    return {"masters": [_plain(vars(card)) for card in found[:limit]], "next": more}


@router.get("/masters/{sha256}")
def master(request: Request, visitor: Viewer, sha256: str) -> dict[str, Any]:
    """All that happened to one master."""
    return room_of(request).desk.story(sha256).to_json()


@router.get("/restorations")
def restorations(
    request: Request,
    visitor: Viewer,
    filters: Narrowed,
    sort: str = "newest",
    after: str = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Restorations, ``newest`` or ``riskiest`` first."""
    desk = room_of(request).desk
    found = desk.cards(filters, sort == "riskiest", limit + 1, after_risk(after))
    more = risk_mark(found[limit - 1]) if len(found) > limit else None
    return {"restorations": [_plain(vars(card)) for card in found[:limit]], "next": more}


@router.get("/restorations/{identifier}")
def restoration(request: Request, visitor: Viewer, identifier: str) -> dict[str, Any]:
    """One restoration and its sign-off."""
    desk = room_of(request).desk
    row, sign_off = desk.restoration(identifier)
    signed = None
    if sign_off is not None:
        signed = {k: v for k, v in vars(sign_off).items() if not k.startswith("_")}
    package = desk.package(identifier)
    return _plain(vars(desk.card(identifier))) | {
        "revision": row.revision,
        "verdict": row.verdict,
        "sign_off": None if signed is None else _plain(signed),
        "package": None if package is None else package.folder,
    }


@router.get("/restorations/{identifier}/regions")
def regions(request: Request, visitor: Viewer, identifier: str) -> dict[str, Any]:
    """All regions of a restoration."""
    found = room_of(request).desk.regions(identifier)
    return {"regions": [region_json(region) for region in found]}


@router.post("/restorations/{identifier}/regions/{number}")
def decide(
    request: Request, visitor: Reviewer, identifier: str, number: int, said: Deciding
) -> Response:
    """Decide on a region. 409 with the region as it is if somebody else decided meanwhile."""
    choice = Choice(number, said.version, said.decision, said.note, said.confirmed)
    done = room_of(request).desk.decide(visitor.person, identifier, [choice])
    if done.refused:
        return JSONResponse(
            {"region": region_json(done.refused[0]), "revision": done.revision}, 409
        )
    return JSONResponse({"region": region_json(done.changed[0]), "revision": done.revision})


@router.post("/restorations/{identifier}/regions")
def decide_many(
    request: Request, visitor: Reviewer, identifier: str, said: DecidingMany
) -> dict[str, Any]:
    """Decide on several regions at once; those that others changed meanwhile are ``refused``."""
    if len(set(said.numbers)) != len(said.numbers) or len(said.versions) != len(said.numbers):
        raise HTTPException(400, "Every region once, and a version for each.")
    choices = [
        Choice(number, version, said.decision, said.note)
        for number, version in zip(said.numbers, said.versions, strict=True)
    ]
    return _decided(room_of(request).desk.decide(visitor.person, identifier, choices))


@router.post("/restorations/{identifier}/undo")
def undo(request: Request, visitor: Reviewer, identifier: str) -> dict[str, Any]:
    """Take back one's own last decision."""
    done = room_of(request).desk.undo(visitor.person, identifier)
    if done is None:
        raise HTTPException(404, "There is nothing of yours to undo.")
    answer = _decided(done)
    first = (done.changed or done.refused)[0]
    return answer | {"region": region_json(first)}


@router.post("/restorations/{identifier}/hand-in", status_code=204)
def hand_in(request: Request, visitor: Reviewer, identifier: str, said: HandingIn) -> None:
    """Ask for the signature; the decisions are frozen."""
    room_of(request).desk.hand_in(visitor.person, identifier, said.statement, said.remark)


@router.post("/restorations/{identifier}/sign", status_code=204)
def sign(request: Request, visitor: Approver, identifier: str) -> None:
    """Sign; the files are composed and the package is made right after."""
    room = room_of(request)
    room.desk.approve(visitor.person, identifier, room.settings.review_two_people)
    request.app.state.publisher.wake()


@router.post("/restorations/{identifier}/send-back", status_code=204)
def send_back(request: Request, visitor: Approver, identifier: str, said: Reason) -> None:
    """Give what was handed in back to the reviewers."""
    room_of(request).desk.send_back(visitor.person, identifier, said.reason)


@router.post("/restorations/{identifier}/reject", status_code=204)
def reject(request: Request, visitor: Reviewer, identifier: str, said: Reason) -> None:
    """Reject the whole restoration."""
    room_of(request).desk.reject(visitor.person, identifier, said.reason)


@router.get("/accounts")
def accounts(request: Request, visitor: Administrator) -> dict[str, Any]:
    """Everybody who may come in."""
    keys = ("name", "full_name", "role", "active", "recorded_at")
    found = room_of(request).desk.accounts()
    return {"accounts": [_plain({key: getattr(row, key) for key in keys}) for row in found]}


@router.post("/accounts", status_code=204)
def add_account(request: Request, visitor: Administrator, said: NewAccount) -> None:
    """Make an account."""
    desk = room_of(request).desk
    desk.add_account(visitor.person, said.name, said.full_name, said.role, said.password)


@router.post("/accounts/{name}", status_code=204)
def change_account(
    request: Request, visitor: Administrator, name: str, said: ChangedAccount
) -> None:
    """Change an account; its person is logged out."""
    room_of(request).desk.change_account(visitor.person, name, **said.model_dump())


def _decided(done: Decided) -> dict[str, Any]:
    return {
        "regions": [region_json(region) for region in done.changed],
        "refused": [region_json(region) for region in done.refused],
        "revision": done.revision,
    }


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in facts.items()
    }
