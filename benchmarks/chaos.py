"""A site that is disturbed again and again, and must come out as if nothing had happened.

    python benchmarks/chaos.py [--rounds 100] [--seed 1] [--json FILE] [--keep DIR]

Starts what ``heritage serve`` starts, on PostgreSQL where it is installed, else on SQLite. In each
round masters arrive, are recorded and restored, and at a random moment something happens: a run
or the worker with all its runs is killed, Prefect's server is killed, connections to the database
are cut or the database is held, the disk is full, storage errors are injected. Then as many runs
are asked for as a night would have, until nothing waits. Among the masters of the first round is
one that kills whoever restores it.

Each master must be restored once, with the bytes of an undisturbed run, or be on record with the
reason; no work folder, half a file or lease is left, no event twice, the chain of events whole.
The exit status is 1 if any of that does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import tifffile
from sqlalchemy import func, select, text

import heritage
from db.engine import engine_for
from db.events import Event
from db.leases import Lease
from db.restorations import Restoration
from db.testing import new_database, postgresql_programs, throwaway_postgresql
from db.vocabulary import FINISHED, EventType, Outcome
from heritage.care.custody import open_custody
from heritage.care.leases import FLOW_RUN, TRIES
from heritage.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
INJECTED = ROOT / "benchmarks" / "injected"
PARTS = ("restored", "mask", "layer")
MASTERS = 3
ROUND_SECONDS = 420.0
HAPPENS_WITHIN = 14.0
"""Seconds after the masters have come, in which the disturbance begins."""

MODEL = "patchmatch"
UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")


@dataclass
class Site:
    """A running site and the ways to disturb it.

    Attributes:
        home: The workspace.
        scans: Where masters arrive.
        database: Address of the catalogue.
        process: ``heritage serve``.
        http: To Prefect's server.
    """

    home: Path
    scans: Path
    orders: Path
    database: str
    dice: random.Random
    process: subprocess.Popen[str]
    http: httpx.Client

    def ask(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - as httpx has them
        """What Prefect's server answers, once it does."""
        deadline = time.monotonic() + 120
        while True:
            with suppress(httpx.TransportError):
                answer = self.http.request(method, path, **more)
                if answer.status_code < 500:
                    return answer.raise_for_status().json()
            if time.monotonic() > deadline:
                raise RuntimeError(f"Prefect's server does not come back: {path}")
            time.sleep(0.5)

    def start(self, flow: str, **parameters: object) -> str:
        """Ask for a run of a flow, as Prefect's pages do; its number."""
        known = self.ask("GET", f"/deployments/name/{flow}/heritage")
        asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        run: str = self.ask("POST", f"/deployments/{known['id']}/create_flow_run", json=asked)["id"]
        return run

    def finish(self, flow: str) -> None:
        """Have a flow run, and wait until it is over."""
        run = self.start(flow)
        while run in (known["id"] for known in self.under_way()):
            time.sleep(1)

    def under_way(self) -> list[dict[str, Any]]:
        """Runs of deployed flows that are to come or have not ended."""
        asked = {"flow_runs": {"state": {"type": {"any_": UNDER_WAY}}}}
        found = self.ask("POST", "/flow_runs/filter", json=asked)
        return [run for run in found if run["deployment_id"]]

    def processes(self, pattern: str) -> list[int]:
        """Our own processes whose command has a pattern and whose workspace is this one."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                with suppress(OSError):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    ours = f"HERITAGE_HOME={self.home}\0".encode()
                    if re.search(pattern, command) and ours in (folder / "environ").read_bytes():
                        found.append(int(folder.name))
        return found

    def kill(self, pattern: str) -> int:
        """SIGKILL to all such processes; how many there were."""
        found = self.processes(pattern)
        for number in found:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return len(found)


RUN = r"prefect\.(engine|flow_engine)|prefect flow-run execute|-m prefect\.engine"
WORKER = r"prefect worker start"
SERVER = r"prefect server start|uvicorn.*prefect"


def kill_run(site: Site) -> str:
    return f"{site.kill(RUN)} runs killed"


def kill_worker(site: Site) -> str:
    worker = site.kill(WORKER)
    return f"{worker} worker killed, with {site.kill(RUN)} runs"


def kill_worker_alone(site: Site) -> str:
    return f"{site.kill(WORKER)} worker killed, its runs go on"


def kill_server(site: Site) -> str:
    return f"{site.kill(SERVER)} processes of Prefect's server killed"


def cut_database(site: Site) -> str:
    """Connections to PostgreSQL are cut for two seconds; SQLite is held for three."""
    engine = engine_for(site.database)
    try:
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:
                connection.exec_driver_sql("UPDATE lease SET tries = tries")
                time.sleep(3)
                connection.rollback()
            return "database held for 3 s"
        cut = 0
        for _ in range(10):
            with engine.connect() as connection:
                cut += connection.execute(
                    text(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                ).scalar_one()
            time.sleep(0.2)
        return f"{cut} connections to the database cut"
    finally:
        engine.dispose()


def fill_disk(site: Site) -> str:
    """The disk with the results is full for some seconds: really, where it is one of its own."""
    folder, seconds = site.home / "restored", site.dice.uniform(2, 8)
    if os.path.ismount(folder):
        ballast = folder / ".ballast"
        with suppress(OSError), ballast.open("wb") as stream:
            while True:
                stream.write(bytes(1 << 20))
        time.sleep(seconds)
        ballast.unlink()
        return f"disk full for {seconds:.0f} s"
    _inject(site, "ENOSPC", 100, seconds)
    return f"disk said to be full for {seconds:.0f} s"


def storage_errors(site: Site) -> str:
    seconds = site.dice.uniform(2, 8)
    _inject(site, "EIO", 30, seconds)
    return f"every third write failed for {seconds:.0f} s"


def _inject(site: Site, error: str, percent: int, seconds: float) -> None:
    orders = {"folder": str(site.home / "restored"), "error": error, "percent": percent}
    new = site.orders.with_suffix(".new")
    new.write_text(json.dumps(orders))
    new.replace(site.orders)
    time.sleep(seconds)
    site.orders.unlink()


DISTURBANCES: tuple[Callable[[Site], str], ...] = (
    kill_run, kill_worker, cut_database, fill_disk, storage_errors, kill_server, kill_run,
    kill_worker_alone,
)  # fmt: skip


@contextmanager
def running(folder: Path, dice: random.Random, sqlite: bool = False) -> Iterator[Site]:
    """A site in a folder."""
    with ExitStack() as stack:
        home, scans = folder / "home", folder / "scans"
        (home / "restored").mkdir(parents=True)
        scans.mkdir()
        _own_disk(home / "restored", stack)
        programs = None if sqlite else postgresql_programs()
        database = f"sqlite:///{home / 'catalogue.sqlite'}"
        if programs is not None:
            database = new_database(stack.enter_context(throwaway_postgresql(programs)))
        given = {
            "HERITAGE_HOME": str(home), "HERITAGE_DATABASE_URL": database,
            "HERITAGE_INBOX": str(scans), "HERITAGE_MODEL": MODEL, "HERITAGE_DETECT": "false",
            "CHAOS_ORDERS": str(folder / "orders.json"), "PYTHONPATH": f"{INJECTED}:{ROOT}",
            "NO_COLOR": "1",
        }  # fmt: skip
        given |= {
            f"HERITAGE_{part}_SCHEDULE": "-" for part in ("INGEST", "RESTORE", "AUDIT", "BACKUP")
        }
        os.environ.update({k: v for k, v in given.items() if k.startswith("HERITAGE_")})
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | given
        process = _serve(folder, environment)
        stack.callback(_stop, process)
        assert process.stdout is not None
        prefect = _address(process)
        http = stack.enter_context(httpx.Client(base_url=f"{prefect}/api", timeout=30))
        yield Site(home, scans, folder / "orders.json", database, dice, process, http)


def _own_disk(folder: Path, stack: ExitStack) -> None:
    """Give the results a small disk of their own, where that is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)]
    with suppress(OSError):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=False)


