"""The proxy, as the Caddyfile has it, in front of something that tells what it was sent."""

import os
import re
import shutil
import ssl
import subprocess
import time

import httpx
import pytest

from heritage.listening import listen
from tests.deploy.checking import DEPLOY
from tests.serving import Answering, listening

CADDY = shutil.which("caddy")
pytestmark = pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")


class Mirror(Answering):
    """Says what it was asked with."""

    def get(self):
        self.say({"port": self.server.server_port, **self.headers})


def free_port():
    with listen("127.0.0.1", 0) as found:
        return found.getsockname()[1]


@pytest.fixture
def site(tmp_path):
    """A client that trusts the proxy, addresses of room and Prefect by it, and their own ports."""
    with listening(Mirror) as room, listening(Mirror) as prefect:
        text = (DEPLOY / "Caddyfile").read_text()
        text = text.replace("review:8040", f"127.0.0.1:{room}")
        text = text.replace("prefect:4200", f"127.0.0.1:{prefect}")
        # Ports that anybody may open, and no authority in this machine's own list.
        ports = f"http_port {free_port()}\n\thttps_port {free_port()}\n\tskip_install_trust"
        file = tmp_path / "Caddyfile"
        file.write_text(f"{{\n\tadmin off\n\t{ports}\n}}\n{text}")
        names = [f"localhost:{free_port()}", f"localhost:{free_port()}"]
        given = {"REVIEW_NAME": names[0], "PREFECT_NAME": names[1], "HOME": str(tmp_path)}
        given |= {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [CADDY, "run", "--config", file, "--adapter", "caddyfile"],
                env={"PATH": os.environ["PATH"]} | given, stdout=log, stderr=log,
            )  # fmt: skip
        root = tmp_path / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        try:
            deadline = time.monotonic() + 60
            while not root.exists():
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with httpx.Client(verify=ssl.create_default_context(cafile=root)) as http:
                yield http, [f"https://{name}" for name in names], [room, prefect]
        finally:
            process.terminate()
            process.wait(30)


def asked(http, url, **headers):
    deadline = time.monotonic() + 60
    while True:
        try:
            return {k.lower(): v for k, v in http.get(url, headers=headers).json().items()}
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_each_name_leads_to_its_own_by_tls(site):
    http, urls, ports = site
    assert [asked(http, url)["port"] for url in urls] == ports


def test_nobody_says_through_it_who_he_is_or_where_he_comes_from(site):
    http, (room, _), _ = site
    said = asked(http, room, **{"X-Forwarded-User": "ann", "X-Forwarded-For": "10.9.8.7"})
    assert "x-forwarded-user" not in said
    assert re.fullmatch(r"127\.0\.0\.1|::1", said["x-forwarded-for"])
    assert said["host"] == room.removeprefix("https://")
