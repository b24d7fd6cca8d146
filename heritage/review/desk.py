"""The catalogue as the review room uses it: people who come in, look, decide and sign."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

import db
from db import browse, decisions, packages, people, queries
from db.accounts import Account
from db.browse import Card, Filters, MasterCard
from db.decisions import Choice, Decided, Frozen
from db.events import Event
from db.numbers import Numbers, numbers
from db.objects import Master
from db.restorations import Region, Restoration
from db.reviews import SignOff
from db.vocabulary import AgentKind, Role, Statement, Status
from heritage.accession import plain
from heritage.catalogue import Catalogue
from heritage.history import History
from heritage.logs import say
from heritage.review.errors import DecisionRefused, DecisionsFrozen, LoginRefused, NotThere
from heritage.review.passwords import hash_password, is_password
from heritage.settings import Settings

Found = TypeVar("Found")

SEEN_EVERY = timedelta(minutes=1)
"""How often it is noted that somebody is still there."""


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in.

    Args:
        id: The account's number.
        name: To log in with.
        full_name: As decisions name the person.
        role: What the person may do.
    """

    id: int
    name: str
    full_name: str
    role: Role

    @property
    def agent(self) -> db.Agent:
        """As events name the person."""
        return db.Agent(self.full_name, AgentKind.PERSON)


@dataclass(frozen=True)
class Stay:
    """How long one stays logged in.

    Args:
        whole: At most.
        idle: Without doing anything.
    """

    whole: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=2)


def open_desk(settings: Settings) -> Desk:
    """Open the catalogue that the settings name, for review."""
    return Desk(settings.database_url, settings.operator)


