"""Accounts and visits: made, changed, looked up. What changes an account is an event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from db.accounts import Account, Visit
from db.chain import Happening, append
from db.errors import Contradiction
from db.ingest import Origin
from db.vocabulary import EventType, Outcome, Role


def add_account(
    session: Session,
    name: str,
    full_name: str,
    role: Role,
    origin: Origin,
    password: str | None = None,
    subject: str | None = None,
) -> Account:
    """Make an account.

    Args:
        session: Of ``Database.writing``.
        name: The name to log in with; its case does not matter.
        full_name: As decisions and reports name the person.
        role: What the person may do.
        origin: Who makes it, and when.
        password: The encoded hash; None for one who comes through a directory or proxy.
        subject: Who the person is there.

    Raises:
        Contradiction: If the name is taken, in either sense: decisions go by the full name.
    """
    name = name.strip().lower()
    taken = select(Account.id).where((Account.name == name) | (Account.full_name == full_name))
    if session.scalar(taken) is not None:
        raise Contradiction(f"there is an account {name!r}, or one of {full_name!r}, already")
    row = Account(
        name=name,
        full_name=full_name,
        role=role,
        active=True,
        password=password,
        subject=subject,
        recorded_at=origin.at,
    )
    session.add(row)
    session.flush()
    _tell(session, {"account": name, "full name": full_name, "role": role.value}, origin)
    return row


def change_account(
    session: Session,
    account_id: int,
    origin: Origin,
    *,
    role: Role | None = None,
    active: bool | None = None,
    password: str | None = None,
) -> Account:
    """Change an account; whoever loses it, or gets another password, is logged out.

    Raises:
        Contradiction: If nobody would be left to administer.
    """
    row = session.get_one(Account, account_id)
    detail: dict[str, object] = {"account": row.name}
    if role is not None and role is not row.role:
        row.role, detail["role"] = role, role.value
    if active is not None and active is not row.active:
        row.active, detail["active"] = active, active
    if password is not None:
        row.password, detail["password"] = password, "changed"
    session.flush()
    heads = select(func.count()).where(Account.role == Role.ADMINISTRATOR, Account.active.is_(True))
    if session.scalar(heads) == 0:
        raise Contradiction("one active administrator has to stay")
    if len(detail) > 1:
        session.execute(delete(Visit).where(Visit.account_id == row.id))
        _tell(session, detail, origin)
    return row


def accounts(session: Session) -> Sequence[Account]:
    """All accounts by name."""
    return session.scalars(select(Account).order_by(Account.name)).all()


def find_account(session: Session, name: str) -> Account | None:
    """The account of a name to log in with."""
    return session.scalar(select(Account).where(Account.name == name.strip().lower()))


def find_subject(session: Session, subject: str) -> Account | None:
    """The account of somebody whom a directory or proxy vouches for."""
    return session.scalar(select(Account).where(Account.subject == subject))


def begin_visit(
    session: Session, account_id: int, token_sha256: str, at: datetime, lasts: timedelta
) -> None:
    """Log somebody in, and forget visits that are over."""
    session.execute(delete(Visit).where(Visit.ends_at <= at))
    visit = Visit(
        token_sha256=token_sha256,
        account_id=account_id,
        began_at=at,
        seen_at=at,
        ends_at=at + lasts,
    )
    session.add(visit)


def find_visit(session: Session, token_sha256: str, at: datetime, idle: timedelta) -> Visit | None:
    """A visit that is not over, of an account that is active.

    Args:
        session: Any session.
        token_sha256: Hash of what the browser holds.
        at: Now.
        idle: How long one may do nothing.
    """
    query = (
        select(Visit)
        .join(Account, Account.id == Visit.account_id)
        .where(
            Visit.token_sha256 == token_sha256,
            Visit.ends_at > at,
            Visit.seen_at > at - idle,
            Account.active.is_(True),
        )
        .options(joinedload(Visit.account))
    )
    return session.scalar(query)


def see_visit(session: Session, token_sha256: str, at: datetime) -> None:
    """Note that somebody is still there."""
    visit = session.get(Visit, token_sha256)
    if visit is not None:
        visit.seen_at = at


def end_visit(session: Session, token_sha256: str) -> None:
    """Log somebody out."""
    session.execute(delete(Visit).where(Visit.token_sha256 == token_sha256))


def _tell(session: Session, detail: dict[str, object], origin: Origin) -> None:
    happening = Happening(
        EventType.POLICY_ASSIGNMENT, Outcome.SUCCESS, origin.at, origin.agent, detail
    )
    append(session, happening)
