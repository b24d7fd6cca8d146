"""How the time of a restoration grows: with the damage, and with the picture.

    python benchmarks/scaling.py [--model identity] [--side 12000] [--most 100000000]
        [--largest 24000] [--rounds 3] [--folder DIR] [--json FILE]

The first table: one master, more and more damage, in losses of 100 x 100 pixels (or one smaller
one). The second: one megapixel of damage, larger and larger masters, against copying and hashing
the same file. Masters are uncompressed RGB of 8 bits in tiles. Sizes take turns in every round;
medians count.
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
from pathlib import Path

import numpy as np
import tifffile
from masters import write_master
from tiff_engine import hashed, timed

LOSS = 100
RUN = """
import sys, time
from pathlib import Path
import heritage
from heritage.restore import Options
from heritage.restore.inpainters import load_inpainter
folder, mask, model = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
load_inpainter(model, "cpu")
began = time.perf_counter()
heritage.restore(folder / "m.tif", mask, model, folder / "out", "cpu")
print(time.perf_counter() - began)
"""


def write_losses(path: Path, side: int, pixels: int) -> int:
    """A mask of square losses spread evenly over a picture; how many pixels they have."""
    mask = np.zeros((side, side), np.uint8)
    loss = min(LOSS, max(1, round(pixels**0.5)))
    count = max(1, round(pixels / loss**2))
    across = int(np.ceil(count**0.5))
    pitch = side // across
    if pitch <= loss:
        raise SystemExit(f"{pixels} damaged pixels do not fit {side} x {side}")
    for number in range(count):
        y, x = (pitch * place + (pitch - loss) // 2 for place in divmod(number, across))
        mask[y : y + loss, x : x + loss] = 255
    tifffile.imwrite(path, mask, compression="zlib", tile=(512, 512))
    return count * loss**2


def seconds(folder: Path, mask: Path, model: str) -> float:
    """Of one restoration, in a process of its own."""
    command = [sys.executable, "-c", RUN, str(folder), str(mask), model]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    subprocess.run(["rm", "-rf", str(folder / "out")], check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="identity")
    parser.add_argument("--side", type=int, default=12_000)
    parser.add_argument("--most", type=int, default=100_000_000)
    parser.add_argument("--largest", type=int, default=24_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, default=Path("scaling.json"))
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=said.folder) as name:
        damage = by_damage(Path(name), said)
        size = by_size(Path(name), said)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    answer = {
        "model": said.model,
        "by_damage": damage,
        "by_size": size,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "commit": commit.stdout.strip(),
    }
    said.json.write_text(json.dumps(answer, indent=1) + "\n")


def by_damage(folder: Path, said: argparse.Namespace) -> list[dict[str, float]]:
    """Seconds for more and more damage in one picture."""
    write_master(folder / "m.tif", said.side, said.side)
    steps = [10**power for power in range(2, 12) if 10**power <= said.most]
    masks = [folder / f"mask{pixels}.tif" for pixels in steps]
    damaged = [write_losses(mask, said.side, n) for mask, n in zip(masks, steps, strict=True)]
    taken: list[list[float]] = [[] for _ in steps]
    for _ in range(said.rounds):
        for place, mask in enumerate(masks):
            taken[place].append(seconds(folder, mask, said.model))
    middle = [statistics.median(one) for one in taken]
    fixed = middle[0]
    print(f"{'damaged pixels':>15} {'seconds':>9} {'past fixed':>11} {'microseconds a pixel':>21}")
    for pixels, second in zip(damaged, middle, strict=True):
        past = second - fixed
        print(f"{pixels:15,} {second:9.2f} {past:11.2f} {1e6 * past / pixels:21.3f}", flush=True)
    logs = [
        (np.log(pixels), np.log(second - fixed))
        for pixels, second in zip(damaged, middle, strict=True)
        if second - fixed > fixed / 2
    ]
    if len(logs) > 1:
        print(f"slope past the fixed cost: {np.polyfit(*np.transpose(logs), 1)[0]:.2f}")
    for mask in masks:
        mask.unlink()
    return [{"pixels": p, "seconds": s} for p, s in zip(damaged, middle, strict=True)]


def by_size(folder: Path, said: argparse.Namespace) -> list[dict[str, float]]:
    """Seconds for larger and larger pictures with a megapixel of damage."""
    answer = []
    print(f"{'megapixels':>11} {'seconds':>9} {'cp + sha':>9} {'difference':>11}")
    side = said.largest // 8
    while side <= said.largest:
        write_master(folder / "m.tif", side, side)
        write_losses(folder / "mask.tif", side, 1_000_000)
        taken, floor = [], []
        for _ in range(said.rounds):
            taken.append(seconds(folder, folder / "mask.tif", said.model))
            copied = timed(["cp", str(folder / "m.tif"), str(folder / "copy.tif")])
            floor.append(copied + hashed(folder / "m.tif"))
        second, least = statistics.median(taken), statistics.median(floor)
        print(
            f"{side**2 / 1e6:11,.0f} {second:9.2f} {least:9.2f} {second - least:11.2f}", flush=True
        )
        answer.append({"side": side, "seconds": second, "floor": least})
        side *= 2
    return answer


if __name__ == "__main__":
    main()
