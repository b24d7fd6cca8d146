"""The page: plain forms that work without script, and little script for zoom and keys.

It answers only to this machine's own names, takes only forms it has handed out itself, and lets the
browser load nothing from anywhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from db.votes import Answer, VoterRole
from heritage.errors import HeritageError
from heritage.evaluate.blind.ballots import NAME_LIMIT, voter_name
from heritage.evaluate.blind.booth import Booth, Visitor

FILES = Path(__file__).parent / "templates"
COOKIE = "blind"
FORM_LIMIT = 4096
OWN_NAMES = ["127.0.0.1", "localhost"]
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; "
    "script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STATIC = {"page.css": "text/css", "page.js": "text/javascript"}

_templates = Environment(
    loader=FileSystemLoader(FILES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, which has to be short."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            raise HTTPException(413, "This form is too long.")
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=10))
    except ValueError:
        raise HTTPException(400, "This form cannot be read.") from None


def _visitor(request: Request) -> Visitor:
    """Whoever has been here before."""
    booth: Booth = request.app.state.booth
    visitor = booth.known(request.cookies.get(COOKIE))
    if visitor is None:
        raise HTTPException(403, "This page has been closed. Open the first page again.")
    return visitor


Form = Annotated[dict[str, str], Depends(_form)]
Known = Annotated[Visitor, Depends(_visitor)]


def create_page(booth: Booth) -> FastAPI:
    """The application that shows ``booth`` to browsers."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.booth = booth
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=OWN_NAMES, www_redirect=False)
    app.middleware("http")(_with_headers)
    app.add_exception_handler(HeritageError, _trouble)
    app.add_exception_handler(StarletteHTTPException, _refusal)
    app.get("/")(first_page)
    app.post("/begin")(begin)
    app.get("/compare")(compare)
    app.post("/answer")(answer)
    app.post("/leave")(leave)
    app.get("/picture/{token}")(picture)
    app.get("/static/{name}")(static)
    app.get("/favicon.ico")(no_icon)
    return app


def first_page(request: Request) -> Response:
    """Ask who is voting."""
    booth: Booth = request.app.state.booth
    key, visitor = booth.welcome(request.cookies.get(COOKIE))
    page = _ask_name(visitor, visitor.voter or voter_name(booth.suggested))
    page.set_cookie(COOKIE, key, httponly=True, samesite="strict")
    return page


def begin(form: Form, visitor: Known) -> Response:
    """Take down who is voting, and show the first pair."""
    _must_be_ours(form, visitor)
    name = voter_name(form.get("voter", ""))
    role = form.get("role", "")
    if not name or role not in list(VoterRole):
        fault = "Please enter a name." if not name else "Please choose a role from the list."
        return _ask_name(visitor, name, fault)
    with visitor.lock:
        if name != visitor.voter:
            visitor.showing = None
        visitor.voter, visitor.role = name, VoterRole(role)
    return RedirectResponse("/compare", 303)


def compare(request: Request, visitor: Known) -> Response:
    """Show a pair, or say that everything has been judged."""
    if not visitor.voter:
        return RedirectResponse("/", 303)
    booth: Booth = request.app.state.booth
    showing, progress = booth.show(visitor)
    if showing is None:
        return _end(visitor, progress.stored, all_judged=True)
    facts = {"visitor": visitor, "showing": showing, "progress": progress}
    return _render("compare.html", facts)


def answer(request: Request, form: Form, visitor: Known) -> Response:
    """Store an answer. One to a pair that is over (sent twice, or gone back to) is not counted."""
    _must_be_ours(form, visitor)
    said = form.get("answer", "")
    if said not in list(Answer):
        raise HTTPException(400, "This is none of the four answers.")
    booth: Booth = request.app.state.booth
    booth.answer(visitor, form.get("ticket", ""), Answer(said))
    return RedirectResponse("/compare", 303)


def leave(request: Request, form: Form, visitor: Known) -> Response:
    """Stop for now; what was answered is stored already."""
    _must_be_ours(form, visitor)
    if not visitor.voter:
        return RedirectResponse("/", 303)
    booth: Booth = request.app.state.booth
    _, progress = booth.show(visitor)
    page = _end(visitor, progress.stored, all_judged=False)
    with visitor.lock:
        visitor.voter, visitor.role, visitor.showing = "", VoterRole.UNSTATED, None
    return page


def picture(request: Request, token: str, visitor: Known) -> Response:
    """A picture of the pair that is shown now."""
    booth: Booth = request.app.state.booth
    content = booth.picture(visitor, token)
    if content is None:
        raise HTTPException(404, "There is no such picture.")
    return Response(content, media_type="image/png")


def static(name: str) -> Response:
    """The page's own style and script."""
    if name not in STATIC:
        raise HTTPException(404, "There is no such file.")
    return Response((FILES / name).read_bytes(), media_type=STATIC[name])


def no_icon() -> Response:
    """Browsers ask for one by themselves."""
    return Response(status_code=204)


def _must_be_ours(form: dict[str, str], visitor: Visitor) -> None:
    """Refuse a form that another site had the browser send."""
    if not secrets.compare_digest(form.get("form", "").encode(), visitor.form_token.encode()):
        raise HTTPException(403, "This form was not handed out here. Open the first page again.")


def _ask_name(visitor: Visitor, name: str, fault: str = "") -> HTMLResponse:
    facts = {"visitor": visitor, "name": name, "limit": NAME_LIMIT, "roles": list(VoterRole)}
    return _render("begin.html", facts | {"fault": fault}, 400 if fault else 200)


def _end(visitor: Visitor, stored: int, all_judged: bool) -> HTMLResponse:
    facts = {"visitor": visitor, "stored": stored, "all_judged": all_judged}
    return _render("end.html", facts)


def _render(template: str, facts: Mapping[str, object], status: int = 200) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(facts), status)


async def _with_headers(
    request: Request, respond: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await respond(request)
    response.headers.update(HEADERS)
    return response


def _trouble(_request: Request, error: Exception) -> Response:
    """What went wrong with a file or the catalogue, for whoever sits there to pass on."""
    return PlainTextResponse(f"The vote was not stored, or the pair cannot be shown. {error}", 503)


def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return PlainTextResponse(error.detail, error.status_code)