class Desk(Catalogue):
    """An open catalogue for the review room; safe to use from several threads."""

    stay = Stay()

    def now(self) -> datetime:
        """What time it is here."""
        return self._clock()

    # ---- who comes in

    def log_in(self, name: str, password: str) -> tuple[Person, str]:
        """Check a password and begin a visit; the token is what the browser is to hold.

        Raises:
            LoginRefused: Without saying which of the two was wrong.
        """
        with self._reading() as session:
            account = people.find_account(session, plain(name))
        right = is_password(password, None if account is None else account.password)
        if account is None or not right or not account.active:
            raise LoginRefused("this name and password do not go together")
        return self._begin_visit(account)

    def let_in(self, subject: str, name: str, full_name: str, role: Role) -> tuple[Person, str]:
        """Begin a visit of somebody whom the house's directory or proxy vouches for.

        Whoever comes for the first time gets an account with ``role``; what an administrator says
        of it afterwards stands.

        Raises:
            LoginRefused: If the account is closed, or the name is somebody else's.
        """
        with self._writing() as session:
            account = people.find_subject(session, subject)
            if account is None:
                origin = self._origin()
                with _refusals():
                    account = people.add_account(
                        session, plain(name), plain(full_name), role, origin, subject=subject
                    )
        if not account.active:
            raise LoginRefused("this account is closed")
        return self._begin_visit(account)

    def _begin_visit(self, account: Account) -> tuple[Person, str]:
        token = secrets.token_urlsafe(32)
        with self._writing() as session:
            now = self._clock()
            people.begin_visit(session, account.id, _digest(token), now, self.stay.whole)
        return _person(account), token

    def person_of(self, token: str) -> Person | None:
        """Who holds a token; None if it is no longer good."""
        now = self._clock()
        with self._reading() as session:
            visit = people.find_visit(session, _digest(token), now, self.stay.idle)
            if visit is None:
                return None
            person, seen = _person(visit.account), visit.seen_at
        if now - seen > SEEN_EVERY:
            with self._writing() as session:
                people.see_visit(session, _digest(token), now)
        return person

    def log_out(self, token: str) -> None:
        """End a visit."""
        with self._writing() as session:
            people.end_visit(session, _digest(token))

    # ---- accounts

    def accounts(self) -> Sequence[Account]:
        """All accounts by name."""
        with self._reading() as session:
            return people.accounts(session)

    def add_account(
        self, by: Person | None, name: str, full_name: str, role: Role, password: str
    ) -> Account:
        """Make an account with a password; ``by`` is None on the command line.

        Raises:
            BadSetting: If the password is none.
            DecisionRefused: If the name is taken or empty.
        """
        name, full_name = plain(name).strip(), " ".join(plain(full_name).split())
        if not name or not full_name or len(name) > 255 or len(full_name) > 255:
            raise DecisionRefused("an account has a name and a full name of at most 255 letters")
        encoded = hash_password(password)
        with self._deciding(by) as (session, origin):
            return people.add_account(session, name, full_name, role, origin, encoded)

    def change_account(
        self,
        by: Person | None,
        name: str,
        *,
        role: Role | None = None,
        active: bool | None = None,
        password: str | None = None,
    ) -> None:
        """Change an account and log its person out.

        Raises:
            NotThere: If there is none of that name.
            DecisionRefused: If nobody would be left to administer.
        """
        encoded = None if password is None else hash_password(password)
        with self._deciding(by) as (session, origin):
            account = people.find_account(session, plain(name))
            if account is None:
                raise NotThere(f"there is no account {name!r}")
            people.change_account(
                session, account.id, origin, role=role, active=active, password=encoded
            )

    # ---- looking

    def cards(
        self,
        filters: Filters,
        riskiest: bool = False,
        limit: int = 50,
        after: tuple[float, int] | None = None,
    ) -> list[Card]:
        """Restorations that match, riskiest or newest first; see ``db.browse``."""
        with self._reading() as session:
            return browse.restorations(
                session, filters, riskiest=riskiest, limit=limit, after=after
            )

    def worklist(
        self, filters: Filters, limit: int = 50, after: tuple[float, int] | None = None
    ) -> list[Card]:
        """What waits for review, riskiest first."""
        waiting = Filters(**(vars(filters) | {"status": Status.AWAITING_REVIEW}))
        return self.cards(waiting, True, limit, after)

    def master_cards(
        self, filters: Filters, limit: int = 50, after: tuple[str, int] | None = None
    ) -> list[MasterCard]:
        """Masters that match, by accession number."""
        with self._reading() as session:
            return browse.masters(session, filters, limit=limit, after=after)

    def card(self, identifier: str) -> Card:
        """One restoration as lists show it.

        Raises:
            NotThere: If there is none.
        """
        with self._reading() as session:
            return _there(browse.restoration(session, identifier), identifier)

    def restoration(self, identifier: str) -> tuple[Restoration, SignOff | None]:
        """A restoration with its master, artefact, mask and model, and its sign-off.

        Raises:
            NotThere: If there is none.
        """
        with self._reading() as session:
            row = _there(browse.full_restoration(session, identifier), identifier)
            return row, browse.sign_off_of(session, row.id)

    def alternatives(self, identifier: str) -> list[Restoration]:
        """Other restorations of the same master whose files are there, newest first."""
        with self._reading() as session:
            return browse.alternatives(session, _number(session, identifier))

    def master(self, sha256: str) -> Master:
        """A master with its artefact.

        Raises:
            NotThere: If it is not on record.
        """
        with self._reading() as session:
            return _there(browse.master(session, sha256), sha256)

    def regions(self, identifier: str) -> list[Region]:
        """All regions of a restoration by number."""
        with self._reading() as session:
            row = _there(browse.full_restoration(session, identifier), identifier)
            return list(queries.regions_of(session, row.id))

    def taken_back(self, identifier: str) -> frozenset[int]:
        """Numbers of the regions whose fill does not stay."""
        with self._reading() as session:
            row = _there(browse.full_restoration(session, identifier), identifier)
            return frozenset(browse.taken_back(session, row.id))

    def story(self, sha256: str) -> History:
        """All that happened to the master with this hash."""
        with self._reading() as session:
            return History.of(session, sha256, sha256)

    def reviewers(self) -> list[str]:
        """Everybody who ever decided on a region."""
        with self._reading() as session:
            return browse.reviewers(session)

    def numbers(self, weeks: int = 12) -> Numbers:
        """How review goes, with the last weeks, this one included."""
        now = self._clock()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        monday = today - timedelta(days=now.weekday())
        bounds = [monday - timedelta(weeks=weeks - 1 - n) for n in range(weeks + 1)]
        with self._reading() as session:
            return numbers(session, bounds)

    # ---- deciding

    def decide(self, by: Person, identifier: str, choices: Sequence[Choice]) -> Decided:
        """Decide on regions; what somebody else changed meanwhile comes back as refused.

        Raises:
            NotThere: If there is no such restoration.
            DecisionsFrozen: If nothing about it changes any more.
            DecisionRefused: If it has no such region.
        """
        with self._deciding(by) as (session, origin):
            return decisions.decide(session, _number(session, identifier), choices, origin)

    def undo(self, by: Person, identifier: str) -> Decided | None:
        """Take back the person's last decision that still stands; None if there is none."""
        with self._deciding(by) as (session, origin):
            return decisions.undo(session, _number(session, identifier), origin)

    def hand_in(self, by: Person, identifier: str, statement: Statement, remark: str) -> None:
        """Say that all is decided and what the picture shows; the decisions are frozen."""
        with self._deciding(by) as (session, origin):
            number = _number(session, identifier)
            decisions.hand_in(session, number, statement, plain(remark).strip(), origin)

    def approve(self, by: Person, identifier: str, two_people: bool) -> None:
        """Sign what was handed in."""
        with self._deciding(by) as (session, origin):
            decisions.approve(session, _number(session, identifier), two_people, origin)
        say("restoration.signed_off", restoration=identifier, person=by.full_name)

    def send_back(self, by: Person, identifier: str, reason: str) -> None:
        """Give what was handed in back to the reviewers."""
        with self._deciding(by) as (session, origin):
            decisions.send_back(session, _number(session, identifier), _why(reason), origin)

    def reject(self, by: Person, identifier: str, reason: str) -> None:
        """Reject a restoration as a whole."""
        with self._deciding(by) as (session, origin):
            decisions.reject(session, _number(session, identifier), _why(reason), origin)
        say("restoration.rejected", restoration=identifier, person=by.full_name)

    def record_composed(self, identifier: str, folder: str, sha256: str) -> None:
        """Record the files that the decisions of a signed restoration became."""
        with self._deciding(None) as (session, origin):
            number = _number(session, identifier)
            decisions.record_composed(session, number, folder, sha256, origin)
        say("restoration.composed", restoration=identifier, folder=folder)

    def unpublished(self) -> list[str]:
        """Restorations that are signed and of which the archive has no package yet."""
        with self._reading() as session:
            return packages.waiting(session)

    def package(self, identifier: str) -> packages.Packed | None:
        """The package of a restoration; None as long as there is none."""
        with self._reading() as session:
            return packages.of(session, _number(session, identifier))

    def record_package(self, identifier: str, folder: str, sha256: str) -> None:
        """Record the package of a signed restoration, which is published by that."""
        with self._deciding(None) as (session, origin):
            packed = packages.Packed(folder, sha256)
            packages.record(session, _number(session, identifier), packed, origin)
        say("restoration.published", restoration=identifier, folder=folder)

    def events(self, sha256: str) -> list[Event]:
        """What the record says of a master, line by line, as it is hashed."""
        with self._reading() as session:
            return queries.record_of(session, sha256)

    @contextmanager
    def _deciding(self, by: Person | None) -> Iterator[tuple[Session, db.Origin]]:
        with self._writing() as session, _refusals():
            origin = self._origin() if by is None else db.Origin(by.agent, self._clock())
            yield session, origin


@contextmanager
def _refusals() -> Iterator[None]:
    """Say what the catalogue refuses in words for the person who asked."""
    try:
        yield
    except Frozen as error:
        raise DecisionsFrozen(f"this restoration {error}") from None
    except db.Contradiction as error:
        raise DecisionRefused(str(error)) from None


def _person(account: Account) -> Person:
    return Person(account.id, account.name, account.full_name, account.role)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _number(session: Session, identifier: str) -> int:
    return _there(browse.full_restoration(session, identifier), identifier).id


def _there(found: Found | None, name: str) -> Found:
    if found is None:
        raise NotThere(f"nothing is on record as {name}")
    return found


def _why(reason: str) -> str:
    reason = plain(reason).strip()
    if not reason:
        raise DecisionRefused("say why: those who continue need the reason")
    return reason
