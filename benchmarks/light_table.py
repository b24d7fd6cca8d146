"""How long staff wait for a gigapixel on the light table.

    python benchmarks/light_table.py --json light_table.json

Makes a painting of 32768 x 32768 pixels with cracks and losses in a temporary folder, once without
compression in strips and once in DEFLATE tiles of 512, both with the same restoration. A process
of its own then opens each, with what the system had read of it dropped from memory, and looks at
it: the whole picture, before the overview is there, while it is made, and after; then tiles. Peak
memory is that of this process and of those that decode for it, and so are seconds those of a
machine that may have other work.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

import heritage
from heritage.damage.mask_writing import TILE, write_mask
from heritage.damage.masks import open_mask
from heritage.geometry import Box
from heritage.restore.layer import BlockEncoder, LayerFormat, write_layer
from heritage.review.pictures import Scene, View
from heritage.tiff.guard import GUARDS

Bytes = NDArray[np.uint8]
WAYS = ("strips", "tiles")


def patch() -> Bytes:
    """The piece that the painting repeats, (4096, 4096, 3): grounds, brush strokes and grain."""
    rng = np.random.default_rng(7)
    ground = rng.normal(0, 1, (65, 65, 3)).astype(np.float32)
    picture = 120 + 35 * cv2.resize(ground, (4096, 4096), interpolation=cv2.INTER_CUBIC)
    strokes = cv2.GaussianBlur(rng.normal(0, 1, (4096, 4096)).astype(np.float32), (0, 0), 3)
    picture += 60 * strokes[..., None] + rng.normal(0, 3, (4096, 4096, 1)).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def damage(side: int) -> Iterator[tuple[int, int, Bytes]]:
    """Tiles of a mask with 600 cracks and 80 losses."""
    rng = np.random.default_rng(3)
    starts = rng.integers(0, side, (600, 2))
    turns = np.cumsum(rng.normal(0, 0.35, (600, 40)), axis=1) + rng.uniform(0, 6.3, (600, 1))
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=2) * 60
    cracks = (starts[:, None] + np.cumsum(steps, axis=1)).astype(np.int32)
    losses = [(rng.integers(0, side, 2), int(rng.integers(20, 300))) for _ in range(80)]
    for y in range(0, side, TILE):
        for x in range(0, side, TILE):
            tile = np.zeros((TILE, TILE), np.uint8)
            for line in cracks:
                low, high = line.min(axis=0) - 8, line.max(axis=0) + 8
                if low[0] < x + TILE and high[0] > x and low[1] < y + TILE and high[1] > y:
                    cv2.polylines(tile, [line - (x, y)], False, 255, 3)
            for (cx, cy), radius in losses:
                cv2.circle(tile, (int(cx - x), int(cy - y)), radius, 255, -1)
            if tile.any():
                yield y, x, tile


def make(folder: Path, side: int) -> None:
    """Both masters, and a restoration each."""
    piece = patch()
    many = -(-side // len(piece))
    rows = (np.tile(row, (many, 1))[:side] for _ in range(many) for row in piece)
    rows = (row for number, row in enumerate(rows) if number < side)
    how: dict[str, Any] = {
        "shape": (side, side, 3), "dtype": np.uint8, "photometric": "rgb", "bigtiff": True,
        "iccprofile": bytes(imagecodecs.cms_profile("adobergb")), "metadata": None,
    }  # fmt: skip
    tifffile.imwrite(folder / "strips.tif", rows, rowsperstrip=1, **how)
    packed = {
        (y, x): imagecodecs.zlib_encode(np.ascontiguousarray(piece[y : y + 512, x : x + 512]), 6)
        for y in range(0, 4096, 512)
        for x in range(0, 4096, 512)
    }
    tiles = (packed[y % 4096, x % 4096] for y in range(0, side, 512) for x in range(0, side, 512))
    zipped = {"tile": (512, 512), "compression": "zlib"}
    tifffile.imwrite(folder / "tiles.tif", tiles, **zipped, **how)
    for way in WAYS:
        (folder / way).mkdir()
        write_mask(folder / way / f"{way}.mask.tif", side, side, damage(side))
        form = LayerFormat(side, side, 3, "uint8")
        encoder = BlockEncoder(form)
        with open_mask(folder / way / f"{way}.mask.tif") as mask:
            ready = (
                (box, encoder.encode(np.full((int(there.sum()), 3), 128, np.uint8), there))
                for box in mask.blocks()
                for there in [mask.read(box)]
            )
            write_layer(folder / way / f"{way}.layer.tif", form, ready)


def forget(path: Path) -> None:
    """Have the system drop what it has read of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def held(process: int | str = "self") -> float:
    """MiB that a process held at most."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def timed(
    scene: Scene, view: View, box: Box, side: int, undone: frozenset[int] = frozenset()
) -> float:
    """Seconds for one picture."""
    start = time.perf_counter()
    scene.render(view, box, side, side, undone=undone)
    return time.perf_counter() - start


def look(folder: Path, way: str) -> dict[str, float]:
    """Look at one master."""
    master, found = folder / f"{way}.tif", dict[str, float]()
    for path in (master, *(folder / way).iterdir()):
        forget(path)
    Path("/proc/self/clear_refs").write_text("5")  # what its parent held is not its own
    start, idle = time.perf_counter(), held()
    with Scene(master, folder / way, folder / "cache") as scene:
        whole = Box(0, 0, scene.height, scene.width)
        scene.render(View.BEFORE, whole, 512, 512)
        found["first view s"] = time.perf_counter() - start
        found["first after, sparse s"] = timed(scene, View.AFTER, whole, 512)
        found["first mask s"] = timed(scene, View.MASK, whole, 512)
        start = time.perf_counter()
        slow = []
        while not scene.prepare(0.2):
            if scene.fault is not None:
                raise scene.fault
            slow.append(timed(scene, View.AFTER, Box(900, 900, 1412, 1412), 512))
        found["overview and sums s"] = time.perf_counter() - start
        found["tile meanwhile, median ms"] = statistics.median(slow) * 1000
        rng = np.random.default_rng(1)
        for zoom in (1, 2, 4, 16, 64):
            step = 512 * zoom
            places = rng.integers(0, scene.height // step, (6, 2)) * step
            boxes = [Box(int(y), int(x), int(y) + step, int(x) + step) for y, x in places]
            for view in View:
                undone = frozenset(range(1, 9)) if view is not View.BEFORE else frozenset()
                cold = [timed(scene, view, box, 512, undone) for box in boxes]
                warm = [timed(scene, view, box, 512, undone) for box in boxes]
                found[f"1:{zoom} {view} cold ms"] = statistics.median(cold) * 1000
                found[f"1:{zoom} {view} warm ms"] = statistics.median(warm) * 1000
    found["memory before opening MiB"], found["memory at most MiB"] = idle, held()
    found["largest decoder's memory MiB"] = max([held(one) for one in GUARDS.processes()] or [0.0])
    found["files kept MiB"] = sum(p.stat().st_size for p in (folder / "cache").iterdir()) / 2**20
    start = time.perf_counter()
    with Scene(master, folder / way, folder / "cache") as scene:
        scene.render(View.AFTER, whole, 512, 512)
        found["opened again, first after s"] = time.perf_counter() - start
    return found


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", type=int, default=32768, help="of the painting, in pixels")
    parser.add_argument("--look", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.look:
        print(json.dumps(look(Path(arguments.look[0]), arguments.look[1])))
        return
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        make(Path(place), arguments.side)
        for way in WAYS:
            command = [sys.executable, __file__, "--look", place, way]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[way] = json.loads(answer.stdout)
    load = os.getloadavg()[0]
    print(f"load {load:.1f} on {os.cpu_count()} cores\n")
    print("| | " + " | ".join(WAYS) + " |\n| --- |" + " ---: |" * len(WAYS))
    for name in found[WAYS[0]]:
        print(f"| {name} | " + " | ".join(f"{found[way][name]:.4g}" for way in WAYS) + " |")
    if arguments.json is not None:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
        machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load": load}
        record = {"heritage": heritage.__version__, "commit": commit.stdout.strip(), **machine}
        arguments.json.write_text(json.dumps(record | {"found": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
