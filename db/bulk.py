"""Writing the regions of a restoration: up to millions of rows, in the time they take to move.

The ORM spends more on each row than the database does. So rows go as plain tuples: to PostgreSQL
by COPY, to SQLite by one prepared statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy.orm import Session

from db.vocabulary import Decision

Row = tuple[int, int, int, int, int, int, float, str | None, float | None, str | None, bool]
"""number, y0, x0, y1, x1, area, radius, class, confidence, detector, beside what is protected."""

CHUNK = 10_000
"""Rows held in memory."""

UNSURE = 0.8
"""How sure a region is taken to be of which nobody said how sure it is."""

HALF_RISK = 32.0
"""Radius in pixels at which size alone is half the risk."""

_COLUMNS = (
    "restoration_id, number, y0, x0, y1, x1, area, radius, kind, confidence, detector,"
    " beside_protected, decision"
)
_INSERT = f"INSERT INTO region ({_COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608
_COPY = f"COPY region ({_COLUMNS}) FROM STDIN"


def risk(radius: float, confidence: float | None, beside_protected: bool = False) -> float:
    """How much a region needs to be looked at, 0..1: large holes and unsure ones first.

    Beside what is protected, half of what is missing to 1 is added.

    Args:
        radius: Of the largest circle in it, in pixels.
        confidence: That it is damage at all; None if nobody said.
        beside_protected: Whether it lies beside a protected area.
    """
    sure = UNSURE if confidence is None else confidence
    safe = sure * HALF_RISK / (radius + HALF_RISK)
    return 1 - safe / 2 if beside_protected else 1 - safe


@dataclass
class Summary:
    """What was written, as a restoration's row tells it."""

    count: int = 0
    risk: float = 0.0
    kinds: set[str] = field(default_factory=set)
    least_sure: float | None = None

    def add(self, row: Row) -> None:
        """Count one region in."""
        radius, kind, sure = row[6], row[7], row[8]
        self.count += 1
        self.risk = max(self.risk, risk(radius, sure, row[10]))
        if kind is not None:
            self.kinds.add(kind)
        if sure is not None:
            self.least_sure = sure if self.least_sure is None else min(self.least_sure, sure)


def write_regions(session: Session, restoration_id: int, rows: Iterable[Row]) -> Summary:
    """Write the regions of a restoration, all pending, and return what they are together.

    They are part of the session's transaction and meet the same conditions as any row.
    """
    summary = Summary()
    complete = _complete(restoration_id, rows, summary)
    if session.connection().dialect.name == "postgresql":
        _copy(session, complete)
    else:
        _insert(session, complete)
    return summary


def _complete(
    restoration_id: int, rows: Iterable[Row], summary: Summary
) -> Iterator[tuple[object, ...]]:
    for row in rows:
        summary.add(row)
        yield restoration_id, *row, Decision.PENDING.value


def _insert(session: Session, rows: Iterator[tuple[object, ...]]) -> None:
    while chunk := list(islice(rows, CHUNK)):
        session.connection().exec_driver_sql(_INSERT, chunk)


def _copy(session: Session, rows: Iterator[tuple[object, ...]]) -> None:
    driver = session.connection().connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)
