"""A copy of the whole catalogue in one file, taken while others use it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from db.engine import SQLITE
from db.errors import CatalogueUnreachable


def suffix(url: str) -> str:
    """What the name of a copy of this catalogue ends in."""
    return ".sqlite" if url.startswith(SQLITE) else ".pgdump"


def copy_catalogue(url: str, target: Path) -> None:
    """Write a copy of a catalogue, as it stands at one moment.

    SQLite's is a catalogue that can be opened; PostgreSQL's is one for ``pg_restore``.

    Args:
        url: The catalogue.
        target: A file that is not there yet.

    Raises:
        CatalogueUnreachable: If it cannot be read, or PostgreSQL's ``pg_dump`` is missing.
    """
    if url.startswith(SQLITE):
        _copy_sqlite(Path(url.removeprefix(SQLITE)), target)
    else:
        _dump_postgresql(url, target)


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        with closing(sqlite3.connect(target)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise CatalogueUnreachable(f"cannot be copied: {error}") from None
    if verdict != "ok":
        raise CatalogueUnreachable(f"its copy is not sound: {verdict}")
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _dump_postgresql(url: str, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise CatalogueUnreachable("a copy needs pg_dump: install PostgreSQL's client programs")
    parsed = make_url(url)
    command = [program, "--format=custom", f"--file={target}", f"--dbname={parsed.database}"]
    for option, value in (
        ("host", parsed.host or parsed.query.get("host")),
        ("port", parsed.port or parsed.query.get("port")),
        ("username", parsed.username),
    ):
        command += [f"--{option}={value}"] if value else []
    password = {"PGPASSWORD": parsed.password} if parsed.password else {}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
        command, env=os.environ | password, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise CatalogueUnreachable(f"cannot be copied: {said[-1]}")
