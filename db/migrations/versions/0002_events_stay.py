"""Events stay: the database refuses to change or remove one, or to take one out of order.

Rules of the program protect against the program; triggers protect against everything else that
can open the database with ordinary rights. A later migration that rebuilds the table (as
Alembic's batch mode does on SQLite) loses its triggers and must create them again.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# INSERT OR REPLACE removes a row without firing DELETE triggers; it would need an existing number,
# which event_in_order refuses.
SQLITE_UP = (
    """
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END
    """,
    """
    CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never removed'); END
    """,
    """
    CREATE TRIGGER event_in_order BEFORE INSERT ON event
    WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM event)
      OR NEW.previous_hash IS NOT coalesce(
           (SELECT hash FROM event ORDER BY sequence DESC LIMIT 1),
           '0000000000000000000000000000000000000000000000000000000000000000')
    BEGIN SELECT RAISE(ABORT, 'an event follows the last one'); END
    """,
)
SQLITE_DOWN = (
    "DROP TRIGGER event_in_order",
    "DROP TRIGGER event_is_never_removed",
    "DROP TRIGGER event_is_never_changed",
)

POSTGRESQL_UP = (
    """
    CREATE FUNCTION event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'events are never changed or removed'; END $$
    """,
    """
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION event_stays()
    """,
    """
    CREATE TRIGGER event_is_never_removed BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_stays()
    """,
    """
    CREATE FUNCTION event_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last record;
    BEGIN
      SELECT sequence, hash INTO last FROM event ORDER BY sequence DESC LIMIT 1;
      IF NEW.sequence <> coalesce(last.sequence, 0) + 1
         OR NEW.previous_hash <> coalesce(last.hash,
           '0000000000000000000000000000000000000000000000000000000000000000') THEN
        RAISE EXCEPTION 'an event follows the last one';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER event_in_order BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION event_follows()
    """,
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER event_in_order ON event",
    "DROP TRIGGER event_is_never_removed ON event",
    "DROP TRIGGER event_is_never_changed ON event",
    "DROP FUNCTION event_follows",
    "DROP FUNCTION event_stays",
)


def upgrade() -> None:
    for statement in POSTGRESQL_UP if _on_postgresql() else SQLITE_UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in POSTGRESQL_DOWN if _on_postgresql() else SQLITE_DOWN:
        op.execute(statement)


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
