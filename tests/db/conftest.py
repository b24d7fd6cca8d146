"""Every test of the catalogue runs on SQLite, and on PostgreSQL where it is installed."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from db import Agent, ArtefactFacts, Database, Origin, Request, ingest, migrate, runs
from db.runs import OUTPUTS
from db.testing import new_database, postgresql_programs, throwaway_postgresql
from db.vocabulary import MaskOrigin

HASH = "b" * 64
NIGHT = ArtefactFacts("SK-A-1", "SK-A-1")
HASHES = {name: letter * 64 for name, letter in zip(OUTPUTS, "cdef", strict=True)}
FACTS = HASHES | {"seconds": 1.5, "damaged_pixels": 30, "reencoded": None}
REGIONS = [(number, 0, 0, 4, 5, 10, 2.0, None, None, None, False) for number in (1, 2, 3)]


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


@pytest.fixture
def now(agent, clock):
    """The next moment, by the same agent."""
    return lambda: Origin(agent, clock())


@pytest.fixture
def record(database, master_facts, now):
    """Records a master, a mask and a model, and begins a restoration of them."""

    def begin(again=False, parameters=None, mask=HASH, output="/out/SK-A-1"):
        with database.writing() as session:
            master = ingest.record_master(session, NIGHT, master_facts, now())
            facts = {"sha256": mask, "pixels": 30, "source_path": "/m.png", "source_sha256": HASH}
            mask_id = ingest.record_mask(session, master, MaskOrigin.FOUND, facts, now())
            facts = {"name": "telea", "kind": "diffusion", "weights_sha256": None}
            facts |= {"licence": "Apache-2.0", "parameters": {"radius": 3}}
            model = ingest.record_model(session, facts, now().at)
            request = Request(master, mask_id, model, parameters or {"size": 512}, output)
            return runs.begin(session, request, "heritage 0.1.0", "cpu", now(), again)

    return begin


@pytest.fixture
def finish(database, now):
    def finish(run, regions=REGIONS, **other):
        with database.writing() as session:
            runs.finish(session, run.id, FACTS | other, regions, now())

    return finish
