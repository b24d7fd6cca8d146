"""A collection on one Dask worker and on two: how much of the time the second one saves.

    python benchmarks/runners.py [--masters 12] [--rounds 3] [--json FILE]

The inpainter is `patchmatch`, which computes in one thread; each worker has one. Clusters stand
before the clock runs, and each has restored one master before. Rounds alternate. Reported are the
median seconds of each, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

MODEL = "patchmatch"


def make_master(path: Path, seed: int, side: int) -> None:
    """A grainy slope with a mask of strokes beside it."""
    dice = np.random.default_rng(seed)
    slope = np.linspace(8_000, 50_000, side)[:, None, None]
    picture = (slope + dice.normal(0, 600, (side, side, 3))).astype(np.uint16)
    holes = np.zeros((side, side), np.uint8)
    for row in range(20, side - 40, 60):
        holes[row : row + 24, 20:-20] = 255
    tifffile.imwrite(path.with_name(f"{path.stem}.mask.tif"), holes)
    tifffile.imwrite(path, picture, photometric="rgb", compression="adobe_deflate", tile=(256, 256))


def measure(masters: int, rounds: int, side: int, folder: Path) -> dict[int, list[float]]:
    """Seconds of each round, by the number of workers."""
    os.environ["HERITAGE_HOME"] = str(folder / "home")
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    scans = folder / "scans"
    scans.mkdir()
    for number in range(masters):
        make_master(scans / f"m{number:02d}.tif", number, side)
    sources = sorted(path for path in scans.glob("m*.tif") if ".mask" not in path.name)
    from flows.orchestrator import orchestration

    seconds: dict[int, list[float]] = {1: [], 2: []}
    with orchestration() as server, server.ready():
        from distributed import LocalCluster

        kept: dict[str, Any] = {
            "threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0
        }  # fmt: skip
        with LocalCluster(n_workers=1, **kept) as one, LocalCluster(n_workers=2, **kept) as two:
            clusters = {1: one, 2: two}
            for number, cluster in clusters.items():
                restore(cluster, sources[:number], folder / f"warm{number}")
            for turn in range(rounds):
                for number, cluster in clusters.items():
                    began = time.perf_counter()
                    restore(cluster, sources, folder / f"out{number}-{turn}")
                    seconds[number].append(time.perf_counter() - began)
                    print(f"{number} workers: {seconds[number][-1]:.1f} s", flush=True)
    return seconds


def restore(cluster: Any, sources: list[Path], output: Path) -> None:  # noqa: ANN401
    """A collection on a cluster that stands."""
    os.environ["HERITAGE_DASK_ADDRESS"] = cluster.scheduler_address
    from flows.collection import collection_flow
    from heritage.settings import load_settings

    flow = collection_flow("dask", load_settings())
    told = flow(sources, output, model=MODEL, detect=False, runner="dask")
    failed = [one.reason for one in told if not one.fate.is_done]
    if failed:
        raise RuntimeError(failed[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--masters", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=900)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(given.masters, given.rounds, given.side, Path(folder))
    medians = {number: statistics.median(some) for number, some in seconds.items()}
    ratio = medians[2] / medians[1]
    print(f"one worker {medians[1]:.1f} s, two {medians[2]:.1f} s: {ratio:.3f}")
    if given.json is not None:
        said = {"seconds": seconds, "ratio": ratio, "cores": os.cpu_count()}
        given.json.write_text(json.dumps(said, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
