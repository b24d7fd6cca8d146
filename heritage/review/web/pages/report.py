"""The condition report of a restoration."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from heritage.review.report import Facts, report_html, report_pdf
from heritage.review.report.gathering import facts_of
from heritage.review.web.guard import Viewer, room_of
from heritage.review.web.room import Room
from heritage.review.web.words import language_of

router = APIRouter(include_in_schema=False)


@router.get("/restorations/{identifier}/report")
def report(request: Request, visitor: Viewer, identifier: str) -> Response:
    """The report as a page to print."""
    page = report_html(_facts(room_of(request), identifier), language_of(request))
    # the page stands alone, to be kept: its style is in it
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@router.get("/restorations/{identifier}/report.pdf")
def report_as_pdf(request: Request, visitor: Viewer, identifier: str) -> Response:
    """The report as PDF."""
    room = room_of(request)
    facts = _facts(room, identifier)
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "_" for c in facts.title)
    told = f'attachment; filename="{name or identifier}.report.pdf"'
    body = report_pdf(facts, language_of(request))
    return Response(body, media_type="application/pdf", headers={"Content-Disposition": told})


def _facts(room: Room, identifier: str) -> Facts:
    look = partial(facts_of, room.desk, identifier)
    return room.looking(room.place(identifier), look)
