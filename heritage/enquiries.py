"""An open catalogue, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NoResultFound,
    OperationalError,
)
from sqlalchemy.orm import Session

import db
from db import queries
from db.queries import MasterLine, RefusalLine, RestorationLine, Totals
from heritage import __version__
from heritage.accession import place, plain
from heritage.closing import Closing
from heritage.errors import CatalogueInterrupted, CatalogueRefused
from heritage.history import History
from heritage.settings import mask_password

SOFTWARE = "heritage"


class Enquiries(Closing):
    """A catalogue that answers; a context manager, to be closed; safe to use from several threads.

    A process that is forked opens its own: connections do not survive a fork.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        operator: The person on whose behalf things are done.
        clock: What time it is, with time zone; by default the system's, in UTC.

    Raises:
        CatalogueRefused: If it cannot be reached or was made by a newer version.
    """

    def __init__(
        self, url: str, operator: str, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.url = mask_password(url)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._agent = db.Agent(SOFTWARE, version=__version__, on_behalf_of=plain(operator))
        with self._in_words():
            try:
                self._database = db.Database(url)
            except OSError as error:
                raise db.CatalogueUnreachable(f"cannot be opened: {error}") from None
            db.migrate(self._database)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def masters(self, search: str = "", limit: int = 100, offset: int = 0) -> list[MasterLine]:
        """Masters with the status of their restorations, by accession number.

        Args:
            search: Part of an accession number, title, maker or path, or how a SHA-256 begins.
            limit: At most so many.
            offset: After so many.
        """
        with self._reading() as session:
            return queries.masters(session, search, limit, offset)

    def restorations(
        self, status: str | None = None, search: str = "", limit: int = 100, offset: int = 0
    ) -> list[RestorationLine]:
        """Restorations, newest first, of all statuses or one."""
        with self._reading() as session:
            wanted = None if status is None else db.Status(status)
            return queries.restorations(session, wanted, search, limit, offset)

    def refusals(self, limit: int = 100, offset: int = 0) -> list[RefusalLine]:
        """Files that could not be restored, and still cannot, latest first."""
        with self._reading() as session:
            return queries.refusals(session, limit, offset)

    def totals(self) -> Totals:
        """How much there is of everything."""
        with self._reading() as session:
            return queries.totals(session)

    def history(self, name: Path | str) -> History:
        """All that happened to one master, in order.

        Args:
            name: Its path, accession number, or how its SHA-256 begins.

        Raises:
            CatalogueRefused: If no master, or more than one, is meant.
        """
        with self._reading() as session:
            return History.of(session, str(name), place(name))

    def verify_chain(self, until: tuple[int, str] | None = None) -> db.ChainReport:
        """Prove that no event was altered, removed or inserted.

        Args:
            until: Number and hash of an event as noted down elsewhere.
        """
        with self._reading() as session:
            return db.verify_chain(session, until)

    def chain_end(self) -> tuple[int, str]:
        """Number and hash of the last event: what to note down outside the catalogue."""
        with self._reading() as session:
            event = queries.last_event(session)
            return (0, db.GENESIS) if event is None else (event.sequence, event.hash)

    def _origin(self) -> db.Origin:
        return db.Origin(self._agent, self._clock())

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._in_words(), self._database.writing() as session:
            yield session

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._in_words(), self._database.reading() as session:
            yield session

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Say in one sentence what went wrong in the database."""
        try:
            yield
        except db.CatalogueError as error:
            raise CatalogueRefused(f"catalogue {self.url}: {error}") from None
        except NoResultFound:
            raise CatalogueRefused(f"catalogue {self.url}: no such entry") from None
        except IntegrityError as error:
            reason = f"refuses what contradicts its rules: {error.orig}"
            raise CatalogueRefused(f"catalogue {self.url} {reason}") from None
        except (InterfaceError, InternalError, OperationalError) as error:
            reason = f"cannot be used at the moment: {error.orig}"
            raise CatalogueInterrupted(f"catalogue {self.url} {reason}") from error
        except DBAPIError as error:
            raise CatalogueRefused(f"catalogue {self.url} cannot be used: {error.orig}") from None
