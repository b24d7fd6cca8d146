"""What composing a restored TIFF costs, against copying and hashing the same file.

    python benchmarks/tiff_engine.py [--side 32768] [--kinds none,deflate,lzw,zstd,u16-strips]
        [--share 0.02] [--spread] [--rounds 3] [--folder DIR] [--json FILE]

A do-nothing engine paints the damaged pixels with one colour: losses in one corner, so that about
as many tiles are touched as pixels, or with --spread cracks all over, which touch nearly every
tile. In every round and for every kind, `cp`, SHA-256 of the master, and `compose` (which hashes
the source and what it writes, and waits until it is on the disk) take turns, so that a noisy
machine is noisy for all. Each compose runs in a process of its own, which says how much memory it
took beyond its imports, and how long the touched segments alone take to be decoded, painted,
encoded and proven. Files lie in the page cache.
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
from pathlib import Path

from masters import write_corner, write_mask, write_master

KINDS = ("none", "deflate", "lzw", "zstd", "u16-strips")
RUN = """
import json, sys, time
from pathlib import Path
import imagecodecs, numpy, tifffile
from heritage.damage.masks import open_mask
from heritage.resident import resident
from heritage.tiff import compose
from heritage.tiff.exchange import Page
from heritage.tiff.picture import Picture
from heritage.tiff.scratch import Scratch
master, mask, target = map(Path, sys.argv[1:])
before = resident("peak")
with open_mask(mask) as damage:
    def paint(box, pixels):
        pixels[damage.read(box)] = 77
    began = time.perf_counter()
    done = compose(master, target, paint, damage.any)
    seconds = time.perf_counter() - began
    took = resident("peak") - before
    encoding = 0.0
    with Picture(master) as picture, Scratch(target.parent) as scratch:
        if not picture.raw_rows:
            began = time.perf_counter()
            cells = [cell for cell in picture.grid.cells() if damage.any(cell.box)]
            Page(picture, cells, paint).encode(scratch, None)
            encoding = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "encoding": encoding, "memory": took,
    "segments": done.segments, "touched": done.touched_segments, "dead": done.dead_bytes}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=32_768)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--spread", action="store_true", help="damage everywhere")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, default=Path("tiff_engine.json"))
    said = parser.parse_args()
    from heritage.damage.masks import import_mask

    results = {}
    for kind in said.kinds.split(","):
        with tempfile.TemporaryDirectory(dir=said.folder) as name:
            folder = Path(name)
            height, width = (16_000, 12_000) if kind == "u16-strips" else (said.side, said.side)
            wide = kind == "u16-strips"
            write_master(
                folder / "m.tif", height, width, "uint16" if wide else "uint8",
                None if kind in ("none", "u16-strips") else kind, strips=wide,
            )  # fmt: skip
            if said.spread:
                write_mask(folder / "painted.tif", height, width, said.share)
            else:
                write_corner(folder / "painted.tif", height, width, said.share)
            import_mask(folder / "painted.tif", folder / "mask.tif", height, width)
            results[kind] = measure(folder, said.rounds)
            print(line(kind, results[kind]), flush=True)
    report(said, results)


def measure(folder: Path, rounds: int) -> dict[str, object]:
    """All rounds of one kind of file."""
    master, copy, target = folder / "m.tif", folder / "copy.tif", folder / "r.tif"
    names = ("cp", "sync", "sha", "compose", "encoding")
    found: dict[str, list[float]] = {name: [] for name in names}
    last: dict[str, object] = {}
    for _ in range(rounds):
        found["cp"].append(timed(["cp", str(master), str(copy)]))
        found["sync"].append(synced(copy))
        copy.unlink()
        found["sha"].append(hashed(master))
        command = [sys.executable, "-c", RUN, str(master), str(folder / "mask.tif"), str(target)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        last = json.loads(done.stdout.splitlines()[-1])
        target.unlink()
        found["compose"].append(float(str(last["seconds"])))
        found["encoding"].append(float(str(last["encoding"])))
    floor = [a + b for a, b in zip(found["cp"], found["sha"], strict=True)]
    rest = [a - b for a, b in zip(found["compose"], found["encoding"], strict=True)]
    ratios = [a / b for a, b in zip(found["compose"], floor, strict=True)]
    without = [a / b for a, b in zip(rest, floor, strict=True)]
    safe = [a / (b + c) for a, b, c in zip(rest, floor, found["sync"], strict=True)]
    return {
        "bytes": master.stat().st_size,
        "seconds": found,
        "ratio": statistics.median(ratios),
        "ratio_without_encoding": statistics.median(without),
        "ratio_to_a_copy_that_waits_for_the_disk": statistics.median(safe),
        **{key: last[key] for key in ("memory", "segments", "touched", "dead")},
    }


def timed(command: list[str]) -> float:
    """Seconds that a program takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def synced(path: Path) -> float:
    """Seconds until a file is on the disk, which `cp` does not wait for."""
    with path.open("rb") as file:
        began = time.perf_counter()
        os.fsync(file.fileno())
        return time.perf_counter() - began


def hashed(path: Path) -> float:
    """Seconds that SHA-256 of a file takes here."""
    from heritage.tiff import sha256_file

    began = time.perf_counter()
    sha256_file(path)
    return time.perf_counter() - began


def line(kind: str, result: dict[str, object]) -> str:
    """One row of the table."""
    seconds = result["seconds"]
    assert isinstance(seconds, dict)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    return (
        f"{kind:11} {int(str(result['bytes'])) / 1e9:5.2f} GB  "
        f"cp {middle['cp']:5.2f}  sync {middle['sync']:5.2f}  sha {middle['sha']:5.2f}  "
        f"compose {middle['compose']:6.2f} s  "
        f"(encoding {middle['encoding']:5.2f})  ratio {float(str(result['ratio'])):5.2f}  "
        f"without encoding {float(str(result['ratio_without_encoding'])):5.2f}  "
        f"with sync {float(str(result['ratio_to_a_copy_that_waits_for_the_disk'])):5.2f}  "
        f"memory {int(str(result['memory'])) >> 20} MiB  "
        f"{result['touched']} of {result['segments']} segments"
    )


def report(said: argparse.Namespace, results: dict[str, dict[str, object]]) -> None:
    """Write the JSON."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    answer = {
        "kinds": results,
        "side": said.side,
        "share": said.share,
        "spread": said.spread,
        "rounds": said.rounds,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "commit": commit.stdout.strip(),
    }
    said.json.write_text(json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    main()
