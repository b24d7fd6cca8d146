"""Votes of people in blind comparisons, which stay as they were cast."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IS_HASH = "length({0}) = 64 AND trim({0}, '0123456789abcdef') = ''"
ANSWERS = ("left", "right", "no difference", "both unacceptable")
ROLES = ("conservator", "curator", "photographer", "other", "unstated")

FOLLOWS = "NEW.sequence {differs} (SELECT coalesce(max(sequence), 0) + 1 FROM vote)"
TWICE = """
    EXISTS (
      SELECT 1 FROM vote
      WHERE evaluation_sha256 = NEW.evaluation_sha256 AND voter = NEW.voter
        AND family = NEW.family AND picture = NEW.picture
        AND ((left_model = NEW.left_model AND right_model = NEW.right_model
              AND coalesce(left_weights_sha256, '') = coalesce(NEW.left_weights_sha256, '')
              AND coalesce(right_weights_sha256, '') = coalesce(NEW.right_weights_sha256, ''))
          OR (left_model = NEW.right_model AND right_model = NEW.left_model
              AND coalesce(left_weights_sha256, '') = coalesce(NEW.right_weights_sha256, '')
              AND coalesce(right_weights_sha256, '') = coalesce(NEW.left_weights_sha256, ''))))
"""

# INSERT OR REPLACE removes a row without firing DELETE triggers; it would need an existing number,
# which vote_in_order refuses.
SQLITE_UP = (
    """
    CREATE TRIGGER vote_is_never_changed BEFORE UPDATE ON vote
    BEGIN SELECT RAISE(ABORT, 'votes are never changed'); END
    """,
    """
    CREATE TRIGGER vote_is_never_removed BEFORE DELETE ON vote
    BEGIN SELECT RAISE(ABORT, 'votes are never removed'); END
    """,
    f"""
    CREATE TRIGGER vote_in_order BEFORE INSERT ON vote
    WHEN {FOLLOWS.format(differs="IS NOT")}
    BEGIN SELECT RAISE(ABORT, 'a vote follows the last one'); END
    """,
    f"""
    CREATE TRIGGER vote_once BEFORE INSERT ON vote WHEN {TWICE}
    BEGIN SELECT RAISE(ABORT, 'a person judges a pair once'); END
    """,
)

POSTGRESQL_UP = (
    """
    CREATE FUNCTION vote_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'votes are never changed or removed'; END $$
    """,
    """
    CREATE TRIGGER vote_is_never_changed BEFORE UPDATE OR DELETE ON vote
    FOR EACH ROW EXECUTE FUNCTION vote_stays()
    """,
    """
    CREATE TRIGGER vote_is_never_removed BEFORE TRUNCATE ON vote
    FOR EACH STATEMENT EXECUTE FUNCTION vote_stays()
    """,
    f"""
    CREATE FUNCTION vote_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF {FOLLOWS.format(differs="<>")} THEN
        RAISE EXCEPTION 'a vote follows the last one';
      END IF;
      IF {TWICE} THEN
        RAISE EXCEPTION 'a person judges a pair once';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER vote_in_order BEFORE INSERT ON vote
    FOR EACH ROW EXECUTE FUNCTION vote_follows()
    """,
)


def upgrade() -> None:
    op.create_table(
        "vote",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        digest("evaluation_sha256"),
        name("voter"),
        words("voter_role", "is_voterrole", *ROLES),
        name("family"),
        name("picture"),
        name("left_model"),
        digest("left_weights_sha256", null=True),
        name("right_model"),
        digest("right_weights_sha256", null=True),
        words("answer", "is_answer", *ANSWERS),
        sa.Column("seconds", sa.Double, nullable=False),
        *[
            condition(f"{column}_is_hash", IS_HASH.format(column))
            for column in ("evaluation_sha256", "left_weights_sha256", "right_weights_sha256")
        ],
        condition("sequence_from_one", "sequence >= 1"),
        condition("has_voter", "length(voter) > 0"),
        condition("has_place", "length(family) > 0 AND length(picture) > 0"),
        condition("has_models", "length(left_model) > 0 AND length(right_model) > 0"),
        condition(
            "two_contenders",
            "left_model <> right_model"
            " OR coalesce(left_weights_sha256, '') <> coalesce(right_weights_sha256, '')",
        ),
        condition("time_passes", "seconds >= 0"),
    )
    columns = ["evaluation_sha256", "voter"]
    op.create_index("ix_vote_evaluation_sha256_voter", "vote", columns)
    for statement in POSTGRESQL_UP if _on_postgresql() else SQLITE_UP:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("vote")
    if _on_postgresql():
        op.execute("DROP FUNCTION vote_follows")
        op.execute("DROP FUNCTION vote_stays")


def digest(column: str, null: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.String(64), nullable=null)


def name(column: str) -> sa.Column[str]:
    return sa.Column(column, sa.String(255), nullable=False)


def words(column: str, label: str, *values: str) -> sa.Column[str]:
    kind = sa.Enum(*values, name=label, native_enum=False, create_constraint=True, length=32)
    return sa.Column(column, kind, nullable=False)


def condition(label: str, text: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(text, name=op.f(f"ck_vote_{label}"))


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
