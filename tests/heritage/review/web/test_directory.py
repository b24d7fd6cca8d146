"""Coming in by OpenID Connect, against a server that signs and checks as real ones do."""

import base64
import hashlib
import secrets
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from db.vocabulary import Role
from heritage.listening import listen
from heritage.review.web.app import create_app

CLIENT, SECRET = "review", "a secret of the client"


class House:
    """An OpenID Connect server on which one person is logged in already."""

    def __init__(self, address):
        self.address = address
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.person = {"sub": "42", "preferred_username": "dora", "name": "Dora Mann"}
        self.claims, self.codes = {}, {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.addresses)
        self.app.get("/jwks")(lambda: {"keys": [self.key.as_dict(private=False)]})
        self.app.get("/authorize")(self.authorize)
        self.app.post("/token")(self.token)

    def addresses(self):
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, redirect_uri: str, state: str, nonce: str, code_challenge: str):
        code = secrets.token_hex(8)
        self.codes[code] = (nonce, code_challenge)
        return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}")

    async def token(self, request: Request):
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        nonce, challenge = self.codes.pop(form["code"], (None, None))
        code_verifier = form["code_verifier"]
        digest = hashlib.sha256(code_verifier.encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        said = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        said |= self.person | self.claims
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, said, self.key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}


def serve(app, listener):
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    return server, thread


@pytest.fixture
def museum():
    listener = listen("127.0.0.1", 0)
    house = House(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server, thread = serve(house.app, listener)
    yield house
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def app(house, museum):
    directory = {
        "review_oidc_issuer": museum.address,
        "review_oidc_client": CLIENT,
        "review_oidc_secret": SECRET,
    }
    return create_app(house.settings.model_copy(update=directory), house.desk)


def come(browser, museum, goal="/masters"):
    """Follow the browser's way; returns the last answer."""
    away = browser.get("/login/directory", params={"next": goal})
    assert away.status_code == 302
    assert away.headers["location"].startswith(f"{museum.address}/authorize?")
    back = httpx.get(away.headers["location"])
    return browser.get(back.headers["location"])


def test_whom_the_house_knows_comes_in_as_a_viewer(caller, museum, house):
    dora = caller()
    assert "Log in with the house" in dora.get("/login").text
    answer = come(dora, museum)
    assert (answer.status_code, answer.headers["location"]) == (303, "/masters")
    me = dora.get("/api/me").json()
    assert (me["name"], me["full_name"], me["role"]) == ("dora", "Dora Mann", "viewer")
    house.desk.change_account(None, "dora", role=Role.REVIEWER)
    again = caller()
    come(again, museum)
    assert again.get("/api/me").json()["role"] == "reviewer"
    house.desk.change_account(None, "dora", active=False)
    assert come(caller(), museum).status_code == 403
    assert dora.log_in("dora", "whatever it may be").status_code == 401


@pytest.mark.parametrize(
    "claims", [{"nonce": "another"}, {"aud": "other"}, {"exp": 1}, {"iss": "https://evil.example"}]
)
def test_what_the_house_did_not_say_to_us_counts_for_nothing(caller, museum, claims):
    museum.claims = claims
    stranger = caller()
    assert come(stranger, museum).status_code == 403
    assert stranger.get("/api/me").status_code == 401


def test_a_token_signed_by_somebody_else_is_refused(caller, museum):
    away = caller()
    first = away.get("/login/directory")
    real, museum.key = museum.key, RSAKey.generate_key(2048, {"kid": "k1"})
    published = [real.as_dict(private=False)]
    museum.app.router.routes = [r for r in museum.app.router.routes if r.path != "/jwks"]
    museum.app.get("/jwks")(lambda: {"keys": published})
    back = httpx.get(first.headers["location"])
    assert away.get(back.headers["location"]).status_code == 403


def test_a_way_back_that_nobody_began_leads_nowhere(caller, museum):
    away = caller().get("/login/directory")
    back = httpx.get(away.headers["location"])
    assert caller().get(back.headers["location"]).status_code == 403
    twice = caller()
    away = twice.get("/login/directory")
    back = httpx.get(away.headers["location"]).headers["location"]
    assert twice.get(back).status_code == 303
    query = parse_qs(urlsplit(back).query)
    assert query["state"]
    assert caller().get(back).status_code == 403


def test_nobody_takes_somebody_elses_name(caller, museum):
    museum.person = {"sub": "66", "preferred_username": "ada", "name": "Ada"}
    stranger = caller()
    assert come(stranger, museum).status_code == 403
    assert stranger.get("/api/me").status_code == 401


def test_a_house_that_does_not_answer_is_named(house):
    settings = house.settings.model_copy(
        update={"review_oidc_issuer": "http://127.0.0.1:9", "review_oidc_client": CLIENT}
    )
    listener = listen("127.0.0.1", 0)
    server, thread = serve(create_app(settings, house.desk), listener)
    try:
        address = f"http://localhost:{listener.getsockname()[1]}"
        answer = httpx.get(f"{address}/login/directory")
        assert answer.status_code == 503
        assert "does not answer" in answer.text
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
