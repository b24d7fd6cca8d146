"""What is audited, file by file, and who works on what."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

IS_HASH = "length({0}) = 64 AND trim({0}, '0123456789abcdef') = ''"
STATES = ("unchecked", "sound", "missing", "unreadable", "rot", "replaced")
PARTS = ("master", "restored", "mask", "layer", "provenance", "signed")


def upgrade() -> None:
    op.create_table(
        "holding",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("master_sha256", sa.String(64), nullable=False),
        sa.Column("restoration", sa.String(36), nullable=False, server_default=""),
        words("part", "is_part", PARTS),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        words("state", "is_soundness", STATES),
        moment("since"),
        moment("checked_at"),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("modified_ns", sa.BigInteger),
        sa.UniqueConstraint(
            "master_sha256",
            "restoration",
            "part",
            name=op.f("uq_holding_master_sha256_restoration_part"),
        ),
        condition("holding", "master_sha256_is_hash", IS_HASH.format("master_sha256")),
        condition("holding", "sha256_is_hash", IS_HASH.format("sha256")),
        condition("holding", "checked_or_not", "(state = 'unchecked') = (checked_at IS NULL)"),
    )
    op.create_index("ix_holding_checked_at_id", "holding", ["checked_at", "id"])
    op.create_index("ix_holding_state", "holding", ["state"])
    op.create_table(
        "lease",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(255)),
        moment("ends_at"),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("fault", sa.Text),
        condition("lease", "subject_is_hash", IS_HASH.format("subject")),
        condition("lease", "held_until", "(holder IS NULL) = (ends_at IS NULL)"),
        condition("lease", "counted", "token >= 1 AND tries >= 0"),
    )
    op.create_index("ix_lease_tries", "lease", ["tries"])


def downgrade() -> None:
    op.drop_table("lease")
    op.drop_table("holding")


def words(column: str, label: str, values: tuple[str, ...]) -> sa.Column[str]:
    kind = sa.Enum(*values, name=label, native_enum=False, create_constraint=True, length=32)
    return sa.Column(column, kind, nullable=False)


def moment(column: str) -> sa.Column[datetime]:
    return sa.Column(column, sa.DateTime(timezone=True))


def condition(table: str, label: str, text: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(text, name=op.f(f"ck_{table}_{label}"))
