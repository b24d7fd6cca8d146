"""The application: routes, who may use them, and how faults are told."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from heritage import __version__
from heritage.care.readiness import why_not_ready
from heritage.errors import BadSetting, CatalogueRefused, HeritageError, MaskRefused
from heritage.review.desk import Desk
from heritage.review.errors import DecisionRefused, DecisionsFrozen, LoginRefused, NotThere
from heritage.review.orders import Orders
from heritage.review.web import api, correcting, images
from heritage.review.web.guard import SAFE, LoginNeeded, protect
from heritage.review.web.pages import (
    coming,
    directory,
    lists,
    numbers,
    ordering,
    people,
    report,
    restoration,
)
from heritage.review.web.publisher import Publisher
from heritage.review.web.render import page
from heritage.review.web.room import Room
from heritage.settings import Settings

STATIC = Path(__file__).parent / "static"
ROUTERS = (
    coming,
    directory,
    lists,
    restoration,
    ordering,
    report,
    numbers,
    people,
    api,
    correcting,
    images,
)
STATUS = {
    NotThere: 404,
    DecisionRefused: 409,
    DecisionsFrozen: 423,
    LoginRefused: 401,
    BadSetting: 400,
    MaskRefused: 400,
    CatalogueRefused: 503,
}


def create_app(
    settings: Settings,
    desk: Desk,
    orders: Orders | None = None,
    ask_to_publish: Callable[[], None] | None = None,
) -> FastAPI:
    """The review room on an open catalogue.

    Args:
        settings: The site's.
        desk: The catalogue; it stays open when the application ends.
        orders: Where restorations can be asked for; None: they cannot.
        ask_to_publish: Has a worker compose what was signed; None: it is done here.
    """
    app = FastAPI(
        title="heritage review",
        version=__version__,
        lifespan=_living,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.room = Room(settings, desk)
    app.state.publisher = Publisher(desk, settings, ask_to_publish)
    app.state.orders = orders
    names = [name.strip() for name in settings.review_names.split(",") if name.strip()]
    app.middleware("http")(protect)
    if settings.review_oidc_issuer is not None:
        app.state.directory = directory.directory_of(settings)
        # holds what a log-in by the directory needs until it comes back, and nothing else
        app.add_middleware(
            SessionMiddleware,
            secret_key=secrets.token_hex(32),
            session_cookie="directory",
            max_age=600,
            https_only=settings.review_https,
        )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)
    app.add_exception_handler(LoginNeeded, _ask_to_log_in)
    app.add_exception_handler(HeritageError, _fault)
    app.add_exception_handler(HTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _nonsense)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for part in ROUTERS:
        app.include_router(part.router)
    app.get("/health", include_in_schema=False)(health)
    app.get("/health/live", include_in_schema=False)(alive)
    app.get("/health/ready", include_in_schema=False)(ready)
    app.get("/favicon.ico", include_in_schema=False)(no_icon)
    return app


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    app.state.publisher.start()
    if app.state.orders is not None:
        app.state.orders.start()
    yield
    if app.state.orders is not None:
        app.state.orders.stop()
    app.state.publisher.stop()
    app.state.room.close()


def health(request: Request) -> dict[str, str]:
    """Whether the catalogue answers."""
    room: Room = request.app.state.room
    number, _ = room.desk.chain_end()
    return {"status": "ok", "version": __version__, "events": str(number)}


def alive() -> PlainTextResponse:
    """This process answers."""
    return PlainTextResponse("ok\n")


def ready(request: Request) -> PlainTextResponse:
    """Whether work can be done: catalogue and workspace; 503 with the reason if it cannot."""
    room: Room = request.app.state.room
    fault = why_not_ready(room.settings)
    return PlainTextResponse(f"{fault or 'ok'}\n", 503 if fault else 200)


def no_icon() -> Response:
    """Browsers ask for one by themselves."""
    return Response(status_code=204)


def _for_program(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/iiif/", "/thumbnails/"))


def _ask_to_log_in(request: Request, _error: Exception) -> Response:
    if _for_program(request) or request.method not in SAFE:
        return _tell(request, 401, "Nobody is logged in, or no longer.")
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    goal = f"/login?next={quote(address)}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": goal})
    return RedirectResponse(goal, 303)


def _fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeritageError)
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return _tell(request, status, str(error))


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _tell(request, error.status_code, str(error.detail))


def _nonsense(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _tell(request, 400, f"{where}: {first['msg']}")


def _tell(request: Request, status: int, words: str) -> Response:
    if _for_program(request):
        return JSONResponse({"detail": words}, status)
    return page(request, "fault.html", None, {"status": status, "words": words}, status)
