"""What Prefect costs: as it comes, and as ``flows.orchestrator`` starts it.

    python benchmarks/orchestration.py [--rounds 3] [--tasks 50] [--json FILE]

Three ways are timed in turn, round by round, each in a fresh process: Prefect's own temporary
server with an empty home, the same with a home that is already migrated, and ours. Reported is the
best of each, in seconds: until a flow's first line runs, per task, from the last task to the end
of the process, and the processor time of everything together.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

WAYS = ("temporary, empty home", "temporary, used home", "ours")
COLUMNS = ("first line", "per task", "to the end", "whole run", "processor")


def run_flow(way: str, tasks: int) -> None:
    """In the process that is timed: one flow of empty tasks; prints its times as JSON."""
    from flows.orchestrator import orchestration
    from flows.share import Clock

    clock, times = Clock(), {}

    def flow_of_tasks() -> None:
        from prefect import flow, task

        @task
        def nothing(number: int) -> int:
            return number

        @flow
        def measured() -> None:
            times["first line"] = clock.share().total
            for number in range(tasks):
                nothing(number)
            times["tasks"] = clock.share().total - times["first line"]

        measured()

    if way == "ours":
        with orchestration() as server, server.ready():
            flow_of_tasks()
    else:
        flow_of_tasks()
    print(json.dumps(times))


def measure(way: str, home: Path, tasks: int) -> dict[str, float]:
    """Time one process."""
    if way == "temporary, empty home":
        shutil.rmtree(home, ignore_errors=True)
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, __file__, "--run", way, "--tasks", str(tasks)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    answer = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    whole, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    times = json.loads(answer.stdout.splitlines()[-1])
    return {
        "first line": times["first line"],
        "per task": times["tasks"] / tasks,
        "to the end": whole - times["first line"] - times["tasks"],
        "whole run": whole,
        "processor": sum(after[:2]) - sum(before[:2]),
    }


def main() -> None:
    """Time all ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run_flow(given.run, given.tasks)
        return
    with tempfile.TemporaryDirectory() as folder:
        rounds = [
            {way: measure(way, Path(folder) / "home", given.tasks) for way in WAYS}
            for _ in range(given.rounds)
        ]
    best = {way: {c: min(r[way][c] for r in rounds) for c in COLUMNS} for way in WAYS}
    print(f"{'':<24}" + "".join(f"{column:>12}" for column in COLUMNS))
    for way, row in best.items():
        print(f"{way:<24}" + "".join(f"{row[column]:>12.3f}" for column in COLUMNS))
    if given.json:
        machine = {"cores": os.cpu_count(), "machine": platform.machine()}
        versions = {"python": platform.python_version(), "prefect": version("prefect")}
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        record = {"best": best, "rounds": rounds, "commit": commit} | machine | versions
        given.json.write_text(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
