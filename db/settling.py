"""Leases that outlived their work: whoever held them died between recording it and giving back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.leases import RESTORE, Lease
from db.objects import Master
from db.queries import waiting


def settle(session: Session, at: datetime, is_gone: Callable[[str], bool]) -> list[str]:
    """Give back leases on masters that wait no more, where nobody is at them.

    Args:
        session: Of ``Database.writing``.
        at: Now.
        is_gone: Whether a holder is known to be no more.

    Returns:
        What they were about.
    """
    held = select(Lease).where(Lease.holder.is_not(None), Lease.about.startswith(RESTORE))
    settled = []
    for lease in session.scalars(held):
        assert lease.holder is not None
        assert lease.ends_at is not None
        if lease.ends_at > at and not is_gone(lease.holder):
            continue
        path = lease.about.removeprefix(RESTORE)
        if session.scalar(waiting(select(Master.id).where(Master.path == path)).limit(1)) is None:
            lease.holder = lease.ends_at = lease.fault = None
            lease.tries = 0
            settled.append(lease.about)
    return settled
