"""How long a collection takes on so many GPUs, and what saturates first.

    python benchmarks/planning.py measure --json constants.json
    python benchmarks/planning.py simulate [--constants constants.json] [--masters N] [--gpus N]

`measure` restores small masters through the flows, with the catalogue on PostgreSQL where that is
installed, and counts what one master asks of the parts that all workers share: requests to
Prefect's server, writing transactions of the catalogue and how long each holds the writer's lock.
Then it asks both of these parts as hard as it can, for what they bear.

`simulate` lets workers, one per GPU, take master after master. Each has its own processor and GPU
time and waits in line for storage, catalogue and Prefect's server, which serve one after the other.
What was not measured is an assumption, and is printed as one. Without a file of constants it takes
those of docs/planning.md.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

SHARED = ("storage", "catalogue", "prefect")
SIMULATED = 20_000
"""Masters that are played through; more take proportionally longer."""

ASKERS = 4
SPREAD = 0.7
"""Two masters of three are half to twice as large as the usual one."""


@dataclass(frozen=True)
class Constants:
    """What a master costs, and what the shared parts bear.

    Attributes:
        requests: To Prefect's server, for one master.
        requests_per_second: What that server bears.
        transactions: That write to the catalogue, for one master.
        transactions_per_second: What the catalogue bears.
        megabytes: Read and written for one master, together.
        storage_megabytes_per_second: What the storage bears, of all workers together.
        processor_seconds: Of one master on its worker: searching, copying, hashing, detail.
        gpu_seconds: Of one master on its GPU.
    """

    requests: float = 9.83
    requests_per_second: float = 78.0
    transactions: float = 7.17
    transactions_per_second: float = 745.0
    megabytes: float = 900.0
    storage_megabytes_per_second: float = 1000.0
    processor_seconds: float = 36.0
    gpu_seconds: float = 2.0

    def service(self) -> dict[str, float]:
        """Seconds that one master takes of each shared part."""
        return {
            "storage": self.megabytes / self.storage_megabytes_per_second,
            "catalogue": self.transactions / self.transactions_per_second,
            "prefect": self.requests / self.requests_per_second,
        }


WORKLOADS = ((1_000, 100_000, 10_000_000), (1, 10, 1000))
"""Masters and GPUs that docs/planning.md shows."""
ASSUMED = ("megabytes", "storage_megabytes_per_second", "processor_seconds", "gpu_seconds")


@dataclass(frozen=True)
class Played:
    """How a collection went.

    Attributes:
        hours: From the first master to the last.
        busy: Of the time, how much each shared part and the workers were at work.
    """

    hours: float
    busy: dict[str, float]

    @property
    def first(self) -> str:
        """What was at work for the largest share of the time."""
        return max(self.busy, key=lambda part: self.busy[part])


def simulate(constants: Constants, masters: int, gpus: int, seed: int = 1) -> Played:
    """Play a collection through.

    Args:
        constants: What things cost.
        masters: How many there are.
        gpus: Workers, each with one.
        seed: Of the sizes.
    """
    dice = random.Random(seed)
    played = max(min(masters, SIMULATED), min(masters, 20 * gpus))
    free, busy = dict.fromkeys(SHARED, 0.0), dict.fromkeys((*SHARED, "workers"), 0.0)
    service = constants.service()
    own = constants.processor_seconds + constants.gpu_seconds
    # What a worker does next: (moment, order, step); steps are the shared parts in turn, then work.
    order = 0
    ready: list[tuple[float, int, int, float]] = []
    left = played
    for _ in range(min(gpus, played)):
        heapq.heappush(ready, (0.0, order, 0, _size(dice)))
        order, left = order + 1, left - 1
    end = 0.0
    while ready:
        at, number, step, size = heapq.heappop(ready)
        if step < len(SHARED):
            part = SHARED[step]
            seconds = service[part] * (size if part == "storage" else 1.0)
            begun = max(at, free[part])
            free[part], busy[part] = begun + seconds, busy[part] + seconds
            heapq.heappush(ready, (begun + seconds, number, step + 1, size))
            continue
        done = at + own * size
        busy["workers"] += own * size
        end = max(end, done)
        if left:
            left -= 1
            heapq.heappush(ready, (done, number, 0, _size(dice)))
    share = {part: seconds / end for part, seconds in busy.items()}
    share["workers"] /= min(gpus, played)
    return Played(end * masters / played / 3600, share)


def _size(dice: random.Random) -> float:
    """How large a master is, of the usual size; 1 on the average."""
    return dice.lognormvariate(-SPREAD * SPREAD / 2, SPREAD)


def measure(masters: int = 12) -> Constants:
    """Count and time, with small masters and an inpainter that costs little."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["HERITAGE_HOME"] = str(folder / "home")
        os.environ["HERITAGE_DATABASE_URL"] = stack.enter_context(_database(folder))
        from flows.orchestrator import orchestration

        server = stack.enter_context(orchestration())
        stack.enter_context(server.ready())
        from flows.collection import restore_collection

        sources = [_master(folder / f"m{number:02d}.tif", number) for number in range(masters + 1)]
        chosen: dict[str, Any] = {"model": "telea", "detect": False}
        restore_collection(sources[:1], folder / "warm", **chosen)
        with _counting() as counted:
            restore_collection(sources[1:], folder / "out", **chosen)
        return Constants(
            requests=counted["requests"] / masters,
            requests_per_second=_requests_borne(server),
            transactions=counted["transactions"] / masters,
            transactions_per_second=_transactions_borne(),
        )


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    from db.testing import new_database, postgresql_programs, throwaway_postgresql

    programs = postgresql_programs()
    if programs is None:
        yield f"sqlite:///{folder / 'catalogue.sqlite'}"
        return
    with throwaway_postgresql(programs) as maintenance:
        yield new_database(maintenance)


