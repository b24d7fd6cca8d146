"""What processes note down while they work, summed in one small SQLite file of the workspace.

Flow processes live for minutes, and whoever is to be asked for their counts is asked later. The
Prometheus client's own answer is one memory-mapped file per process: on a full disk its first write
is a bus error, which no ``except`` catches and which would end the restoration, and the files stay
when their processes are gone. So every fact is added to its sum at once, in a transaction of its
own: a process killed at any instant has added it or has not, nobody has to fold what is left, and a
reader sees one state. Nothing is synced, for a power cut may cost counts; a file that it broke is
begun anew, which Prometheus reads as a restart.

Counting never stands in the way of work: what cannot be written within ``PATIENCE`` is not counted.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from heritage.care.measures import SECONDS, Measure
from heritage.errors import HeritageError
from heritage.logs import say

FOLDER, FILE = "metrics", "work.sqlite"
PATIENCE = 1.0
"""Seconds to wait for another process that is writing."""

PRESENT = 300.0
"""Seconds for which a process counts as there after it was last heard of."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS sum (name TEXT, label TEXT, value REAL, PRIMARY KEY (name, label))",
    "CREATE TABLE IF NOT EXISTS process (name TEXT PRIMARY KEY, seen REAL)",
)
ADD = (
    "INSERT INTO sum VALUES (?, ?, ?)"
    " ON CONFLICT (name, label) DO UPDATE SET value = value + excluded.value"
)
PUT = "INSERT OR REPLACE INTO sum VALUES (?, ?, ?)"
SEEN = "INSERT OR REPLACE INTO process VALUES (?, ?)"
FORGET = "DELETE FROM process WHERE seen < ?"


@dataclass
class Note:
    """Some facts that are written together or not at all."""

    added: dict[tuple[str, str], float] = field(default_factory=dict)
    put: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, measure: Measure, amount: float = 1, label: str = "") -> Note:
        """Count ``amount`` more."""
        key = (measure.name, label)
        self.added[key] = self.added.get(key, 0.0) + amount
        return self

    def observe(self, measure: Measure, seconds: float, label: str) -> Note:
        """One more that took so long: its class, and the sum."""
        bound = next((str(bound) for bound in SECONDS if seconds <= bound), "+Inf")
        self.add(measure, label=json.dumps([label, bound]))
        return self.add(measure, seconds, json.dumps([label, "sum"]))

    def keep(self, measure: Measure, value: float, label: str) -> Note:
        """What it is now."""
        self.put[(measure.name, label)] = value
        return self


@dataclass(frozen=True)
class Sums:
    """All that was noted down.

    Attributes:
        values: By metric and label.
        processes: How many were heard of just now.
    """

    values: Mapping[tuple[str, str], float] = field(default_factory=dict)
    processes: int = 0

    def of(self, measure: Measure, label: str = "") -> float:
        """A sum; 0 where nothing was noted."""
        return self.values.get((measure.name, label), 0.0)

    def labels(self, measure: Measure) -> list[str]:
        """The labels under which something was noted."""
        return sorted(label for name, label in self.values if name == measure.name)

    def classes(self, measure: Measure, label: str) -> tuple[list[tuple[str, float]], float]:
        """How many took at most so long, by the bound; and the seconds of all."""
        below, amounts = 0.0, []
        for bound in (*map(str, SECONDS), "+Inf"):
            below += self.of(measure, json.dumps([label, bound]))
            amounts.append((bound, below))
        return amounts, self.of(measure, json.dumps([label, "sum"]))


class Tally:
    """The sums of one workspace.

    Args:
        home: The workspace.
        clock: Seconds since 1970.
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = home / FOLDER / FILE, clock

    def write(self, note: Note) -> bool:
        """Add what was noted; whether that was possible."""
        try:
            try:
                self._write(note)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:  # no database any more
                self._file.unlink(missing_ok=True)
                self._write(note)
        except (OSError, sqlite3.Error) as error:
            say("metrics.not_written", "warning", path=str(self._file), reason=str(error))
            return False
        return True

    def read(self) -> Sums:
        """All sums, as they were at one moment; none where nothing was noted yet.

        Raises:
            OSError: If the file cannot be read; or ``sqlite3.Error``.
        """
        if not self._file.exists():
            return Sums()
        with self._open("BEGIN") as base:
            if not base.execute("SELECT 1 FROM sqlite_master").fetchone():
                return Sums()
            rows = base.execute("SELECT name, label, value FROM sum").fetchall()
            since = self._clock() - PRESENT
            asked = base.execute("SELECT count(*) FROM process WHERE seen >= ?", (since,))
            present = int(asked.fetchone()[0])
        return Sums({(name, label): float(value) for name, label, value in rows}, present)

    def _write(self, note: Note) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        now = self._clock()
        with self._open() as base:
            for table in TABLES:
                base.execute(table)
            base.executemany(ADD, [(*key, value) for key, value in note.added.items()])
            base.executemany(PUT, [(*key, value) for key, value in note.put.items()])
            base.execute(SEEN, (_process(), now))
            base.execute(FORGET, (now - PRESENT,))

    @contextmanager
    def _open(self, beginning: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """One transaction; it is undone unless the block ends well."""
        with closing(sqlite3.connect(self._file, PATIENCE, isolation_level=None)) as base:
            base.execute("PRAGMA synchronous=OFF")
            base.execute(beginning)
            yield base
            base.execute("COMMIT")


def note_down(note: Note) -> None:
    """Add to the sums of this site's workspace, if that is possible."""
    variables = (os.environ.get(name) for name in ("HERITAGE_HOME", "HERITAGE_CONFIG"))
    try:
        home = _home(Path.cwd(), *variables)
    except (HeritageError, OSError):  # whoever works here says so
        return
    Tally(home).write(note)


@lru_cache(maxsize=8)
def _home(_here: Path, *_variables: str | None) -> Path:
    """The workspace; settings are read once for all that can decide where it is."""
    from heritage.settings import load_settings

    return load_settings().home


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
