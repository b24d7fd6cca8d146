"""What the archive received, and that it is audited like everything else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IS_HASH = "length({0}) = 64 AND trim({0}, '0123456789abcdef') = ''"
STATES = ("unchecked", "sound", "missing", "unreadable", "rot", "replaced")
PARTS = ("master", "restored", "mask", "layer", "provenance", "signed")
COLUMNS = (
    "id, master_sha256, restoration, part, path, sha256, state, since, checked_at, bytes, "
    "modified_ns"
)


def upgrade() -> None:
    op.create_table(
        "package",
        sa.Column("restoration_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["restoration_id"], ["restoration.id"], name=op.f("fk_package_restoration_id")
        ),
        condition("package", "sha256_is_hash", IS_HASH.format("sha256")),
        condition("package", "has_folder", "length(folder) > 0"),
    )
    parts_become((*PARTS, "package"))


def downgrade() -> None:
    op.execute("DELETE FROM holding WHERE part = 'package'")
    packed = "SELECT restoration_id FROM package"
    op.execute(f"UPDATE restoration SET status = 'approved' WHERE id IN ({packed})")  # noqa: S608
    parts_become(PARTS)
    op.drop_table("package")


def parts_become(parts: tuple[str, ...]) -> None:
    """SQLite cannot change a condition: make the table of holdings anew, and move the rows."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_holding_is_part"), "holding")
        words = ", ".join(f"'{part}'" for part in parts)
        op.create_check_constraint(op.f("ck_holding_is_part"), "holding", f"part IN ({words})")
        return
    op.create_table(
        "holding_new",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("master_sha256", sa.String(64), nullable=False),
        sa.Column("restoration", sa.String(36), nullable=False, server_default=""),
        word("part", "is_part", parts),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        word("state", "is_soundness", STATES),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("checked_at", sa.DateTime(timezone=True)),
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
    op.execute(f"INSERT INTO holding_new ({COLUMNS}) SELECT {COLUMNS} FROM holding")  # noqa: S608
    op.drop_table("holding")
    op.rename_table("holding_new", "holding")
    op.create_index("ix_holding_checked_at_id", "holding", ["checked_at", "id"])
    op.create_index("ix_holding_state", "holding", ["state"])


def word(name: str, label: str, values: tuple[str, ...]) -> sa.Column[str]:
    kind = sa.Enum(
        *values,
        name=op.f(f"ck_holding_{label}"),
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    return sa.Column(name, kind, nullable=False)


def condition(table: str, label: str, text: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(text, name=op.f(f"ck_{table}_{label}"))
