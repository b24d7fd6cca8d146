"""What the window engine costs besides the network.

    python benchmarks/window_engine.py [--model art-small] [--side 2000] [--rounds 3]

Makes a master with cracks and losses, reads all its windows into memory, and lets the inpainter
work through them in a bare loop; then the whole engine does the same from the file: reading,
converting, filling, measuring grain, writing each batch to disk. Both in one process, in turn,
several times. Prints a table and writes ``window_engine.json``: seconds and their ratio. Goal: the
engine takes at most 1.10 times as long as the bare loop.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import tifffile
import torch

import heritage
from heritage.damage.masks import open_mask
from heritage.restore import Options, run_batches
from heritage.restore.allocator import memory_reused
from heritage.restore.inpainters import load_inpainter
from heritage.restore.job import Job
from heritage.restore.leading import Leader
from heritage.restore.prepare import prepare
from heritage.restore.staging import Staged
from heritage.restore.views import ViewReader
from heritage.tiff import open_master

GOAL = 1.10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="art-small")
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--cracks", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, default=Path("window_engine.json"))
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=said.folder) as name:
        folder = Path(name)
        make(folder, said.side, said.cracks)
        options = Options(memory=4 << 30)
        with prepare(folder / "a.tif", None, said.model, folder / "out", options=options) as job:
            result = compare(job, said.device, said.rounds)
    report(said, result)


def make(folder: Path, side: int, cracks: int) -> None:
    """An uncompressed master and its mask."""
    random, mask, tile = np.random.default_rng(0), np.zeros((side, side), np.uint8), (512, 512)
    y, x = np.mgrid[:side, :side]
    wave = 128 + 60 * np.sin(y / 90) * np.cos(x / 70)
    picture = wave[..., None] * (1.0, 0.9, 0.8) + random.normal(0, 3, (side, side, 3))
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    tifffile.imwrite(folder / "a.tif", picture, photometric="rgb", tile=tile)
    for _ in range(cracks):
        start = random.integers(0, side, 2)
        for _ in range(3):
            end = start + random.integers(-120, 120, 2)
            cv2.line(mask, start.tolist(), end.tolist(), 255, int(random.integers(2, 7)))
            start = end
    cv2.ellipse(mask, (side // 2, side // 3), (150, 100), 30, 0, 360, 255, -1)
    tifffile.imwrite(folder / "a.mask.tif", mask, compression="zlib", tile=tile)


def compare(job: Job, device: str, rounds: int) -> dict[str, object]:
    """Seconds of the bare loop and of the engine, in turn."""
    assert job.plan is not None
    batches = list(range(len(job.plan.batches)))
    run_batches(job.folder, batches, device)  # loads, and solves the coarser scales
    loaded, inpainter = preload(job), load_inpainter(job.model, device)

    def fill() -> None:
        with memory_reused():
            for staged in loaded:
                inpainter(staged.images, staged.holes)

    def bare() -> None:
        # As in the engine: the main thread's OpenMP threads wait busily, those of others sleep.
        thread = Thread(target=fill)
        thread.start()
        thread.join()

    def engine() -> None:
        run_batches(job.folder, batches, device)

    bare()
    found = [(seconds(bare), seconds(engine)) for _ in range(rounds)]
    pixels = sum(window.box.area for window in job.plan.windows)
    return {
        "windows": len(job.plan.windows),
        "batches": len(batches),
        "megapixels": round(pixels / 1e6, 2),
        "bare": [round(one[0], 3) for one, _ in found],
        "engine": [round(other[0], 3) for _, other in found],
        "ratio": round(statistics.median(other[0] / one[0] for one, other in found), 3),
        "bare_cpu": [round(one[1], 3) for one, _ in found],
        "engine_cpu": [round(other[1], 3) for _, other in found],
        "cpu_ratio": round(statistics.median(other[1] / one[1] for one, other in found), 3),
    }


def preload(job: Job) -> list[Staged]:
    """All batches as the model takes them."""
    assert job.plan is not None
    plan, loaded = job.plan, []
    with open_master(job.master, job.page) as master, open_mask(job.mask) as mask:
        reader = ViewReader(master, mask, job.space(master.info))
        for batch in plan.batches:
            windows = [plan.windows[number] for number in batch]
            leader = Leader(plan, job.patches(1 << 26), windows[0].level)
            staged = Staged(len(windows), windows[0].shape, pinned=False)
            for place, window in enumerate(windows):
                staged.put(place, window, reader.read(window), leader.lead(window))
            loaded.append(staged)
    return loaded


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds: where other programs share the cores, the second tells more."""
    begun, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - used


def report(said: argparse.Namespace, result: dict[str, object]) -> None:
    """Print a table and write the JSON."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    result |= {
        "model": said.model,
        "device": said.device,
        "goal": GOAL,
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        },
        "heritage": heritage.__version__,
        "commit": commit.stdout.strip(),
    }
    for name, value in result.items():
        print(f"{name:12} {value}")
    said.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
