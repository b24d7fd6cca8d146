"""Whether this site can work: asked by Prometheus, Kubernetes, a load balancer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import CatalogueError, Database
from db.engine import SQLITE
from db.upgrade import head, revision_of
from heritage.errors import CatalogueRefused
from heritage.settings import Settings, mask_password


def why_not_ready(settings: Settings) -> str | None:
    """Why no work can be done here, in one line; ``None`` if it can."""
    try:
        with looking_on(settings):
            return _workspace(settings.home)
    except CatalogueRefused as error:
        return error.reason


@contextmanager
def looking_on(settings: Settings) -> Iterator[Session]:
    """The catalogue for somebody who only looks: one that is missing or old stays as it is.

    Raises:
        CatalogueRefused: If it does not answer, is not there, or is at another revision.
    """
    place = mask_password(settings.database_url)
    try:
        _require_file(settings.database_url)
        with closing(Database(settings.database_url)) as database, database.reading() as session:
            _require_revision(session)
            yield session
    except (CatalogueError, SQLAlchemyError, OSError) as error:
        said = str(getattr(error, "orig", None) or error)
        raise CatalogueRefused(f"catalogue {place}: {mask_password(said)}") from None


def _require_file(url: str) -> None:
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).is_file():
        raise CatalogueError("is not there yet; the first restoration makes it")


def _require_revision(session: Session) -> None:
    found = revision_of(session.connection())
    if found != head():
        raise CatalogueError(f"is at revision {found}, this program works with {head()}")


def _workspace(home: Path) -> str | None:
    """Whether files can be written: a full disk says so here first."""
    try:
        with tempfile.TemporaryFile(dir=home) as trial:
            trial.write(b"heritage")
            trial.flush()
    except OSError as error:
        return f"the workspace {home} cannot be written: {error.strerror or error}"
    return None
