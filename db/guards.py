"""Whether the database still refuses to change its events.

The triggers are made by the migrations. Whoever owns the database can remove them, and so can a
careless migration; verifying the chain therefore asks for them.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

GUARDS = ("event_in_order", "event_is_never_changed", "event_is_never_removed")
"""Names of the triggers on the table of events."""

_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'"
_POSTGRESQL = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'event'::regclass AND tgenabled <> 'D'"


def missing_guards(session: Session) -> list[str]:
    """The triggers that should be there and are not, or are switched off."""
    on_postgresql = session.connection().dialect.name == "postgresql"
    present = set(session.scalars(text(_POSTGRESQL if on_postgresql else _SQLITE)))
    return [name for name in GUARDS if name not in present]
