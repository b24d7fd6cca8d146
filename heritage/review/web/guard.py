"""Who may come in, and what a browser may do: checked here for every request.

* A visit is a random token in a cookie that scripts cannot read; the catalogue knows its hash.
* Whatever changes something has to come from our own pages: the browser says so (``Sec-Fetch-Site``
  or ``Origin``), and the request carries a token that is made from the visit's.
* The browser loads nothing from anywhere else, and nobody may frame us.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from db.vocabulary import Role
from heritage.review.desk import Person
from heritage.review.web.room import Room

FORM_LIMIT = 64 << 10
BODY_LIMIT = 4 << 20
TILES = "/iiif/3/"
SAFE = ("GET", "HEAD", "OPTIONS")
# the one style element that OpenSeadragon 6.1.1 makes
OSD_STYLE = "'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    f"style-src 'self' {OSD_STYLE}; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class LoginNeeded(Exception):
    """Nobody is logged in, or no longer."""


@dataclass(frozen=True)
class Visitor:
    """Who sends a request, and the token that the pages' forms carry."""

    person: Person
    csrf: str


def room_of(request: Request) -> Room:
    """The application's state."""
    return cast(Room, request.app.state.room)


def cookie_name(room: Room) -> str:
    """The cookie of a visit; by https one that no other host could have set."""
    return "__Host-heritage" if room.settings.review_https else "heritage"


def set_cookie(response: Response, room: Room, token: str) -> None:
    """Give the browser its token."""
    response.set_cookie(
        cookie_name(room),
        token,
        max_age=int(room.desk.stay.whole.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=room.settings.review_https,
        path="/",
    )


def csrf_of(token: str) -> str:
    """What forms of a visit carry: who cannot read the cookie cannot make it."""
    return hashlib.sha256(b"form:" + token.encode()).hexdigest()


async def _visitor(request: Request) -> Visitor:
    """Whoever is logged in, and that a change was asked for by our own pages.

    Raises:
        LoginNeeded: If nobody is.
        HTTPException: 403 for a request that another site had the browser send.
    """
    room = room_of(request)
    token = request.cookies.get(cookie_name(room), "")
    person = room.seen_just_now(token) if request.url.path.startswith(TILES) else None
    if person is None and token:
        person = await run_in_threadpool(room.desk.person_of, token)
    if person is None:
        raise LoginNeeded
    room.saw(token, person)
    visitor = Visitor(person, csrf_of(token))
    if request.method not in SAFE:
        said = request.headers.get("x-csrf-token") or (await form_of(request)).get("csrf", "")
        if not hmac.compare_digest(said.encode(), visitor.csrf.encode()):
            raise HTTPException(403, "This form was not handed out to you. Open the page again.")
    request.state.person = person.full_name
    return visitor


def needs(role: Role) -> Callable[..., Awaitable[Visitor]]:
    """A dependency: somebody who is logged in and whose role includes ``role``."""

    async def checked(visitor: Annotated[Visitor, Depends(_visitor)]) -> Visitor:
        if not visitor.person.role.includes(role):
            raise HTTPException(403, f"Only {role}s may do this; you are {visitor.person.role}.")
        return visitor

    return checked


Viewer = Annotated[Visitor, Depends(needs(Role.VIEWER))]
Reviewer = Annotated[Visitor, Depends(needs(Role.REVIEWER))]
Approver = Annotated[Visitor, Depends(needs(Role.APPROVER))]
Administrator = Annotated[Visitor, Depends(needs(Role.ADMINISTRATOR))]


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, which has to be short."""
    known = getattr(request.state, "form", None)
    if known is not None:
        return cast(dict[str, str], known)
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        return {}
    body = await request.body()
    if len(body) > FORM_LIMIT:
        raise HTTPException(413, "This form is too long.")
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise HTTPException(400, "This form cannot be read.") from None
    request.state.form = form
    return form


Form = Annotated[dict[str, str], Depends(form_of)]


def new_form_key() -> str:
    """What the login form and a cookie beside it both hold."""
    return secrets.token_urlsafe(16)


async def protect(request: Request, respond: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse what other sites send and what is too long; add the headers that bind the browser."""
    if request.method not in SAFE:
        if not _from_here(request):
            return Response("This request came from another site.", 403, media_type="text/plain")
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            return Response("Too long, or of unknown length.", 413, media_type="text/plain")
    https = room_of(request).settings.review_https
    if https:
        request.scope["scheme"] = "https"  # what the proxy in front speaks
    response = await respond(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    if https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def _from_here(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def proxy_says(request: Request, room: Room) -> str | None:
    """The name that a trusted proxy gives; nobody else's header counts."""
    name = request.headers.get(room.settings.review_proxy_header, "").strip()
    return name if name and _by_proxy(request, room) else None


def address_of(request: Request, room: Room) -> str:
    """Where a request comes from: as a trusted proxy says, or else who is connected."""
    if request.client is None:
        return ""
    said = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return said if said and _by_proxy(request, room) else request.client.host


def _by_proxy(request: Request, room: Room) -> bool:
    """Whether one of the listed proxies is connected."""
    listed = [one.strip() for one in room.settings.review_proxies.split(",") if one.strip()]
    if not listed or request.client is None:
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
        return any(address in ipaddress.ip_network(one, strict=False) for one in listed)
    except ValueError:
        return False


class Patience:
    """How often something may fail within some time before it has to wait.

    Args:
        times: So often.
        seconds: Within so long.
    """

    def __init__(self, times: int, seconds: float) -> None:
        self.times, self.seconds = times, seconds
        self._failed: dict[str, deque[float]] = {}

    def exhausted(self, who: str) -> bool:
        """Whether there were too many failures."""
        failed = self._failed.get(who)
        if failed is None:
            return False
        while failed and failed[0] < time.monotonic() - self.seconds:
            failed.popleft()
        if not failed:
            del self._failed[who]
        return len(failed) >= self.times

    def fail(self, who: str) -> None:
        """Count a failure; forgets the oldest when very many people fail."""
        if len(self._failed) > 10_000:
            self._failed.pop(next(iter(self._failed)))
        self._failed.setdefault(who, deque(maxlen=self.times)).append(time.monotonic())
