"""What counting and logging cost a restoration.

    python benchmarks/monitoring.py [--side 4000] [--model telea] [--rounds 3] [--json FILE]

Masters of the given side are restored through Prefect, as the command does it, with the log in
JSON. All time spent in noting down and in saying is added up, and compared with the seconds that
the restoration itself took, Prefect left out. A second table has what one scrape takes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import tifffile

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Stopwatch:
    """Adds up the time that some functions take, wherever modules have them."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def put_on(self, name: str) -> None:
        """Time a function of this name in all modules of ours that have imported it."""
        for module in list(sys.modules.values()):
            if module.__name__.startswith(("flows.", "heritage.")) and hasattr(module, name):
                setattr(module, name, self._timed(getattr(module, name)))

    def _timed(self, function: Callable[Given, Result]) -> Callable[Given, Result]:
        def timed(*given: Given.args, **more: Given.kwargs) -> Result:
            started = time.perf_counter()
            try:
                return function(*given, **more)
            finally:
                self.seconds += time.perf_counter() - started
                self.calls += 1

        return timed


def make_master(folder: Path, number: int, side: int) -> Path:
    """A master of 16 bits with thirty cracks, and its mask."""
    rng = np.random.default_rng(number)
    slope = np.linspace(8_000, 50_000, side, dtype=np.float32)
    picture = (slope[:, None, None] + rng.normal(0, 600, (side, side, 3))).astype(np.uint16)
    mask = np.zeros((side, side), np.uint8)
    for row in np.linspace(50, side - 50, 30).astype(int):
        mask[row : row + 6, 50 : side - 50] = 255
    path = folder / f"{number}.tif"
    tifffile.imwrite(path, picture, photometric="rgb", compression="adobe_deflate", tile=(256, 256))
    tifffile.imwrite(folder / f"{number}.mask.tif", mask)
    return path


def restore_all(masters: list[Path], output: Path, model: str) -> list[dict[str, float]]:
    """Restore them one after the other; seconds of each, and what watching it took."""
    from flows.orchestrator import orchestration
    from heritage.restore.names import plan_names

    rows = []
    with orchestration() as server, server.ready():
        from flows.collection import attempt_restoration

        note, word = Stopwatch(), Stopwatch()
        note.put_on("note_down")
        word.put_on("say")
        for master in plan_names(masters, output):
            before = note.seconds, word.seconds
            outcome = attempt_restoration(master, output, model=model)
            assert outcome.fate == "restored", outcome.reason
            rows.append(
                {
                    "restoration": outcome.seconds,
                    "counting": note.seconds - before[0],
                    "logging": word.seconds - before[1],
                }
            )
    return rows


def scrape(rounds: int = 20) -> dict[str, float]:
    """Seconds of a scrape that asks the catalogue, and of one that does not."""
    from heritage.care.metrics import exposition, registry
    from heritage.settings import load_settings

    anew, again = [], []
    for _ in range(rounds):
        told = registry(load_settings())
        for seconds in (anew, again):
            started = time.perf_counter()
            exposition(told)
            seconds.append(time.perf_counter() - started)
    return {"asked": statistics.median(anew), "told again": statistics.median(again)}


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=4000)
    parser.add_argument("--model", default="telea")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"HERITAGE_HOME": str(folder / "home"), "HERITAGE_LOG_FORMAT": "json"}
        masters = [make_master(folder, n, given.side) for n in range(given.rounds + 1)]
        rows = restore_all(masters, folder / "out", given.model)[1:]  # the first one warms up
        scrapes = scrape()
    mean = {key: statistics.mean(row[key] for row in rows) for key in rows[0]}
    share = (mean["counting"] + mean["logging"]) / mean["restoration"]
    print(f"{'restoration':>12}{'counting':>12}{'logging':>12}{'share':>12}")
    print(
        f"{mean['restoration']:>10.2f} s{1e3 * mean['counting']:>9.2f} ms"
        f"{1e3 * mean['logging']:>9.2f} ms{100 * share:>10.3f} %"
    )
    print("scrape: " + ", ".join(f"{key} {1e3 * value:.1f} ms" for key, value in scrapes.items()))
    if given.json:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        record = {"rows": rows, "mean": mean, "share": share, "scrape": scrapes, "commit": commit}
        record |= {"cores": os.cpu_count(), "machine": platform.machine(), **vars(given)}
        record |= {"python": platform.python_version(), "prefect": version("prefect")}
        given.json.write_text(json.dumps(record, indent=2, default=str))


if __name__ == "__main__":
    main()
