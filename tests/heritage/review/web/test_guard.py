"""Who may come in and do what: every route, every role, every forgery."""

import re
from datetime import timedelta

import httpx
import pytest

from heritage.review.web.app import ROUTERS
from heritage.review.web.guard import Patience
from tests.heritage.review.conftest import PASSWORD

UUID = "00000000-0000-4000-8000-000000000000"
PUBLIC = {"/login", "/language", "/login/directory", "/login/directory/back"}
FILLED = {"identifier": UUID, "sha256": "a" * 64, "number": "1", "name": "ada", "region": "full",
          "size": "max", "rotation": "0", "quality": "default", "kind": "jpg"}  # fmt: skip


def routes():
    """Method and address of everything that is served."""
    found = []
    for part in ROUTERS:
        for route in part.router.routes:
            path = route.path
            for name, value in FILLED.items():
                path = path.replace("{" + name + "}", value)
            if path not in PUBLIC:
                found += [(method, path) for method in sorted(route.methods - {"HEAD", "OPTIONS"})]
    return found


def test_nothing_is_shown_to_strangers(caller):
    stranger = caller()
    asked = routes()
    assert len(asked) > 30
    for method, path in asked:
        answer = stranger.http.request(method, path, headers={"content-length": "0"})
        inside = path.startswith(("/api/", "/iiif/", "/thumb")) or method != "GET"
        assert answer.status_code == (401 if inside else 303), (method, path, answer.text)
        if not inside:
            assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("vic", "/api/restorations/{}/regions/1"),
        ("vic", "/api/restorations/{}/undo"),
        ("vic", "/restorations/{}/hand-in"),
        ("rex", "/restorations/{}/sign"),
        ("rex", "/api/restorations/{}/sign"),
        ("rex", "/api/restorations/{}/send-back"),
        ("ava", "/accounts"),
        ("ava", "/api/accounts"),
        ("ava", "/accounts/vic"),
    ],
)
def test_a_role_may_do_what_it_may_and_no_more(caller, house, role, path):
    said = {"decision": "approved", "version": 0, "reason": "x"}
    place = path.format(house.identifier)
    json = said if place.startswith("/api/") else None
    answer = caller(role).post(place, form={"role": "administrator"}, json=json)
    assert answer.status_code == 403
    assert "Only" in answer.text
    assert {region.decision.value for region in house.desk.regions(house.identifier)} == {"pending"}


def test_a_forged_form_changes_nothing(caller, house):
    rex = caller("rex")
    place = f"/api/restorations/{house.identifier}/regions/1"
    said = {"decision": "approved", "version": 0}
    for token in ("", "f" * 64, caller("rex").csrf):
        assert rex.post(place, json=said, csrf=token).status_code == 403
    foreign = {"X-CSRF-Token": rex.csrf, "Sec-Fetch-Site": "cross-site"}
    assert rex.http.post(place, json=said, headers=foreign).status_code == 403
    origin = {"X-CSRF-Token": rex.csrf, "Origin": "https://evil.example"}
    assert rex.http.post(place, json=said, headers=origin).status_code == 403
    assert rex.post(place, json=said).status_code == 200


def test_a_visit_ends(caller, house):
    rex = caller("rex")
    assert rex.get("/worklist").status_code == 200
    house.clock.ahead = timedelta(hours=3)
    assert rex.get("/worklist").status_code == 303
    assert rex.get("/api/me").status_code == 401
    partly = rex.get("/worklist", headers={"HX-Request": "true"})
    assert partly.headers["HX-Redirect"].startswith("/login?next=")


def test_logging_out_ends_the_visit_in_the_catalogue(caller):
    rex = caller("rex")
    kept = rex.http.cookies["heritage"]
    assert rex.post("/logout").status_code == 303
    rex.http.cookies.set("heritage", kept)
    assert rex.get("/api/me").status_code == 401


def test_whoever_tries_passwords_has_to_wait(caller, monkeypatch):
    monkeypatch.setattr("heritage.review.web.pages.coming._by_name", Patience(3, 60))
    stranger = caller()
    for _ in range(3):
        answer = stranger.log_in("rex", "wrong wrong wrong")
        assert answer.status_code == 401
        assert "do not go together" in answer.text
    assert stranger.log_in("rex").status_code == 429
    assert stranger.log_in("vic").status_code == 303