def _master(path: Path, seed: int) -> Path:
    import numpy as np
    import tifffile

    dice = np.random.default_rng(seed)
    picture = dice.normal(30_000, 3000, (300, 300, 3)).astype(np.uint16)
    holes = np.zeros((300, 300), np.uint8)
    holes[100:110, 20:-20] = 255
    tifffile.imwrite(path.with_name(f"{path.stem}.mask.tif"), holes)
    tifffile.imwrite(path, picture, photometric="rgb")
    return path


@contextmanager
def _counting() -> Iterator[Counter[str]]:
    """Requests of Prefect's client and writing transactions, while the block lasts."""
    import httpx

    from db.engine import Database

    counted: Counter[str] = Counter()
    send, send_now, writing = httpx.AsyncClient.send, httpx.Client.send, Database.writing

    async def sent(client: Any, *given: Any, **more: Any) -> Any:  # noqa: ANN401
        counted["requests"] += 1
        return await send(client, *given, **more)

    def sent_now(client: Any, *given: Any, **more: Any) -> Any:  # noqa: ANN401
        counted["requests"] += 1
        return send_now(client, *given, **more)

    def wrote(database: Database) -> Any:  # noqa: ANN401
        counted["transactions"] += 1
        return writing(database)

    httpx.AsyncClient.send, httpx.Client.send = sent, sent_now  # type: ignore[assignment,method-assign]
    Database.writing = wrote  # type: ignore[assignment,method-assign]
    try:
        yield counted
    finally:
        httpx.AsyncClient.send, httpx.Client.send = send, send_now  # type: ignore[method-assign]
        Database.writing = writing  # type: ignore[method-assign]


def _transactions_borne(seconds: float = 5.0) -> float:
    """Leases taken and given back by several at once, in a second."""
    from datetime import timedelta

    from heritage.care.custody import open_custody
    from heritage.settings import load_settings

    done, until = Counter[int](), time.monotonic() + seconds

    def ask(number: int) -> None:
        with open_custody(load_settings()) as custody:
            while time.monotonic() < until:
                taken: Any = custody.take(f"nothing {number}", "planning", timedelta(minutes=1))
                custody.give_back(taken)
                done[number] += 2

    _at_once(ask)
    return sum(done.values()) / seconds


def _requests_borne(server: Any, seconds: float = 5.0) -> float:  # noqa: ANN401
    """Flow runs made and brought to an end by several at once: requests in a second."""
    import httpx

    done, until = Counter[int](), time.monotonic() + seconds
    user, _, password = (server.secret or ":").partition(":")

    def ask(number: int) -> None:
        with httpx.Client(base_url=server.url, auth=(user, password), timeout=60) as http:
            flow = http.post("/flows/", json={"name": f"planning {number}"}).json()["id"]
            while time.monotonic() < until:
                # A server too busy to answer is asked again; only what it answered counts.
                with suppress(httpx.HTTPError):
                    made = http.post("/flow_runs/", json={"flow_id": flow}).raise_for_status()
                    done[number] += 1
                    path = f"/flow_runs/{made.json()['id']}/set_state"
                    for state in ("PENDING", "RUNNING", "COMPLETED"):
                        asked = {"state": {"type": state, "name": state.title()}}
                        done[number] += http.post(path, json=asked).is_success

    _at_once(ask)
    return sum(done.values()) / seconds


def _at_once(ask: Any) -> None:  # noqa: ANN401
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def table(constants: Constants, masters: Sequence[int], gpus: Sequence[int]) -> Iterator[str]:
    """The lines of a Markdown table: how long, and how busy each part is."""
    yield "| masters | GPUs | time | busiest | storage | catalogue | Prefect | workers |"
    yield "| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |"
    for number in masters:
        for workers in gpus:
            played = simulate(constants, number, workers)
            busy = " | ".join(f"{100 * share:.0f} %" for share in played.busy.values())
            shown = f"{played.hours:.1f} h" if played.hours < 72 else f"{played.hours / 24:.0f} d"
            yield f"| {number:,} | {workers:,} | {shown} | {played.first} | {busy} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--masters", type=int, default=12)
    measuring.add_argument("--json", type=Path, required=True)
    playing = commands.add_parser("simulate")
    playing.add_argument("--constants", type=Path)
    playing.add_argument("--masters", type=int, nargs="*", default=WORKLOADS[0])
    playing.add_argument("--gpus", type=int, nargs="*", default=WORKLOADS[1])
    for field in fields(Constants):
        playing.add_argument(f"--{field.name.replace('_', '-')}", type=float)
    given = parser.parse_args()
    if given.command == "measure":
        constants = measure(given.masters)
        given.json.write_text(json.dumps(asdict(constants), indent=1))
        print(given.json.read_text())
        return 0
    known = json.loads(given.constants.read_text()) if given.constants else asdict(Constants())
    known |= {n.name: v for n in fields(Constants) if (v := getattr(given, n.name)) is not None}
    print("assumed:", ", ".join(f"{name} {known[name]:g}" for name in ASSUMED))
    print("\n".join(table(Constants(**known), given.masters, given.gpus)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
