"""What it costs to turn decisions of staff into files, against copying and hashing the master.

    python benchmarks/recompose.py [--side 32768] [--shares 0.0001,0.001,0.01] [--rejected 0.1]
        [--model telea] [--rounds 3] [--folder DIR] [--json FILE]

For each share of damage (cracks, losses and specks all over) an uncompressed RGB master of 8 bits
in tiles is restored once. Then, in every round, `cp`, the wait until the copy is on the disk,
SHA-256 of the master, and ``recompose`` with a tenth of the regions taken back take turns; medians
count. Recompose runs in a process of its own, which says what it held at most beyond its imports.
In the end ``verify`` must find nothing. Files lie in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from masters import write_mask, write_master
from tiff_engine import hashed, synced, timed

RESTORE = """
import sys, time
from pathlib import Path
import heritage
place, model = Path(sys.argv[1]), sys.argv[2]
began = time.perf_counter()
made = heritage.restore(place / "m.tif", None, model, place / "out", "cpu")
print(time.perf_counter() - began, made.regions, made.damaged_pixels)
"""
RECOMPOSE = """
import json, sys, time
from pathlib import Path
from heritage.resident import resident
from heritage.restore.recompose import recompose
place, regions, share = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
rejected = range(1, regions + 1, max(2, round(1 / share)))
before, began, used = resident("peak"), time.perf_counter(), time.process_time()
made = recompose(
    place / "out/m", place / "m.tif", rejected, place / "signed", {"approver": "nobody"}
)
print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - used,
    "memory": resident("peak") - before, "kept": made.regions}))
"""
VERIFY = """
import sys
from heritage.restore.verify import verify
verify(sys.argv[1]).require()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=32_768)
    parser.add_argument("--shares", default="0.0001,0.001,0.01")
    parser.add_argument("--rejected", type=float, default=0.1)
    parser.add_argument("--model", default="telea")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, default=Path("recompose.json"))
    said = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(dir=said.folder) as name:
        place = Path(name)
        write_master(place / "m.tif", said.side, said.side)
        for share in map(float, said.shares.split(",")):
            results.append(measure(place, share, said))
            print(line(results[-1]), flush=True)
    report(said, results)


def answer(program: str, *arguments: object) -> str:
    """What a program says last, run in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return (done.stdout.splitlines() or [""])[-1]


def measure(place: Path, share: float, said: argparse.Namespace) -> dict[str, object]:
    """All rounds with one share of damage."""
    write_mask(place / "m.mask.tif", said.side, said.side, share)
    restoring, regions, pixels = map(float, answer(RESTORE, place, said.model).split())
    found: dict[str, list[float]] = {name: [] for name in ("cp", "sync", "sha", "seconds", "cpu")}
    last: dict[str, float] = {}
    for number in range(said.rounds):
        found["cp"].append(timed(["cp", str(place / "m.tif"), str(place / "copy.tif")]))
        found["sync"].append(synced(place / "copy.tif"))
        (place / "copy.tif").unlink()
        found["sha"].append(hashed(place / "m.tif"))
        last = json.loads(answer(RECOMPOSE, place, int(regions), said.rejected))
        found["seconds"].append(last["seconds"])
        found["cpu"].append(last["cpu"])
        if number == said.rounds - 1:
            answer(VERIFY, place / "signed/m")
        shutil.rmtree(place / "signed")
    shutil.rmtree(place / "out")
    floors = map(sum, zip(found["cp"], found["sync"], found["sha"], strict=True))
    ratios = [mine / floor for mine, floor in zip(found["seconds"], floors, strict=True)]
    return {
        "share": share,
        "pixels": int(pixels),
        "regions": int(regions),
        "kept": last["kept"],
        "restoring": restoring,
        "bytes": (place / "m.tif").stat().st_size,
        "ratio": statistics.median(ratios),
        "memory": last["memory"],
        "rounds": found,
        **{name: statistics.median(values) for name, values in found.items()},
    }


def line(result: dict[str, object]) -> str:
    """One row of the table."""
    return (
        "{share:8.4%} damaged, {pixels:>11,} pixels, {kept:>7,} of {regions:>7,} regions kept: "
        "cp {cp:5.2f}  sync {sync:5.2f}  sha {sha:5.2f}  recompose {seconds:6.2f} s "
        "({cpu:6.2f} s of CPU)  ratio {ratio:5.2f}  restoring took {restoring:7.1f} s  "
    ).format(**result) + f"memory {int(str(result['memory'])) >> 20} MiB"


def report(said: argparse.Namespace, results: list[dict[str, object]]) -> None:
    """Write the JSON."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    told = {
        "results": results,
        "side": said.side,
        "rejected": said.rejected,
        "model": said.model,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "commit": commit.stdout.strip(),
    }
    said.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
