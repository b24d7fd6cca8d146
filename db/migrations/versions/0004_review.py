"""Review: accounts, decisions that can be undone, sign-offs, what is known of regions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IS_HASH = "length({0}) = 64 AND trim({0}, '0123456789abcdef') = ''"
DECISIONS = ("pending", "approved", "rejected")
OLD = "restoration_id, number, y0, x0, y1, x1, area, radius, decision, decided_by, decided_at"
# As db.risk computes it for regions of which only the size is known.
COUNTED = """
    UPDATE restoration SET
      pending = (SELECT count(*) FROM region
                 WHERE restoration_id = restoration.id AND decision = 'pending'),
      risk = coalesce((SELECT max(1 - (32.0 / (radius + 32.0)) * 0.8) FROM region
                       WHERE restoration_id = restoration.id), 0)
"""


def upgrade() -> None:
    accounts()
    restorations()
    if _on_postgresql():
        op.drop_constraint("ck_region_is_decision", "region")
        for new in region_columns():
            op.add_column("region", new)
        words = ", ".join(f"'{word}'" for word in (*DECISIONS, "do not fill"))
        op.create_check_constraint(
            op.f("ck_region_is_decision"), "region", f"decision IN ({words})"
        )
        op.create_check_constraint(
            op.f("ck_region_confidence_is_share"), "region", "confidence BETWEEN 0 AND 1"
        )
    else:
        remade(region_columns(), "do not fill", confidence_is_share="confidence BETWEEN 0 AND 1")
    op.execute(COUNTED)
    reviews()


def downgrade() -> None:
    for table in ("sign_off", "step", "visit", "account"):
        op.drop_table(table)
    op.execute("UPDATE region SET decision = 'rejected' WHERE decision = 'do not fill'")
    if _on_postgresql():
        op.drop_constraint("ck_region_is_decision", "region")
        op.drop_constraint("ck_region_confidence_is_share", "region")
        for gone in region_columns():
            op.drop_column("region", gone.name)
        words = ", ".join(f"'{word}'" for word in DECISIONS)
        op.create_check_constraint(
            op.f("ck_region_is_decision"), "region", f"decision IN ({words})"
        )
    else:
        remade([])
    op.drop_index("ix_restoration_status_risk", "restoration")
    op.drop_index("ix_restoration_risk", "restoration")
    for gone in restoration_columns():
        op.drop_column("restoration", gone.name)


def restorations() -> None:
    for new in restoration_columns():
        op.add_column("restoration", new)
    op.create_index("ix_restoration_status_risk", "restoration", ["status", "risk", "id"])
    op.create_index("ix_restoration_risk", "restoration", ["risk", "id"])


def restoration_columns() -> list[sa.Column[Any]]:
    return [
        column("revision", sa.Integer, default="0"),
        column("risk", sa.Double, default="0"),
        column("pending", sa.Integer, default="0"),
        column("taken_back", sa.Integer, default="0"),
        column("kinds", sa.Text, default=""),
        column("least_sure", sa.Double, null=True),
        column("verdict", sa.Text, null=True),
    ]


def region_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("beside_protected", sa.Boolean, nullable=False, server_default=sa.false()),
        column("kind", sa.String(32), null=True),
        column("confidence", sa.Double, null=True),
        column("detector", sa.String(64), null=True),
        column("note", sa.Text, default=""),
        column("version", sa.Integer, default="0"),
    ]


def remade(more: list[sa.Column[Any]], *decisions: str, **conditions: str) -> None:
    """SQLite cannot change a condition: make the table of regions anew, and move the rows."""
    op.create_table(
        "region_new",
        sa.Column("restoration_id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *[column(name, sa.Integer) for name in ("y0", "x0", "y1", "x1")],
        column("area", sa.BigInteger),
        column("radius", sa.Double),
        word("decision", "is_decision", *DECISIONS, *decisions, table="region"),
        column("decided_by", sa.String(255), null=True),
        moment("decided_at", null=True),
        *more,
        sa.PrimaryKeyConstraint("restoration_id", "number", name=op.f("pk_region")),
        sa.ForeignKeyConstraint(
            ["restoration_id"], ["restoration.id"], name=op.f("fk_region_restoration_id")
        ),
        *[
            condition("region", name, text)
            for name, text in {
                "numbered_from_one": "number >= 1",
                "box_has_pixels": "y0 >= 0 AND x0 >= 0 AND y1 > y0 AND x1 > x0",
                "area_fits_box": "area >= 1"
                " AND area <= CAST(y1 - y0 AS BIGINT) * CAST(x1 - x0 AS BIGINT)",
                "radius_is_length": "radius >= 0",
                "decided_by_someone": "(decision = 'pending') = (decided_by IS NULL)"
                " AND (decided_by IS NULL) = (decided_at IS NULL)",
                **conditions,
            }.items()
        ],
    )
    op.execute(f"INSERT INTO region_new ({OLD}) SELECT {OLD} FROM region")  # noqa: S608
    op.drop_table("region")
    op.rename_table("region_new", "region")


def accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, primary_key=True),
        column("name", sa.String(255)),
        column("full_name", sa.String(255)),
        word("role", "is_role", "viewer", "reviewer", "approver", "administrator", table="account"),
        column("active", sa.Boolean),
        column("password", sa.Text, null=True),
        column("subject", sa.String(512), null=True),
        moment("recorded_at"),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        sa.UniqueConstraint("subject", name=op.f("uq_account_subject")),
        condition("account", "has_name", "length(name) > 0 AND name = lower(name)"),
        condition("account", "has_full_name", "length(full_name) > 0"),
    )
    op.create_table(
        "visit",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        column("account_id", sa.Integer),
        moment("began_at"),
        moment("seen_at"),
        moment("ends_at"),
        refers("visit", "account_id", "account.id"),
        condition("visit", "token_sha256_is_hash", IS_HASH.format("token_sha256")),
        condition("visit", "ends_later", "ends_at > began_at"),
    )
    op.create_index("ix_visit_account_id", "visit", ["account_id"])


def reviews() -> None:
    op.create_table(
        "step",
        sa.Column("restoration_id", sa.Integer, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        column("taken_by", sa.String(255)),
        moment("taken_at"),
        column("left_version", sa.Integer),
        column("undone", sa.Boolean),
        word("decision", "is_decision", *DECISIONS, "do not fill", table="step"),
        column("note", sa.Text),
        column("decided_by", sa.String(255), null=True),
        moment("decided_at", null=True),
        refers("step", "restoration_id", "restoration.id"),
        condition("step", "numbered_from_one", "revision >= 1 AND number >= 1"),
    )
    op.create_index("ix_step_taken_by", "step", ["taken_by", "restoration_id"])
    statements = ("existing state", "evidence-based completion", "hypothesis")
    op.create_table(
        "sign_off",
        sa.Column("restoration_id", sa.Integer, primary_key=True, autoincrement=False),
        word("statement", "is_statement", *statements, table="sign_off"),
        column("remark", sa.Text),
        column("author", sa.String(255)),
        moment("authored_at"),
        column("approver", sa.String(255), null=True),
        moment("approved_at", null=True),
        column("composed", sa.Text, null=True),
        column("composed_sha256", sa.String(64), null=True),
        refers("sign_off", "restoration_id", "restoration.id"),
        condition("sign_off", "has_author", "length(author) > 0"),
        condition("sign_off", "approved_by_someone", "(approver IS NULL) = (approved_at IS NULL)"),
        condition("sign_off", "composed_when_approved", "composed IS NULL OR approver IS NOT NULL"),
        condition(
            "sign_off", "composed_has_hash", "(composed IS NULL) = (composed_sha256 IS NULL)"
        ),
        condition("sign_off", "composed_sha256_is_hash", IS_HASH.format("composed_sha256")),
    )


def column(
    name: str,
    kind: Any,  # noqa: ANN401
    null: bool = False,
    default: str | None = None,
) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, server_default=default)


def moment(name: str, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def word(name: str, label: str, *values: str, table: str) -> sa.Column[str]:
    kind = sa.Enum(
        *values,
        name=op.f(f"ck_{table}_{label}"),
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    return sa.Column(name, kind, nullable=False)


def condition(table: str, label: str, text: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(text, name=op.f(f"ck_{table}_{label}"))


def refers(table: str, name: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [to], name=op.f(f"fk_{table}_{name}"))


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
