"""Writing the regions of a restoration: up to millions of rows, in the time they take to move.

The ORM spends more on each row than the database does. So rows go as plain tuples: to PostgreSQL
by COPY, to SQLite by one prepared statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy.orm import Session

from db.vocabulary import Decision

Row = tuple[int, int, int, int, int, int, float]
"""number, y0, x0, y1, x1, area, radius: Python's numbers, not numpy's."""

CHUNK = 10_000
"""Rows held in memory."""

_COLUMNS = "restoration_id, number, y0, x0, y1, x1, area, radius, decision"
_INSERT = f"INSERT INTO region ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_COPY = f"COPY region ({_COLUMNS}) FROM STDIN"


def write_regions(session: Session, restoration_id: int, rows: Iterable[Row]) -> int:
    """Write the regions of a restoration, all pending, and return how many they were.

    They are part of the session's transaction and meet the same conditions as any row.
    """
    complete = ((restoration_id, *row, Decision.PENDING.value) for row in rows)
    if session.connection().dialect.name == "postgresql":
        return _copy(session, complete)
    return _insert(session, complete)


def _insert(session: Session, rows: Iterator[tuple[object, ...]]) -> int:
    count = 0
    while chunk := list(islice(rows, CHUNK)):
        session.connection().exec_driver_sql(_INSERT, chunk)
        count += len(chunk)
    return count


def _copy(session: Session, rows: Iterator[tuple[object, ...]]) -> int:
    driver = session.connection().connection.driver_connection
    assert driver is not None
    count = 0
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
