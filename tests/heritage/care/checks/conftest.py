"""Checks are tried on real servers, and on what really went wrong."""

import os

import pytest

from heritage.settings import Settings
from tests.db.conftest import empty_url, postgresql
from tests.flows.conftest import prefect_server

__all__ = ["empty_url", "postgresql", "prefect_server"]


@pytest.fixture
def secret(prefect_server):
    """What the server wants to see, whichever test has started it."""
    return prefect_server.secret or os.environ["PREFECT_API_AUTH_STRING"]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Makes settings of a workspace of this test."""
    monkeypatch.chdir(tmp_path)

    def make(**given):
        return Settings(home=tmp_path / "workspace", **given)

    return make