def test_an_unknown_name_and_a_wrong_password_are_told_alike(caller):
    answers = [caller().log_in(name, "wrong wrong wrong") for name in ("rex", "nobody")]
    texts = [a.text.replace("nobody", "rex") for a in answers]
    first, second = (t[: t.index('name="key"')] + t[t.index('name="next"') :] for t in texts)
    assert first == second


def test_the_login_form_has_to_be_ours(caller):
    stranger = caller()
    stranger.get("/login")
    said = {"key": "made up", "name": "rex", "password": PASSWORD}
    assert stranger.http.post("/login", data=said).status_code == 403


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_nobody_is_led_away_after_logging_in(caller, goal):
    stranger = caller()
    page = stranger.http.get("/login", params={"next": goal})
    assert "evil" not in page.text
    assert 'name="next" value="/worklist"' in page.text


def test_the_browser_is_bound(caller):
    answer = caller("vic").get("/worklist")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_cookies_are_kept_from_scripts_and_other_sites(caller, app, house):
    answer = caller().log_in("vic")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    app.state.room.settings = house.settings.model_copy(update={"review_https": True})
    page = caller().http.get("/login")
    key = re.search(r'name="key" value="([^"]+)"', page.text)[1]
    said = {"key": key, "name": "vic", "password": PASSWORD}
    held = {"Cookie": f"login-form={key}"}
    cookie = httpx.post(str(page.url), data=said, headers=held).headers["set-cookie"]
    assert cookie.startswith("__Host-heritage=")
    assert "Secure" in cookie


def test_an_unknown_host_is_refused(caller):
    answer = caller().http.get("/login", headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_only_a_listed_proxy_says_who_somebody_is(caller, app, house):
    header = {"X-Forwarded-User": "dora"}
    assert "Password" in caller().http.get("/login", headers=header).text
    for addresses in ("10.0.0.0/8", "nonsense"):
        proxied = {"review_proxies": addresses}
        app.state.room.settings = house.settings.model_copy(update=proxied)
        assert "Password" in caller().http.get("/login", headers=header).text
    proxied = {"review_proxies": "10.0.0.0/8, 127.0.0.1"}
    app.state.room.settings = house.settings.model_copy(update=proxied)
    visitor = caller()
    assert visitor.http.get("/login", headers=header).status_code == 303
    assert visitor.get("/api/me").json()["role"] == "viewer"
    impostor = caller().http.get("/login", headers={"X-Forwarded-User": "ada"})
    assert impostor.status_code == 403  # that name belongs to an account with a password


def test_behind_a_proxy_each_address_has_its_own_patience(caller, app, house, monkeypatch):
    monkeypatch.setattr("heritage.review.web.pages.coming._by_name", Patience(2, 60))
    proxied = {"review_proxies": "127.0.0.1", "review_https": False}
    app.state.room.settings = house.settings.model_copy(update=proxied)
    stranger, rex = caller(), caller()
    stranger.http.headers["X-Forwarded-For"] = "203.0.113.9, 198.51.100.7"
    rex.http.headers["X-Forwarded-For"] = "203.0.113.9, 198.51.100.8"
    for _ in range(2):
        assert stranger.log_in("rex", "wrong wrong wrong").status_code == 401
    assert stranger.log_in("rex").status_code == 429
    assert rex.log_in("rex").status_code == 303


def test_addresses_are_https_behind_a_proxy_that_speaks_it(caller, app, house):
    vic = caller("vic")
    held = {"Cookie": f"__Host-heritage={vic.http.cookies['heritage']}"}
    app.state.room.settings = house.settings.model_copy(update={"review_https": True})
    info = vic.get(f"/iiif/3/{house.identifier}~before/info.json", headers=held)
    assert info.json()["id"].startswith("https://localhost")
    assert "max-age" in info.headers["strict-transport-security"]


def test_a_request_without_end_is_refused(caller):
    rex = caller("rex")
    answer = rex.http.post("/language", content=b"x" * (5 << 20))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/iiif/3/..%2f..%2fetc%2fpasswd~before/info.json",
        "/iiif/3/mill~before/info.json",
        f"/iiif/3/{UUID}~before/info.json",
        f"/iiif/3/{UUID}~after/full/max/0/default.jpg",
        "/masters/" + "f" * 64,
        f"/restorations/{UUID}",
    ],
)
def test_no_address_reaches_the_file_system(caller, path):
    assert caller("ada").get(path).status_code == 404
