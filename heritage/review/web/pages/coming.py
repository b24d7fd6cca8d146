"""Coming in and going out: log-in, log-out, language, theme, one's own password."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from db.vocabulary import Role
from heritage.errors import BadSetting
from heritage.review.errors import DecisionRefused, LoginRefused
from heritage.review.web.guard import (
    Form,
    Patience,
    Viewer,
    address_of,
    cookie_name,
    new_form_key,
    proxy_says,
    room_of,
    set_cookie,
)
from heritage.review.web.render import page
from heritage.review.web.words import COOKIE as LANGUAGE
from heritage.review.words import LANGUAGES

router = APIRouter(include_in_schema=False)
FORM_COOKIE = "login-form"
YEAR = 365 * 24 * 3600
_by_name = Patience(5, 300)
_by_address = Patience(50, 300)


@router.get("/")
def first(visitor: Viewer) -> Response:
    """What waits comes first."""
    return RedirectResponse("/worklist", 303)


@router.get("/login")
def ask(request: Request, next: str = "/worklist") -> Response:
    """Ask who comes in; whom a trusted proxy names is let in at once."""
    room = room_of(request)
    said = proxy_says(request, room)
    if said is not None:
        try:
            _, token = room.desk.let_in(f"proxy|{said}", said, said, Role.VIEWER)
        except (LoginRefused, DecisionRefused) as error:
            raise HTTPException(403, str(error)) from None
        answer: Response = RedirectResponse(local_address(next), 303)
        set_cookie(answer, room, token)
        return answer
    return _login_form(request, local_address(next))


@router.post("/login")
def come_in(request: Request, form: Form) -> Response:
    """Check name and password; after too many failures one has to wait."""
    room = room_of(request)
    key = request.cookies.get(FORM_COOKIE, "")
    if not key or not hmac.compare_digest(key.encode(), form.get("key", "").encode()):
        raise HTTPException(403, "This form is too old. Open the page again.")
    name, goal = form.get("name", "")[:255], local_address(form.get("next", ""))
    address = address_of(request, room)
    keys = ((_by_name, f"{name.strip().lower()}|{address}"), (_by_address, address))
    if any(patience.exhausted(who) for patience, who in keys):
        return _login_form(request, goal, name, "wait", 429)
    try:
        _, token = room.desk.log_in(name, form.get("password", ""))
    except LoginRefused:
        for patience, who in keys:
            patience.fail(who)
        return _login_form(request, goal, name, "wrong", 401)
    answer = RedirectResponse(goal, 303)
    set_cookie(answer, room, token)
    answer.delete_cookie(FORM_COOKIE)
    return answer


@router.post("/logout")
def leave(request: Request, visitor: Viewer) -> Response:
    """End the visit, here and in the catalogue."""
    room = room_of(request)
    room.desk.log_out(request.cookies[cookie_name(room)])
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie_name(room), secure=room.settings.review_https, httponly=True)
    return answer


@router.post("/language")
def speak(request: Request, form: Form) -> Response:
    """Remember the language and the theme somebody chose."""
    answer = RedirectResponse(local_address(form.get("next", "/")), 303)
    if form.get("language") in LANGUAGES:
        answer.set_cookie(LANGUAGE, form["language"], max_age=YEAR, samesite="lax", httponly=True)
    if form.get("theme") in ("auto", "light", "dark"):
        answer.set_cookie("theme", form["theme"], max_age=YEAR, samesite="lax", httponly=True)
    return answer


@router.get("/me")
def oneself(request: Request, visitor: Viewer) -> Response:
    """One's own account."""
    return page(request, "me.html", visitor, {"fault": "", "done": False})


@router.post("/me")
def change_password(request: Request, visitor: Viewer, form: Form) -> Response:
    """Change one's own password; one has to log in again."""
    room, name = room_of(request), visitor.person.name
    address = address_of(request, room)
    if _by_name.exhausted(f"{name}|{address}"):
        return page(request, "me.html", visitor, {"fault": "wait", "done": False}, 429)
    try:
        _, token = room.desk.log_in(name, form.get("old", ""))
        room.desk.log_out(token)
        room.desk.change_account(visitor.person, name, password=form.get("new", ""))
    except LoginRefused:
        _by_name.fail(f"{name}|{address}")
        return page(request, "me.html", visitor, {"fault": "wrong", "done": False}, 400)
    except BadSetting:
        return page(request, "me.html", visitor, {"fault": "short", "done": False}, 400)
    return RedirectResponse("/login", 303)


def _login_form(
    request: Request, goal: str, name: str = "", fault: str = "", status: int = 200
) -> Response:
    key = new_form_key()
    facts = {"next": goal, "name": name, "fault": fault, "key": key}
    facts["directory"] = room_of(request).settings.review_oidc_issuer or ""
    answer = page(request, "login.html", None, facts, status)
    secure = room_of(request).settings.review_https
    answer.set_cookie(FORM_COOKIE, key, httponly=True, samesite="strict", secure=secure)
    return answer


def local_address(address: str) -> str:
    """An address of ours; anything else becomes the first page."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside and not parts.scheme and not parts.netloc else "/worklist"
