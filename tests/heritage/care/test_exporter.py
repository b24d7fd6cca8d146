"""Metrics and health over HTTP, as Prometheus and Kubernetes ask."""

import threading
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from heritage.care.exporter import Exporter, serve_metrics
from heritage.care.readiness import why_not_ready
from heritage.catalogue import open_catalogue
from heritage.listening import PortTaken, listen
from heritage.settings import load_settings


@pytest.fixture
def settings(tmp_path, empty_url):
    (tmp_path / "home").mkdir()
    return load_settings(home=tmp_path / "home", database_url=empty_url)


@contextmanager
def exporter(settings):
    with Exporter(settings, listen("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            with httpx.Client(base_url=address, timeout=30) as http:
                yield http
        finally:
            server.shutdown()
            thread.join()


def test_it_answers_prometheus_in_both_formats(settings):
    open_catalogue(settings).close()
    with exporter(settings) as http:
        plain = http.get("/metrics")
        assert plain.status_code == 200
        assert plain.headers["content-type"].startswith("text/plain")
        assert "\nheritage_ready 1.0\n" in plain.text
        wanted = {"Accept": "application/openmetrics-text; version=1.0.0"}
        open_ = http.get("/metrics", headers=wanted)
        assert open_.headers["content-type"].startswith("application/openmetrics-text")
        names = {family.name for family in text_string_to_metric_families(open_.text)}
        assert {"heritage_masters", "heritage_stage_seconds", "heritage_outcomes"} <= names
        assert http.head("/metrics").content == b""
        assert http.get("/").status_code == 404


def test_health_says_why(settings):
    with exporter(settings) as http:
        assert http.get("/health/live").text == "ok\n"
        answer = http.get("/health/ready")
        assert answer.status_code == 503
        assert answer.text.count("\n") == 1
        assert "catalogue" in answer.text
        open_catalogue(settings).close()
        assert http.get("/health/ready").status_code == 200


def test_a_workspace_that_is_gone_is_not_ready(settings, tmp_path):
    open_catalogue(settings).close()
    if settings.database_url.startswith("sqlite"):
        settings = settings.model_copy(update={"home": tmp_path / "gone"})
    else:
        (tmp_path / "home").rmdir()
    assert "cannot be written" in why_not_ready(settings)


def test_no_password_is_told():
    given = "postgresql://ann:s3cret-word@127.0.0.1:1/none"
    reason = why_not_ready(load_settings(database_url=given))
    assert "127.0.0.1" in reason
    assert "s3cret-word" not in reason


def test_a_port_that_is_taken_is_one_clear_line(settings):
    with listen("127.0.0.1", 0) as other, pytest.raises(PortTaken, match="choose another"):
        serve_metrics(settings, port=other.getsockname()[1])
