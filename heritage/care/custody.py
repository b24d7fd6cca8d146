"""The door to the catalogue for whoever looks after the holdings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from db import holdings, leases, queries
from db.holdings import Holding, Made
from db.leases import Busy, Lease, Spent, Taken
from db.settling import settle
from db.vocabulary import Part, Soundness
from heritage.archive.bags.manifests import PROOF
from heritage.catalogue import Catalogue
from heritage.restore.provenance import file_names
from heritage.settings import Settings


@dataclass(frozen=True)
class Check:
    """What was found of one file.

    Attributes:
        holding: The file.
        found: Its state.
        seen: Its size and time of change where it is sound.
        detail: What was found, in one sentence.
    """

    holding: Holding
    found: Soundness
    seen: tuple[int, int] | None
    detail: str


def open_custody(settings: Settings) -> Custody:
    """Open the catalogue for looking after the holdings; to be closed.

    Raises:
        CatalogueRefused: If it cannot be opened.
    """
    return Custody(settings.database_url, settings.operator)


class Custody(Catalogue):
    """An open catalogue that also knows the files it must account for, and who works on what."""

    def now(self) -> datetime:
        """What time it is."""
        return self._clock()

    def unrestored(
        self, folder: str = "", search: str = "", again: bool = False, limit: int = 1000
    ) -> list[Path]:
        """Masters that are still to be restored, in the order they came.

        Those in which nothing was to be filled, and those that are set aside, have been dealt with.

        Args:
            folder: Only those in and below it; empty: all.
            search: Part of an accession number, title, maker or path.
            again: Those that have been dealt with as well.
            limit: At most so many.
        """
        with self._reading() as session:
            found = queries.unrestored(session, folder, search, again, limit)
            return [Path(path) for path in found]

    def list_holdings(self) -> int:
        """Bring the list of files up to date; how many files there are."""
        with self._writing() as session:
            holdings.list_masters(session)
            for made in (*holdings.unlisted(session), *holdings.unlisted_signed(session)):
                holdings.list_files(session, made, _paths(made))
            for made in holdings.unlisted_packages(session):
                holdings.list_files(session, made, {Part.PACKAGE: f"{made.output}/{PROOF}"})
        with self._reading() as session:
            return holdings.amount(session)

    def due(self, count: int, before: datetime) -> list[Holding]:
        """The files that were not looked at for the longest time, and not since ``before``."""
        with self._reading() as session:
            return holdings.due(session, count, before)

    def troubled(self, limit: int = 100) -> list[Holding]:
        """The files that are not as they must be, latest first."""
        with self._reading() as session:
            return holdings.troubled(session, limit)

    def record_checks(self, checks: Iterable[Check]) -> list[Check]:
        """Record what was found; returns those that are newly wrong."""
        with self._writing() as session:
            return [
                one
                for one in checks
                if holdings.record_check(
                    session, one.holding.id, one.found, one.seen, one.detail, self._origin()
                )
            ]

    def record_audit(self, detail: dict[str, Any], sound: bool) -> None:
        """Record that an audit has ended."""
        with self._writing() as session:
            holdings.record_audit(session, detail, sound, self._origin())

    def take(
        self,
        about: str,
        holder: str,
        length: timedelta,
        tries: int | None = None,
        is_gone: Callable[[str], bool] = lambda holder: False,
    ) -> Taken | Busy | Spent:
        """Take something up, unless somebody is at it or it was tried in vain so often."""
        with self._writing() as session:
            return leases.take(session, about, holder, self._clock(), length, tries, is_gone)

    def held(self, abouts: Iterable[str]) -> set[str]:
        """Which of these somebody is at work on and has been heard of."""
        with self._reading() as session:
            return leases.held(session, abouts, self._clock())

    def abandoned(self, abouts: Iterable[str], is_gone: Callable[[str], bool]) -> set[str]:
        """Which of these somebody took up, did not give back, and is not heard of any more."""
        with self._reading() as session:
            return leases.abandoned(session, abouts, self._clock(), is_gone)

    def forget_leases(self, beginning: str, before: datetime) -> None:
        """Remove leases on what never comes again, once they are given back or long over."""
        with self._writing() as session:
            leases.forget(session, beginning, before)

    def settle_leases(self, is_gone: Callable[[str], bool]) -> list[str]:
        """Give back leases whose work is done and whose holders died before they could."""
        with self._writing() as session:
            return settle(session, self._clock(), is_gone)

    def renew(self, taken: Taken, length: timedelta) -> bool:
        """Say that one is still at it; whether one still has it."""
        with self._writing() as session:
            return leases.renew(session, taken, self._clock(), length)

    def holds(self, taken: Taken) -> bool:
        """Whether nobody else has taken it up since."""
        with self._reading() as session:
            return leases.holds(session, taken)

    def give_back(self, taken: Taken, fault: str | None = None, counts: bool = True) -> None:
        """Let others have it; with why it was in vain, if it was, and whether that counts."""
        with self._writing() as session:
            leases.give_back(session, taken, fault, counts)

    def reopen(self, about: str, why: str) -> None:
        """Say that something is to be taken up as if nobody had, because it is new again."""
        with self._writing() as session:
            leases.reopen(session, about, why)

    def spent(self, tries: int) -> list[Lease]:
        """What was taken up in vain so often."""
        with self._reading() as session:
            return leases.spent(session, tries)


def _paths(made: Made) -> dict[Part, str]:
    """Where the files of a restoration lie, by the name of its folder."""
    folder = made.output.rstrip("/")
    names = file_names(folder.rpartition("/")[2])
    return {
        part: f"{folder}/{names['restored' if part is Part.SIGNED else part.value]}"
        for part in made.digests
    }
