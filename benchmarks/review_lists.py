"""How quick the review room's lists are on a large catalogue, on SQLite and on PostgreSQL.

    python benchmarks/review_lists.py --masters 100000 --regions 10

makes a catalogue of so many masters with a restoration of so many regions each, opens the
application on it, and asks for every list as a browser does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import uvicorn
from sqlalchemy import insert

from db.bulk import risk, write_regions
from db.objects import Artefact, Mask, Master, Model
from db.restorations import Restoration
from db.testing import new_database, postgresql_programs, throwaway_postgresql
from db.vocabulary import MaskOrigin, MaskStatus, Role, Status
from heritage.listening import listen
from heritage.review.desk import Desk
from heritage.review.web.app import create_app
from heritage.settings import Settings

AT = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"
KINDS = ("CRACKS", "PEEL", "SCRATCH", "MATERIAL_LOSS", "STAINING")
STATUSES = (Status.AWAITING_REVIEW,) * 6 + (Status.APPROVED, Status.APPROVED, Status.REJECTED)
LISTS = (
    "/worklist",
    "/worklist?after=0.97:50000",
    "/worklist?kind=PEEL",
    "/worklist?search=mill+77",
    "/restorations",
    "/restorations?after=0.5:50000",
    "/restorations?sort=riskiest",
    "/restorations?status=approved&below=40",
    "/restorations?search=nothing+at+all",
    "/restorations?since=2026-03-01&until=2026-03-02",
    "/restorations?reviewer=nobody",
    "/masters",
    "/masters?after=50000:A-050000",
    "/masters?search=mill+77777",
    "/masters?status=approved&kind=SCRATCH",
    "/masters?folder=/archive/box-012/",
    "/numbers",
)


def fill(desk: Desk, masters: int, regions: int) -> None:
    """Write the catalogue, a thousand masters at a time."""
    rng = random.Random(7)
    with desk._writing() as session:
        session.execute(
            insert(Model).values(
                id=1, name="art", kind="gan", weights_sha256="a" * 64, licence="Apache-2.0",
                parameters={}, recorded_at=AT,
            )
        )  # fmt: skip
    for first in range(1, masters + 1, 1000):
        numbers = range(first, min(first + 1000, masters + 1))
        with desk._writing() as session:
            session.execute(insert(Artefact), [artefact(n) for n in numbers])
            session.execute(insert(Master), [master(n) for n in numbers])
            session.execute(insert(Mask), [mask(n) for n in numbers])
            found = {n: list(rows(rng, regions)) for n in numbers}
            session.execute(insert(Restoration), [restoration(n, found[n]) for n in numbers])
            for number, some in found.items():
                write_regions(session, number, some)


def digest(*words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()


def artefact(n: int) -> dict:
    return {
        "id": n, "accession": f"A-{n:06}", "title": f"The mill {n}", "maker": "R. Painter",
        "date": "1650", "provisional": False, "recorded_at": AT,
    }  # fmt: skip


def master(n: int) -> dict:
    return {
        "id": n, "artefact_id": n, "sha256": digest("master", n),
        "path": f"/archive/box-{n // 1000:03}/A-{n:06}.tif", "seen_at": AT, "recorded_at": AT,
        "bytes": 10**8, "page": 0, "pages": 1, "width": 8000, "height": 6000, "samples": 3,
        "colour_samples": 3, "colour": "rgb", "dtype": "uint16", "bits": 16,
        "photometric": "RGB", "compression": "NONE", "lossy": False, "icc_sha256": None,
    }  # fmt: skip


def mask(n: int) -> dict:
    return {
        "id": n, "master_id": n, "sha256": digest("mask", n), "origin": MaskOrigin.DETECTED,
        "status": MaskStatus.PROPOSED, "pixels": 1000, "source_path": None,
        "source_sha256": None, "recorded_at": AT,
    }  # fmt: skip


def rows(rng: random.Random, count: int) -> Iterator[tuple]:
    for number in range(1, count + 1):
        radius, sure = rng.uniform(1, 200), rng.random()
        yield number, 0, 0, 50, 50, 900, radius, rng.choice(KINDS), sure, "learned", False


def restoration(n: int, found: list[tuple]) -> dict:
    status = STATUSES[n % len(STATUSES)]
    waits = status is Status.AWAITING_REVIEW
    kinds = sorted({row[7] for row in found})
    return {
        "id": n, "identifier": str(uuid.UUID(int=n)), "job_sha256": digest("job", n),
        "master_id": n, "mask_id": n, "model_id": 1, "status": status, "parameters": {},
        "operator": "night run", "software": "heritage", "device": "cpu",
        "output": f"/out/A-{n:06}", "planned_at": AT, "started_at": AT,
        "finished_at": AT + timedelta(minutes=3 * n), "seconds": 10.0, "damaged_pixels": 1000,
        "region_count": len(found), "pending": len(found) if waits else 0, "revision": 0,
        "taken_back": 0, "risk": max(risk(row[6], row[8]) for row in found),
        "kinds": "".join(f",{kind}" for kind in kinds) + ",",
        "least_sure": min(row[8] for row in found),
        **{f"{part}_sha256": digest(part, n) for part in ("restored", "mask", "layer")},
        "provenance_sha256": digest("provenance", n),
    }  # fmt: skip


@contextmanager
def running(settings: Settings, desk: Desk) -> Iterator[str]:
    """The application, served."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(settings, desk), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://localhost:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def logged_in(address: str) -> httpx.Client:
    """Somebody's browser."""
    client = httpx.Client(base_url=address, timeout=60)
    page = client.get("/login").text
    key = page.split('name="key" value="')[1].split('"')[0]
    client.post("/login", data={"key": key, "name": "ann", "password": PASSWORD})
    return client


def measure(url: str, folder: Path, masters: int, regions: int, times: int) -> dict:
    settings = Settings(home=folder, database_url=url)
    with ExitStack() as opened:
        desk = opened.enter_context(Desk(url, "benchmark"))
        desk.add_account(None, "ann", "Ann", Role.VIEWER, PASSWORD)
        began = time.perf_counter()
        fill(desk, masters, regions)
        said: dict = {"filled in seconds": round(time.perf_counter() - began, 1)}
        if url.startswith("postgresql"):
            with desk._database.engine.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
                connection.commit()
        client = logged_in(opened.enter_context(running(settings, desk)))
        for path in LISTS:
            taken = []
            for _ in range(times):
                began = time.perf_counter()
                answer = client.get(path)
                taken.append(1000 * (time.perf_counter() - began))
                answer.raise_for_status()
            said[path] = {"median": round(statistics.median(taken)), "most": round(max(taken))}
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masters", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=10, help="of each")
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    counts = given.masters, given.regions, given.times
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/catalogue.sqlite"
        print("sqlite, ms", json.dumps(measure(url, Path(folder), *counts), indent=1))
        programs = postgresql_programs()
        if programs is None:
            print("PostgreSQL is not installed")
            return
        with throwaway_postgresql(programs) as server:
            url = new_database(server)
            print("postgresql, ms", json.dumps(measure(url, Path(folder), *counts), indent=1))


if __name__ == "__main__":
    main()
