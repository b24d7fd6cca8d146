"""Coming in by the house's own log-in, OpenID Connect: code flow with PKCE, by Authlib."""

from __future__ import annotations

import warnings
from typing import Any

from authlib.common.errors import AuthlibBaseError
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from httpx import HTTPError
from joserfc.errors import JoseError

from db.vocabulary import Role
from heritage.review.errors import DecisionRefused, LoginRefused
from heritage.review.web.guard import room_of, set_cookie
from heritage.review.web.pages.coming import local_address
from heritage.settings import Settings

router = APIRouter(include_in_schema=False)


def directory_of(settings: Settings) -> Any:  # noqa: ANN401 - Authlib's client has no types
    """The client of the house's server; it is asked for its addresses when first needed."""
    # it announces at import that it will want another httpx: no news for whoever serves
    with warnings.catch_warnings(record=True):
        from authlib.integrations.starlette_client import OAuth

    assert settings.review_oidc_issuer is not None
    issuer = settings.review_oidc_issuer.rstrip("/")
    return OAuth().register(
        "directory",
        client_id=settings.review_oidc_client,
        client_secret=settings.review_oidc_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
    )


@router.get("/login/directory")
async def go(request: Request, next: str = "/worklist") -> Response:
    """Lead the browser to the house's log-in."""
    client = _client(request)
    request.session["next"] = local_address(next)
    back = str(request.url_for("come_back"))
    try:
        answer: Response = await client.authorize_redirect(request, back)
    except (AuthlibBaseError, HTTPError, ValueError) as error:
        raise HTTPException(503, f"The house's log-in does not answer: {error}") from None
    return answer


@router.get("/login/directory/back")
async def come_back(request: Request) -> Response:
    """Let in whom the house vouches for; the first time as a viewer."""
    client = _client(request)
    try:
        token = await client.authorize_access_token(request)
    except (AuthlibBaseError, JoseError, HTTPError, ValueError) as error:
        raise HTTPException(403, f"The house's log-in was not completed: {error}") from None
    said = token.get("userinfo") or {}
    if not said.get("sub"):
        raise HTTPException(403, "The house's log-in does not say who this is.")
    name = said.get("preferred_username") or said.get("email") or said["sub"]
    full_name = said.get("name") or name
    room = room_of(request)
    subject = f"{said['iss']}|{said['sub']}"[:512]
    goal = request.session.pop("next", "/worklist")
    try:
        _, visit = room.desk.let_in(subject, str(name), str(full_name), Role.VIEWER)
    except (LoginRefused, DecisionRefused) as error:
        raise HTTPException(403, error.reason) from None
    answer = RedirectResponse(local_address(goal), 303)
    set_cookie(answer, room, visit)
    return answer


def _client(request: Request) -> Any:  # noqa: ANN401
    client = getattr(request.app.state, "directory", None)
    if client is None:
        raise HTTPException(404, "This house has no log-in of its own.")
    return client
