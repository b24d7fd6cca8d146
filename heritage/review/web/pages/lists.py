"""Lists: the worklist, restorations, masters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from db.browse import Card, Filters, MasterCard
from db.vocabulary import Status
from heritage.damage.classes import DamageClass
from heritage.review.web.guard import Viewer, room_of
from heritage.review.web.render import page

router = APIRouter(include_in_schema=False)
PAGE = 50
TEXT = 200


def filters_of(
    search: Annotated[str, Query(max_length=TEXT)] = "",
    folder: Annotated[str, Query(max_length=1000)] = "",
    status: str = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    below: str = "",
    reviewer: Annotated[str, Query(max_length=255)] = "",
    since: str = "",
    until: str = "",
) -> Filters:
    """What the address narrows a list to.

    Raises:
        HTTPException: 400 for what is no status, share or date.
    """
    try:
        return Filters(
            search=search.strip(),
            folder=folder,
            status=Status(status) if status else None,
            kind=kind,
            below=_share(below),
            reviewer=reviewer,
            since=_day(since),
            until=None if not until else _next(until),
        )
    except ValueError as error:
        raise HTTPException(400, f"This list cannot be narrowed so: {error}.") from None


Narrowed = Annotated[Filters, Depends(filters_of)]


@router.get("/worklist")
def worklist(request: Request, visitor: Viewer, filters: Narrowed, after: str = "") -> Response:
    """What waits for review, riskiest first."""
    found = room_of(request).desk.worklist(filters, PAGE + 1, after_risk(after))
    return _cards(request, visitor, found, "worklist")


@router.get("/restorations")
def restorations(
    request: Request, visitor: Viewer, filters: Narrowed, sort: str = "newest", after: str = ""
) -> Response:
    """All restorations."""
    riskiest = sort == "riskiest"
    found = room_of(request).desk.cards(filters, riskiest, PAGE + 1, after_risk(after))
    return _cards(request, visitor, found, "restorations")


@router.get("/masters")
def masters(request: Request, visitor: Viewer, filters: Narrowed, after: str = "") -> Response:
    """All masters, by accession number."""
    found = room_of(request).desk.master_cards(filters, PAGE + 1, after_name(after))
    facts = _facts(request, found[:PAGE], "masters")
    facts["more"] = _more(request, name_mark(found[PAGE - 1])) if len(found) > PAGE else None
    return page(request, "list.html", visitor, facts)


def after_risk(text: str) -> tuple[float, int] | None:
    """Where the next page of restorations begins."""
    risk, _, number = text.partition(":")
    try:
        return (float(risk), int(number)) if text else None
    except ValueError:
        raise HTTPException(400, "There is no such page of this list.") from None


def risk_mark(card: Card) -> str:
    """The address of the page after a restoration."""
    return f"{card.risk!r}:{card.id}"


def after_name(text: str) -> tuple[str, int] | None:
    """Where the next page of masters begins."""
    number, _, accession = text.partition(":")
    try:
        return (accession, int(number)) if text else None
    except ValueError:
        raise HTTPException(400, "There is no such page of this list.") from None


def name_mark(card: MasterCard) -> str:
    """The address of the page after a master."""
    return f"{card.id}:{card.accession}"


def _cards(request: Request, visitor: Viewer, found: list[Card], what: str) -> Response:
    facts = _facts(request, found[:PAGE], what)
    facts["more"] = _more(request, risk_mark(found[PAGE - 1])) if len(found) > PAGE else None
    return page(request, "list.html", visitor, facts)


def _facts(request: Request, lines: list[Any], what: str) -> dict[str, Any]:
    given = request.query_params
    return {
        "what": what,
        "lines": lines,
        "given": given,
        "continued": "after" in given,
        "kinds": [kind.name for kind in DamageClass],
        "reviewers": room_of(request).desk.reviewers(),
        "statuses": list(Status),
    }


def _more(request: Request, mark: str) -> str:
    given = {k: v for k, v in request.query_params.items() if k != "after" and v}
    return f"{request.url.path}?{urlencode(given | {'after': mark})}"


def _share(text: str) -> float | None:
    if not text:
        return None
    share = float(text.removesuffix("%")) / 100
    if not 0 <= share <= 1:
        raise ValueError(f"{text} is no share of 100")
    return share


def _day(text: str) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else None


def _next(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
