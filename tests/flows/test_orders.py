"""An order from the review room becomes a restoration on record, on behalf of whoever asked."""

import re
import threading
import time
from functools import partial

import httpx
import numpy as np
import pytest
import tifffile
import uvicorn

from db.vocabulary import Role
from flows.orders import run_order
from heritage.errors import HeritageError
from heritage.listening import listen
from heritage.review.desk import open_desk
from heritage.review.orders import Order, Orders
from heritage.review.web.app import create_app
from heritage.settings import Settings
from heritage.tiff import inspect, sha256_file

PASSWORD = "correct horse battery"


@pytest.fixture
def scan(tmp_path):
    picture = np.full((200, 300, 3), 120, np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", picture, photometric="rgb")
    mask = np.zeros((200, 300), np.uint8)
    mask[50:60, 50:90] = 255
    tifffile.imwrite(tmp_path / "scan.mask.tif", mask)
    return tmp_path / "scan.tif"


@pytest.mark.slow
def test_what_is_asked_for_in_the_browser_is_restored(scan, tmp_path):
    settings = Settings(home=tmp_path / "home")
    with open_desk(settings) as desk:
        desk.add_account(None, "rex", "Rex Ng", Role.REVIEWER, PASSWORD)
        sha256 = sha256_file(scan)
        desk.record_master(inspect(scan), sha256)
        orders = Orders(partial(run_order, settings=settings))
        listener = listen("127.0.0.1", 0)
        server = uvicorn.Server(
            uvicorn.Config(create_app(settings, desk, orders), log_level="warning")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            address = f"http://localhost:{listener.getsockname()[1]}"
            with httpx.Client(base_url=address, timeout=60) as rex:
                key = re.search(r'name="key" value="([^"]+)"', wait_for(rex, "/login").text)[1]
                said = {"key": key, "name": "rex", "password": PASSWORD}
                assert rex.post("/login", data=said).status_code == 303
                csrf = rex.get("/api/me").json()["csrf"]
                form = {"csrf": csrf, "model": "telea", "policy": "painting", "mask": ""}
                place = f"/masters/{sha256}/restore"
                assert rex.post(place, data=form | {"model": "../x"}).status_code == 400
                assert rex.post(place, data=form).status_code == 303
                deadline = time.monotonic() + 120
                while not desk.story(sha256).restorations:
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
                line = desk.story(sha256).restorations[0]
                while not line.status.finished:
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
                    line = desk.story(sha256).restorations[0]
                assert (line.operator, line.model) == ("Rex Ng", "telea")
                assert line.output == str(tmp_path / "home" / "restored-telea-painting" / "scan")
                assert "telea, painting" in rex.get(f"/masters/{sha256}").text
        finally:
            server.should_exit = True
            thread.join()
            listener.close()


def wait_for(client, path):
    for _ in range(200):
        try:
            return client.get(path)
        except httpx.ConnectError:
            time.sleep(0.05)
    raise AssertionError


@pytest.mark.slow
def test_what_fails_says_why(tmp_path):
    settings = Settings(home=tmp_path / "home")
    order = Order("a" * 64, str(tmp_path / "gone.tif"), "telea", "painting", None, tmp_path, "Rex")
    with pytest.raises(HeritageError, match=r"gone\.tif"):
        run_order(order, settings)
