"""The catalogue: whether it answers, its revision, its clock, and what it says is amiss."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from db import CatalogueError, Database, holdings, leases
from db.engine import SQLITE
from db.measures import Counts, counts
from db.restorations import Restoration
from db.upgrade import head, revision_of, revisions
from db.vocabulary import OPEN, Status
from heritage.care.checks.clock import Clock, compare, now
from heritage.care.checks.findings import PATIENCE, Finding, notice, some, sound, wrong
from heritage.care.housekeeping import newest_backup
from heritage.care.leases import TRIES
from heritage.remote.address import is_remote
from heritage.settings import Settings, mask_password

NONE_YET = "none yet; the first restoration makes it"

OVERDUE = timedelta(days=2)
"""What is to happen every day has then been missed, not only delayed."""


@dataclass(frozen=True)
class Entry:
    """What there is of something, and how it is meant to come about."""

    about: str
    last: datetime | None
    schedule: str
    flow: str


def check_catalogue(settings: Settings, clock: Clock = now) -> list[Finding]:
    """Look at the catalogue; one that is missing is not made, an old one not upgraded.

    Args:
        settings: Of the site.
        clock: What time it is here.
    """
    try:
        if not _is_there(settings.database_url):
            return [sound("catalogue", NONE_YET)]
        with _looking(settings.database_url) as session:
            return _look(session, settings, clock)
    except (CatalogueError, SQLAlchemyError, ArgumentError, OSError) as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        place = mask_password(settings.database_url)
        return [
            wrong(
                "catalogue", f"{place} does not answer: {mask_password(said)}",
                "start the database, or put HERITAGE_DATABASE_URL right",
            )
        ]  # fmt: skip


def begun_in(settings: Settings) -> list[Path]:
    """Folders on this machine that are to receive restorations which are not finished."""
    begun = select(Restoration.output).where(Restoration.status.in_((*OPEN, Status.FAILED)))
    try:
        if not _is_there(settings.database_url):
            return []
        with _looking(settings.database_url) as session:
            if revision_of(session.connection()) != head():
                return []
            outputs = session.scalars(begun.distinct()).all()
    except (CatalogueError, SQLAlchemyError, ArgumentError, OSError):
        return []  # check_catalogue says so
    return sorted({Path(output).parent for output in outputs if not is_remote(output)})


def _is_there(url: str) -> bool:
    """Whether there is a file, or a server that answers in time.

    Raises:
        OSError: If no server does.
    """
    if url.startswith(SQLITE):
        return Path(url.removeprefix(SQLITE)).exists()
    parsed = make_url(url)
    host = parsed.query.get("host") or parsed.host
    if isinstance(host, str) and host and not host.startswith("/"):
        # The driver itself would wait longer.
        socket.create_connection((host, parsed.port or 5432), PATIENCE).close()
    return True


@contextmanager
def _looking(url: str) -> Iterator[Session]:
    with closing(Database(url)) as database, database.reading() as session:
        yield session


def _look(session: Session, settings: Settings, clock: Clock) -> list[Finding]:
    revision = revision_of(session.connection())
    if revision != head():
        return [_other(revision), *_clock(session, clock)]
    found = counts(session, clock(), TRIES)
    newest = newest_backup(settings)
    backed_up = None if newest is None else datetime.fromtimestamp(newest, clock().tzinfo)
    return [
        sound("catalogue", f"revision {revision}, {found.masters} masters"),
        *_clock(session, clock),
        *_unsound(session),
        *_set_aside(session),
        *_ages(found, settings, backed_up, clock()),
    ]


def _other(revision: str | None) -> Finding:
    """What a revision that is not this program's means."""
    if revision is None:
        return notice("catalogue", "the database is empty", "the first restoration fills it")
    if revision in revisions():
        return wrong(
            "catalogue",
            f"it is at revision {revision}, behind this program, which works with {head()}",
            "copy it, see that no older heritage uses it, then upgrade it: heritage catalogue",
        )
    return wrong(
        "catalogue",
        f"it is at revision {revision}, made by a newer heritage; this one knows {head()}",
        "install that version: pip install --upgrade heritage",
    )


def _clock(session: Session, clock: Clock) -> list[Finding]:
    """The database server's clock; a file has none of its own."""
    if session.get_bind().dialect.name != "postgresql":
        return []
    before = clock()
    theirs: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return [compare("the database server", before, theirs, clock())]


def _unsound(session: Session) -> list[Finding]:
    files = holdings.troubled(session)
    if not files:
        return []
    said = some([f"{file.path} ({file.state.value})" for file in files])
    return [
        wrong("files", f"not as they must be: {said}", "bring them back from a copy; audit-fixity")
    ]


def _set_aside(session: Session) -> list[Finding]:
    waiting = leases.spent(session, TRIES)
    if not waiting:
        return []
    said = some([f"{lease.about} ({lease.fault or 'no reason given'})" for lease in waiting])
    return [
        wrong(
            "set aside",
            f"tried {TRIES} times in vain: {said}",
            "look at it, then restore it by name: heritage restore FILE",
        )
    ]


def _ages(
    found: Counts, settings: Settings, backed_up: datetime | None, at: datetime
) -> list[Finding]:
    """Whether backups and audits still happen; an empty catalogue needs neither."""
    if not found.masters:
        return []
    entries = (
        Entry("backup", backed_up, settings.backup_schedule, "backup-catalogue"),
        Entry("audit", found.audited, settings.audit_schedule, "audit-fixity"),
    )
    return [_age(entry, at) for entry in entries if entry.schedule]


def _age(entry: Entry, at: datetime) -> Finding:
    do = f"run {entry.flow}, and see that `heritage serve` or a worker is running every day"
    if entry.last is None:
        return notice(entry.about, "there was none yet", do)
    days = (at - entry.last) / timedelta(days=1)
    found = f"the last one was {days:.1f} days ago"
    return (
        sound(entry.about, found) if at - entry.last <= OVERDUE else wrong(entry.about, found, do)
    )
