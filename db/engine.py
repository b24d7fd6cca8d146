"""Opening the database: SQLite or PostgreSQL, with the same promises.

* One writer at a time. A writing session holds the catalogue from its first statement to its
  commit, so that "look, then insert" needs no further thought and the chain of events cannot fork.
  Writing sessions are short: some rows, at most the regions of one restoration.
* Nothing acknowledged is lost. SQLite syncs its log at every commit (``synchronous=FULL``): in
  write-ahead mode the usual ``NORMAL`` keeps a database sound at a power cut but may forget the
  last commits, such as an approval that somebody has just given. We commit a few times per
  restoration; a sync each is nothing.
* Foreign keys hold.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from db.errors import CatalogueUnreachable

PATIENCE = 60
"""Seconds to wait for another writer before giving up."""

WRITER_LOCK = 0x6865726974616765
"""PostgreSQL's advisory lock that a writing session holds (the letters of "heritage")."""

SQLITE = "sqlite:///"

_WRITES = "catalogue_writes"


class Database:
    """A catalogue's database: sessions for reading and for writing.

    Safe to use from several threads. A process that is forked opens its own: connections do
    not survive a fork.
    """

    def __init__(self, url: str) -> None:
        self.engine = engine_for(url)
        self._writer = self.engine.execution_options(**{_WRITES: True})

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the catalogue, while others may write."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is alone in writing; commits at the end, undoes all on an exception."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.connection()
            yield session

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def engine_for(url: str) -> Engine:
    """Connect to ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    The folder of a SQLite file is made if missing. Everything after ``sqlite:///`` is the
    file's path as it stands, whatever characters it has.

    Raises:
        CatalogueUnreachable: If the address is of neither kind, or the driver is missing.
    """
    if url.startswith(SQLITE):
        return _sqlite(Path(url.removeprefix(SQLITE)))
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise CatalogueUnreachable("this is not the address of a database") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise CatalogueUnreachable("the catalogue lives in SQLite or PostgreSQL only")
    return _postgresql(parsed.set(drivername="postgresql+psycopg"))


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": PATIENCE}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Python's driver opens a transaction by itself, but only before INSERT, UPDATE and DELETE: a
    # SELECT runs outside it and DDL used to end it. Both would break "look, then insert" and a
    # migration's all-or-nothing. So it is told to keep out, and _begin_sqlite says BEGIN.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Readers go on while somebody writes. The file remembers, so it is asked for once.

    SQLite does not wait for its lock in this one statement, so two processes that open a new
    catalogue in the same moment have to take turns here.
    """
    deadline = time.monotonic() + PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError:
        raise CatalogueUnreachable(
            "PostgreSQL needs its driver: pip install 'heritage[postgresql]'"
        ) from None
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401
    """A writer that hangs must not hold up all others for ever."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{PATIENCE}s'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{2 * PATIENCE}s'")
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES, False):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER_LOCK})