def _serve(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.cli"]
    account = [*command, "review", "account", "ann", "--role", "administrator"]
    subprocess.run(
        account, env=environment, cwd=folder, input="correct horse battery\n", text=True,
        check=True, capture_output=True,
    )  # fmt: skip
    ports = ["--prefect-port", "0", "--review-port", "0", "--metrics-port", "0", "--runs", "2"]
    return subprocess.Popen(
        [*command, "serve", *ports], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True
    )


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            found = re.search(r"schedules: (\S+)", said)
            assert found is not None
            return found[1]
    raise RuntimeError(f"the site did not start: {said}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=90)
    process.kill()
    process.communicate()


def make_master(path: Path, seed: int, side: int = 260) -> None:
    """A grainy slope with a mask beside it."""
    dice = np.random.default_rng(seed)
    slope = np.linspace(8_000, 50_000, side)[:, None, None]
    picture = (slope + dice.normal(0, 600, (side, side, 3))).astype(np.uint16)
    holes = np.zeros((side, side), np.uint8)
    for row in range(20, side - 30, 40):
        holes[row : row + 9, 20:-20] = 255
    tifffile.imwrite(path.with_name(f"{path.stem}.mask.tif"), holes)
    part = path.with_suffix(".part")
    tifffile.imwrite(part, picture, photometric="rgb", compression="adobe_deflate", tile=(64, 64))
    part.replace(path)


def play(site: Site, number: int) -> dict[str, Any]:
    """One round: masters come, something happens, and in the end nothing waits.

    Returns:
        What happened, and the seconds it took.
    """
    began = time.monotonic()
    masters = [site.scans / f"r{number:03d}-{one}.tif" for one in range(MASTERS)]
    if number == 0:
        masters.append(site.scans / "r000-poison.tif")
    for one, path in enumerate(masters):
        make_master(path, 1000 * number + one)
    site.start("ingest-inbox", stable_seconds=0)
    happened = []
    for disturbance in chosen(site.dice, number):
        time.sleep(site.dice.uniform(0, HAPPENS_WITHIN))
        after = time.monotonic() - began
        happened.append(f"{after:.1f} s: {disturbance(site)}")
    runs = 1
    while not settled(masters):
        if time.monotonic() - began > ROUND_SECONDS:
            raise RuntimeError(f"round {number} ({happened}) does not end: {site.under_way()}")
        if not site.under_way():
            site.start("ingest-inbox", stable_seconds=0)
            runs += 1
        time.sleep(1)
    seconds = time.monotonic() - began
    return {"round": number, "happened": happened, "runs": runs, "seconds": round(seconds, 1)}


def chosen(dice: random.Random, number: int) -> list[Callable[[Site], str]]:
    """What happens in a round: each kind once in turn, then one or two as it comes."""
    if number < len(DISTURBANCES):
        return [DISTURBANCES[number]]
    return dice.choices(DISTURBANCES, k=dice.choice((1, 2)))


def settled(masters: list[Path]) -> bool:
    """Whether all of them are on record, and none waits."""
    settings = load_settings()
    with open_custody(settings) as custody:
        known = {line.path for line in custody.masters(limit=100_000)}
        return {str(path) for path in masters} <= known and not custody.unrestored(limit=1)


def faults(site: Site) -> list[str]:
    """What must not be and is."""
    return [*_wrong_outputs(site), *_leftovers(site), *_wrong_records(site)]


def _wrong_outputs(site: Site) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for master in sorted(site.scans.glob("r*.tif")):
            if ".mask" in master.name or "poison" in master.name:
                continue
            undisturbed = heritage.restore(master, model=MODEL, output=folder).folder
            for part in PARTS:
                name = f"{master.stem}.{part}.tif"
                there = site.home / "restored" / master.stem / name
                if not there.is_file():
                    yield f"{there} is missing"
                elif there.read_bytes() != (undisturbed / name).read_bytes():
                    yield f"{there} has other bytes than an undisturbed run makes"
            shutil.rmtree(undisturbed)


def _leftovers(site: Site) -> Iterator[str]:
    poison = 0
    for path in (site.home / "restored").rglob("*"):
        if "poison" in str(path):
            poison += 1
        elif path.name.startswith(".") or path.suffix in (".part", ".new", ".tmp"):
            yield f"{path} is left over"
    staging = site.home / "staging"
    if staging.is_dir():
        yield from (f"{path} is left over" for path in staging.iterdir())


def _wrong_records(site: Site) -> Iterator[str]:
    settings = load_settings()
    with open_custody(settings) as custody:
        if not custody.verify_chain().intact:
            yield "the chain of events is broken"
        aside = [lease.about for lease in custody.spent(TRIES)]
        if [Path(about).stem for about in aside] != ["r000-poison"]:
            yield f"set aside: {aside}"
    engine = engine_for(site.database)
    with engine.connect() as connection:
        twice = (
            select(Restoration.master_id, func.count())
            .where(Restoration.status.in_(FINISHED))
            .group_by(Restoration.master_id)
            .having(func.count() > 1)
        )
        yield from (
            f"master {row[0]} is restored {row[1]} times" for row in connection.execute(twice)
        )
        same = (
            Event.type,
            Event.outcome,
            Event.master_sha256,
            Event.mask_sha256,
            Event.restoration,
        )
        repeated = (
            select(*same, func.count())
            .where(Event.outcome == Outcome.SUCCESS, Event.type != EventType.FIXITY_CHECK)
            .group_by(*same, Event.detail)
            .having(func.count() > 1)
        )
        yield from (f"event twice: {tuple(row)}" for row in connection.execute(repeated))
        held = select(Lease.about).where(Lease.holder.is_not(None))
        for about in connection.scalars(held):
            if not about.startswith(FLOW_RUN):
                yield f"a lease is left: {about}"
    engine.dispose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--sqlite", action="store_true", help="though PostgreSQL is installed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file that receives the rounds and the findings")
    parser.add_argument("--keep", type=Path, help="folder for the site, which then stays")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="heritage-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    rounds: list[dict[str, Any]] = []
    with running(folder.resolve(), random.Random(given.seed), given.sqlite) as site:
        kind = site.database.partition(":")[0]
        for number in range(given.rounds):
            rounds.append(play(site, number))
            print(rounds[-1], flush=True)
        site.finish("clean-workspace")  # as every morning
        wrong = faults(site)
    for one in wrong:
        print(f"WRONG: {one}")
    masters = MASTERS * given.rounds
    print(f"{given.rounds} rounds, {masters} masters and one poison, {kind}: {len(wrong)} faults")
    if given.json is not None:
        said = {"database": kind, "seed": given.seed, "rounds": rounds, "faults": wrong}
        given.json.write_text(json.dumps(said, indent=1))
    if given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
