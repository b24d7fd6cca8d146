"""Many packages read again: our re-audit against `sha256sum` and `openssl` over the same files.

    python benchmarks/reaudit.py [--bags 10000] [--rounds 3] [--folder DIR] [--json FILE]

Makes bags like those of small masters (ten payload files, about 250 KB each bag) and lets the
programs take turns in every round, so that a noisy machine is noisy for all of them; the median
counts. Where the bags fit into memory the files come from there: this then measures hashing and
looking for files, not the disk. ``--cold`` asks the system to forget the files before each turn, as
far as it does so without privileges.

``sha256sum`` only hashes; the re-audit also reads the manifests, compares, and looks for files
that are missing or too many. How much SHA-256 costs depends on who computes it: `openssl` uses the
processor's own instructions as Python does, and is the third to be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import heritage
from heritage.archive.bags.making import make_bag
from heritage.archive.bags.reaudit import reaudit

SIZES = (120_000, 60_000, 30_000, 16_000, 9_000, 6_000, 4_000, 3_000, 2_000, 1_000)
"""Bytes of each file: a restored picture, its mask, access copies, metadata."""


def make(root: Path, count: int) -> tuple[int, int]:
    """Make so many bags; returns how many files and bytes lie there."""
    rng = random.Random(1)
    noise = rng.randbytes(4 << 20)
    os.fsync = lambda _: None  # ten thousand bags to be thrown away need not survive a power cut
    for number in range(count):
        bag = root / f"{number % 100:02}" / f"item-{number:06}"
        for place, size in enumerate(SIZES):
            file = bag / "data" / ("access" if place % 2 else "restoration") / f"file{place}.bin"
            file.parent.mkdir(parents=True, exist_ok=True)
            start = rng.randrange(len(noise) - size)
            file.write_bytes(noise[start : start + size])
        make_bag(bag, {"External-Identifier": str(number)})
    files = [entry for entry in root.rglob("*") if entry.is_file()]
    return len(files), sum(file.stat().st_size for file in files)


def ours(root: Path) -> None:
    """The re-audit; a finding would be a fault of this benchmark."""
    found = reaudit(root)
    if not found.sound or not found.bags:
        raise SystemExit(f"the bags are not sound: {found.findings}")


def shell(program: str, processes: int) -> Callable[[Path], None]:
    """All files of all bags through a program, so many processes at once."""

    def run(root: Path) -> None:
        find = ["find", str(root), "-type", "f", "-print0"]
        batch = ["xargs", "-0", "-n", "500", "-P", str(processes), *program.split()]
        with subprocess.Popen(find, stdout=subprocess.PIPE) as finding:
            subprocess.run(batch, stdin=finding.stdout, stdout=subprocess.DEVNULL, check=True)

    return run


def forget(root: Path) -> None:
    """Ask the system to drop the files from memory."""
    for folder, _, names in os.walk(root):
        for name in names:
            descriptor = os.open(f"{folder}/{name}", os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def contestants() -> dict[str, Callable[[Path], None]]:
    """Who takes part: those programs that this machine has."""
    found = {"reaudit": ours}
    for program, first in (("sha256sum", "sha256sum"), ("openssl dgst -sha256 -r", "openssl")):
        if shutil.which(first):
            found |= {f"{first} -P{number}": shell(program, number) for number in (1, 2)}
    return found


def measure(root: Path, rounds: int, cold: bool) -> dict[str, list[float]]:
    """Seconds of each turn of each contestant."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants()}
    for number in range(rounds):
        order = list(contestants().items())
        random.Random(number).shuffle(order)
        for name, run in order:
            if cold:
                forget(root)
            started = time.perf_counter()
            run(root)
            seconds[name].append(time.perf_counter() - started)
            print(f"round {number + 1}, {name}: {seconds[name][-1]:.1f} s", flush=True)
    return seconds


def main() -> None:
    """Make, measure, print, clean up."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bags", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to make them, instead of the usual")
    parser.add_argument("--cold", action="store_true", help="drop files from memory before turns")
    parser.add_argument("--json", type=Path, help="where to write figures and circumstances")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heritage-reaudit-", dir=given.folder) as folder:
        files, size = make(Path(folder), given.bags)
        print(f"{given.bags:,} bags, {files:,} files, {size / 1e9:.2f} GB", flush=True)
        if not given.cold:
            ours(Path(folder))  # so that nobody's first turn pays for bringing the files to memory
        seconds = measure(Path(folder), given.rounds, given.cold)
    median = {name: statistics.median(those) for name, those in seconds.items()}
    print("\n| | s | MB/s | bags/s | files/s | times as fast as reaudit |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, took in median.items():
        speeds = f"{size / 1e6 / took:,.0f} | {given.bags / took:,.0f} | {files / took:,.0f}"
        print(f"| {name} | {took:.1f} | {speeds} | {median['reaudit'] / took:.2f} |")
    if given.json is not None:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
        record = {
            "heritage": heritage.__version__,
            "commit": commit.stdout.strip(),
            "machine": {"cpus": os.cpu_count(), "machine": platform.machine(),
                        "python": platform.python_version(), "load": os.getloadavg()},
            "bags": given.bags, "files": files, "bytes": size, "cold": given.cold,
            "seconds": seconds,
        }  # fmt: skip
        given.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
