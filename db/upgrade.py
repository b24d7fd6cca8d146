"""Bringing a catalogue to the tables this program knows.

Opening a catalogue must cost next to nothing, so its revision is read with one SELECT and
compared with the names of the migration files; Alembic is imported only when there is work.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, String, column, func, inspect, select, table

from db.engine import Database
from db.errors import CatalogueTooNew

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "catalogue_version"
"""Where the revision stands; not Alembic's usual name, which other programs use as well."""


@cache
def revisions() -> tuple[str, ...]:
    """All revisions this program knows, oldest first: the numbers its migrations begin with."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def head() -> str:
    """The revision this program works with."""
    return revisions()[-1]


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; ``None`` for an empty one."""
    if not _has_version_table(connection):
        return None
    query = select(column("version_num", String)).select_from(table(VERSION_TABLE))
    return connection.scalar(query)


def _has_version_table(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":  # its inspector takes ten times as long
        return connection.scalar(select(func.to_regclass(VERSION_TABLE))) is not None
    return inspect(connection).has_table(VERSION_TABLE)


def migrate(database: Database, target: str = "head") -> None:
    """Upgrade to ``target`` unless already there; safe when several processes do it at once.

    Args:
        database: What to upgrade; an empty database becomes a catalogue.
        target: A revision, ``head`` or ``base`` (which removes the catalogue and all in it).

    Raises:
        CatalogueTooNew: If a newer version of the program has made it.
    """
    goal = head() if target == "head" else target
    with database.reading() as session:
        if _is_at(session.connection(), goal):
            return
    # The writer's lock is held from before the second look until all migrations are committed.
    with database.writing() as session:
        if not _is_at(session.connection(), goal):
            _run_alembic(session.connection(), goal)


def _is_at(connection: Connection, goal: str) -> bool:
    revision = revision_of(connection)
    if revision is not None and revision not in revisions():
        raise CatalogueTooNew(
            f"the catalogue was made by a newer version of heritage (its revision is {revision}, "
            f"the newest known here {head()}): install that version, or open another catalogue"
        )
    return revision == goal


def _run_alembic(connection: Connection, goal: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = revisions()
    current = revision_of(connection)
    backwards = goal == "base" or (current is not None and known.index(current) > known.index(goal))
    (command.downgrade if backwards else command.upgrade)(config, goal)
