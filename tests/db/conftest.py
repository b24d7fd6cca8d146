"""Every test of the catalogue runs on SQLite, and on PostgreSQL where it is installed."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from db import Agent, Database, Origin, migrate
from db.testing import new_database, postgresql_programs, throwaway_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    with throwaway_postgresql(programs) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path) -> str:
    """The address of an empty database."""
    if request.param == "postgresql":
        return new_database(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/catalogue.sqlite"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def template(request, tmp_path_factory) -> str:
    """A new catalogue, made once, to be copied."""
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgresql"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('template')}/catalogue.sqlite"
    opened = Database(url)
    migrate(opened)
    opened.close()
    return url


@pytest.fixture
def url(template, request, tmp_path) -> str:
    """The address of a new catalogue."""
    if template.startswith("postgresql"):
        return new_database(request.getfixturevalue("postgresql"), like=template)
    copy = tmp_path / "catalogue.sqlite"
    shutil.copyfile(template.removeprefix("sqlite:///"), copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def database(url) -> Iterator[Database]:
    """A new catalogue."""
    opened = Database(url)
    yield opened
    opened.close()


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agent() -> Agent:
    return Agent("heritage", version="0.1.0", on_behalf_of="A. Registrar")


@pytest.fixture
def origin(agent, clock) -> Origin:
    return Origin(agent, clock())


@pytest.fixture
def master_facts() -> dict:
    return {
        "sha256": "a" * 64,
        "path": "/archive/SK-A-1.tif",
        "bytes": 1000,
        "page": 0,
        "pages": 1,
        "width": 400,
        "height": 500,
        "samples": 3,
        "colour_samples": 3,
        "bits": 16,
        "colour": "rgb",
        "dtype": "uint16",
        "photometric": "RGB",
        "compression": "NONE",
        "lossy": False,
        "icc_sha256": None,
    }
