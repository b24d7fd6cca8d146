"""Check many bags again, as fast as the disk gives them.

The payload is read with SHA-256 alone, which processors compute faster than SHA-512; each of the
two finds any change. A bag in which something does not fit is read again with both, since only
two witnesses can say whether a file was changed or what is written about it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from heritage.archive.bags.checking import Inspection, inspect
from heritage.archive.bags.digests import ALGORITHMS, THREADS
from heritage.archive.bags.manifests import TAG_FILES
from heritage.archive.bags.paths import shown
from heritage.restore.storage import storage

_ROUTINE = ("sha256",)
_AHEAD = 4
"""Bags that wait for each thread; more would only fill memory."""


@dataclass(frozen=True)
class Reaudit:
    """What a walk through many bags found.

    Args:
        bags: Looked at.
        files: Read, those beside the payload included.
        bytes: Read.
        seconds: It took.
        findings: Sentences about each unsound bag, by its path below the folder; those about a
            bag that was expected and is not there included.
        strays: Files that belong to no bag, by their paths.
    """

    bags: int
    files: int
    bytes: int
    seconds: float
    findings: Mapping[str, tuple[str, ...]]
    strays: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether every bag is as it was made."""
        return not self.findings


def reaudit(
    root: Path,
    told: Callable[[str, Inspection], None] | None = None,
    threads: int = THREADS,
    expected: Iterable[str] = (),
) -> Reaudit:
    """Check every bag below a folder; folders whose names begin with a dot are passed over.

    Args:
        root: Holds bags, at any depth.
        told: Called after each bag with its path below ``root`` and what was found, in order, by
            the thread that called this.
        threads: Bags read at once, and large files beside them.
        expected: Paths of bags that must be there.

    Raises:
        StorageFailed: If ``root`` cannot be read.
    """
    started = time.perf_counter()
    findings: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    strays: list[str] = []
    files = size = 0
    with storage(root), ThreadPoolExecutor(threads) as bags, ThreadPoolExecutor(threads) as large:
        places = find_bags(root, strays)
        for place, found in _in_order(root, places, bags, large, _AHEAD * threads):
            seen.add(place)
            files += found.files
            size += found.bytes
            if found.findings:
                findings[place] = found.findings
            if told is not None:
                told(place, found)
    for place in sorted(set(expected) - seen):
        findings[place] = (f"{shown(place)}: the bag is not there",)
    seconds = time.perf_counter() - started
    return Reaudit(len(seen), files, size, seconds, findings, tuple(sorted(strays)))


def find_bags(root: Path, strays: list[str]) -> Iterator[str]:
    """Paths of bags below a folder, in order of names.

    A folder with any of a bag's own files is one, even if others of them are gone; so is one that
    cannot be read, since nobody can say that it is none.

    Args:
        root: Where to look.
        strays: Is given the paths of files outside bags.

    Raises:
        OSError: If ``root`` cannot be read.
    """
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            with os.scandir(f"{root}/{inside}") as entries:
                here = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError:
            if not inside:
                raise
            here = []
            yield inside.rstrip("/")
        if any(entry.name in TAG_FILES for entry in here):
            yield inside.rstrip("/") or "."
            continue
        for entry in here:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    waiting.append(f"{inside}{entry.name}/")
            else:
                strays.append(inside + entry.name)


def _in_order(
    root: Path, places: Iterator[str], bags: Executor, large: Executor, ahead: int
) -> Iterator[tuple[str, Inspection]]:
    """Inspect bags side by side, a few ahead, and give what was found as they come."""
    running: deque[tuple[str, Future[Inspection]]] = deque()
    for place in places:
        running.append((place, bags.submit(_inspect, root / place, large)))
        if len(running) > ahead:
            first, future = running.popleft()
            yield first, future.result()
    for first, future in running:
        yield first, future.result()


def _inspect(folder: Path, large: Executor) -> Inspection:
    found = inspect(folder, _ROUTINE, large)
    return inspect(folder, ALGORITHMS, large) if found.findings else found
