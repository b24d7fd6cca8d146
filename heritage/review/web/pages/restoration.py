"""One restoration: the light table, the sign-off; and the record of one master."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from db.restorations import Restoration
from db.vocabulary import Role, Statement, Status
from heritage.review.errors import DecisionRefused, DecisionsFrozen
from heritage.review.web.guard import Approver, Form, Reviewer, Viewer, Visitor, room_of
from heritage.review.web.pages.ordering import choices
from heritage.review.web.render import page
from heritage.review.web.scene import scene_of
from heritage.review.web.words import language_of
from heritage.review.words import kind_name, translations

router = APIRouter(include_in_schema=False)


@router.get("/restorations/{identifier}")
def restoration(
    request: Request, visitor: Viewer, identifier: str, region: int | None = None
) -> Response:
    """The light table."""
    return _table(request, visitor, identifier, region)


@router.get("/masters/{sha256}")
def master(request: Request, visitor: Viewer, sha256: str) -> Response:
    """The record of one master."""
    desk = room_of(request).desk
    say = translations(language_of(request)).gettext
    facts = {"facts": desk.master(sha256), "story": desk.story(sha256), "say": say}
    return page(request, "master.html", visitor, facts | choices(request, sha256))


@router.post("/restorations/{identifier}/hand-in")
def hand_in(request: Request, visitor: Reviewer, identifier: str, form: Form) -> Response:
    """Say what the picture shows and ask for the signature."""
    desk = room_of(request).desk

    def do() -> None:
        try:
            statement = Statement(form.get("statement", ""))
        except ValueError:
            raise DecisionRefused("say what the picture shows") from None
        desk.hand_in(visitor.person, identifier, statement, form.get("remark", ""))

    return _done(request, visitor, identifier, do)


@router.post("/restorations/{identifier}/sign")
def sign(request: Request, visitor: Approver, identifier: str) -> Response:
    """Sign it off; it is published right after."""
    room = room_of(request)

    def do() -> None:
        room.desk.approve(visitor.person, identifier, room.settings.review_two_people)
        request.app.state.publisher.wake()

    return _done(request, visitor, identifier, do)


@router.post("/restorations/{identifier}/send-back")
def send_back(request: Request, visitor: Approver, identifier: str, form: Form) -> Response:
    """Let the reviewers go on."""
    desk = room_of(request).desk
    reason = form.get("reason", "")
    return _done(
        request, visitor, identifier, lambda: desk.send_back(visitor.person, identifier, reason)
    )


@router.post("/restorations/{identifier}/reject")
def reject(request: Request, visitor: Reviewer, identifier: str, form: Form) -> Response:
    """Reject the whole restoration."""
    desk = room_of(request).desk
    reason = form.get("reason", "")
    return _done(
        request, visitor, identifier, lambda: desk.reject(visitor.person, identifier, reason)
    )


def _done(request: Request, visitor: Visitor, identifier: str, do: Callable[[], None]) -> Response:
    try:
        do()
    except (DecisionRefused, DecisionsFrozen) as error:
        return _table(request, visitor, identifier, None, error.reason)
    return RedirectResponse(f"/restorations/{identifier}", 303)


def _table(
    request: Request,
    visitor: Visitor,
    identifier: str,
    selected: int | None,
    fault: str = "",
) -> Response:
    desk = room_of(request).desk
    row, sign_off = desk.restoration(identifier)
    if not row.status.finished:
        raise HTTPException(404, "This restoration has no files yet.")
    regions = desk.regions(identifier)
    others: list[Restoration] = desk.alternatives(identifier)
    say = translations(language_of(request)).gettext
    facts = {
        "row": row,
        "sign_off": sign_off,
        "scene": scene_of(row, sign_off, regions, others, visitor, selected),
        "statements": list(Statement),
        "others": others,
        "fault": fault,
        "kind_words": {k: say(kind_name(k)) for k in {r.kind for r in regions} if k},
        "package": desk.package(identifier),
        "publish_fault": request.app.state.publisher.failed.get(identifier, ""),
        **choices(request, row.master.sha256),
        "correctable": request.app.state.orders is not None
        and visitor.person.role.includes(Role.REVIEWER),
        "open": row.status is Status.AWAITING_REVIEW and sign_off is None,
    }
    return page(request, "restoration.html", visitor, facts, 409 if fault else 200)
