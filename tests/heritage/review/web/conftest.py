"""The application, served: to programs, and to a browser."""

from __future__ import annotations

import re
import shutil
import threading
import time

import httpx
import pytest
import uvicorn

from heritage.listening import listen
from heritage.review.orders import Orders
from heritage.review.web.app import create_app
from tests.heritage.review.conftest import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


class Caller:
    """Somebody's browser, without one."""

    def __init__(self, address):
        self.http = httpx.Client(base_url=address, timeout=60)
        self.csrf = ""

    def log_in(self, name, password=PASSWORD):
        page = self.http.get("/login")
        key = re.search(r'name="key" value="([^"]+)"', page.text)[1]
        said = {"key": key, "name": name, "password": password, "next": "/worklist"}
        answer = self.http.post("/login", data=said)
        if answer.status_code == 303:
            self.csrf = self.http.get("/api/me").json()["csrf"]
        return answer

    def get(self, path, **more):
        return self.http.get(path, **more)

    def post(self, path, form=None, json=None, csrf=None):
        token = self.csrf if csrf is None else csrf
        if json is not None:
            return self.http.post(path, json=json, headers={"X-CSRF-Token": token})
        return self.http.post(path, data={"csrf": token, **(form or {})})


@pytest.fixture
def asked():
    """Restorations that were asked for; the flows' own tests run some."""
    return []


@pytest.fixture
def app(house, asked):
    """The application, not running yet."""
    return create_app(house.settings, house.desk, Orders(asked.append))


@pytest.fixture
def served(app):
    """The running application's address."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://localhost:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def caller(served):
    """Makes callers, who log in as somebody."""

    opened = []

    def make(name=None):
        made = Caller(served)
        opened.append(made)
        if name is not None:
            assert made.log_in(name).status_code == 303
        return made

    yield make
    for one in opened:
        one.http.close()


@pytest.fixture(scope="session")
def chromium():
    """A real browser, without a window."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium, served):
    """Opens windows, each logged in as somebody; what the console says is collected."""
    opened = []

    def open_as(name, width=1400, height=900, **more):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, base_url=served, **more
        )
        page = context.new_page()
        page.said = []
        page.on("console", lambda m: page.said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto("/login")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url("**/worklist")
        opened.append(context)
        return page

    yield open_as
    for context in opened:
        context.close()
