"""The tables of the first catalogue.

A migration says what was true when it was written and is never edited, so nothing here comes from
the models: words, lengths and conditions are spelt out.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FINISHED = "status IN ('awaiting review', 'approved', 'rejected', 'published')"
OPEN = "status IN ('planned', 'running')"


def upgrade() -> None:
    artefact_and_master()
    mask_and_model()
    refusal()
    restoration()
    region()
    event()


def downgrade() -> None:
    for table in ("event", "region", "restoration", "refusal", "model", "mask", "master"):
        op.drop_table(table)
    op.drop_table("artefact")


def key() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def column(name: str, kind: Any, null: bool = False) -> sa.Column[Any]:  # noqa: ANN401
    return sa.Column(name, kind, nullable=null)


def moment(name: str, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def digest(name: str, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=null)


def words(name: str, label: str, *values: str) -> sa.Column[str]:
    kind = sa.Enum(*values, name=label, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, kind, nullable=False)


def checks(table: str, **conditions: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
        for name, condition in conditions.items()
    ]


def hashes(table: str, *names: str) -> list[sa.CheckConstraint]:
    condition = "length({0}) = 64 AND trim({0}, '0123456789abcdef') = ''"
    return checks(table, **{f"{name}_is_hash": condition.format(name) for name in names})


def refers(table: str, columns: list[str], to: list[str]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(columns, to, name=op.f(f"fk_{table}_{'_'.join(columns)}"))


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def unique_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def artefact_and_master() -> None:
    op.create_table(
        "artefact",
        key(),
        column("accession", sa.String(255)),
        column("title", sa.Text),
        column("maker", sa.Text, null=True),
        column("date", sa.Text, null=True),
        column("provisional", sa.Boolean),
        moment("recorded_at"),
        unique("artefact", "accession"),
        *checks("artefact", has_accession="length(accession) > 0"),
    )
    op.create_table(
        "master",
        key(),
        column("artefact_id", sa.Integer),
        digest("sha256"),
        column("path", sa.Text),
        moment("seen_at"),
        moment("recorded_at"),
        column("bytes", sa.BigInteger),
        *[column(name, sa.Integer) for name in ("page", "pages", "width", "height")],
        *[column(name, sa.Integer) for name in ("samples", "colour_samples")],
        column("colour", sa.String(32)),
        column("dtype", sa.String(32)),
        column("bits", sa.Integer),
        column("photometric", sa.String(64)),
        column("compression", sa.String(64)),
        column("lossy", sa.Boolean),
        digest("icc_sha256", null=True),
        refers("master", ["artefact_id"], ["artefact.id"]),
        unique("master", "sha256"),
        *hashes("master", "sha256", "icc_sha256"),
        *checks(
            "master",
            has_path="length(path) > 0",
            has_bytes="bytes > 0",
            has_pixels="width > 0 AND height > 0",
            samples_make_sense="colour_samples >= 1 AND samples >= colour_samples",
            bits_make_sense="bits BETWEEN 1 AND 64",
            page_exists="page >= 0 AND page < pages",
        ),
    )
    index("master", "artefact_id")
    index("master", "path")


def mask_and_model() -> None:
    op.create_table(
        "mask",
        key(),
        column("master_id", sa.Integer),
        digest("sha256"),
        words("origin", "is_maskorigin", "given", "found", "detected"),
        words("status", "is_maskstatus", "proposed", "accepted"),
        column("pixels", sa.BigInteger),
        column("source_path", sa.Text, null=True),
        digest("source_sha256", null=True),
        moment("recorded_at"),
        refers("mask", ["master_id"], ["master.id"]),
        unique("mask", "master_id", "sha256"),
        unique("mask", "id", "master_id"),
        *hashes("mask", "sha256", "source_sha256"),
        *checks(
            "mask",
            has_pixels="pixels > 0",
            machine_has_no_source="origin <> 'detected' OR source_path IS NULL",
        ),
    )
    op.create_table(
        "model",
        key(),
        column("name", sa.String(255)),
        column("kind", sa.String(64)),
        digest("weights_sha256", null=True),
        column("licence", sa.Text, null=True),
        column("parameters", sa.Text),
        moment("recorded_at"),
        unique("model", "name", "weights_sha256"),
        *hashes("model", "weights_sha256"),
        *checks("model", has_name="length(name) > 0"),
    )
    unique_where("uq_model_without_weights", "model", "name", "weights_sha256 IS NULL")


def refusal() -> None:
    op.create_table(
        "refusal",
        key(),
        column("path", sa.Text),
        digest("sha256", null=True),
        column("fault", sa.String(64)),
        column("reason", sa.Text),
        column("times", sa.Integer),
        moment("first_at"),
        moment("last_at"),
        moment("resolved_at", null=True),
        *hashes("refusal", "sha256"),
        *checks(
            "refusal",
            has_reason="length(reason) > 0 AND length(path) > 0",
            has_times="times >= 1 AND last_at >= first_at",
            resolved_later="resolved_at >= first_at",
        ),
    )
    unique_where("uq_refusal_open", "refusal", "path", "resolved_at IS NULL")


def restoration() -> None:
    outputs = ("restored_sha256", "mask_sha256", "layer_sha256", "provenance_sha256")
    facts = (*outputs, "finished_at", "seconds", "damaged_pixels", "region_count")
    op.create_table(
        "restoration",
        key(),
        column("identifier", sa.String(36)),
        digest("job_sha256"),
        *[column(name, sa.Integer) for name in ("master_id", "mask_id", "model_id")],
        words(
            "status",
            "is_status",
            *("planned", "running", "awaiting review", "approved", "rejected", "published"),
            *("failed", "abandoned"),
        ),
        column("parameters", sa.Text),
        *[column(name, sa.String(255)) for name in ("operator", "software", "device")],
        column("output", sa.Text),
        moment("planned_at"),
        moment("started_at", null=True),
        moment("finished_at", null=True),
        column("seconds", sa.Double, null=True),
        column("damaged_pixels", sa.BigInteger, null=True),
        column("region_count", sa.Integer, null=True),
        column("reencoded", sa.Text, null=True),
        column("reason", sa.Text, null=True),
        *[digest(name, null=True) for name in outputs],
        refers("restoration", ["master_id"], ["master.id"]),
        refers("restoration", ["mask_id", "master_id"], ["mask.id", "mask.master_id"]),
        refers("restoration", ["model_id"], ["model.id"]),
        unique("restoration", "identifier"),
        *hashes("restoration", "job_sha256", *outputs),
        *checks(
            "restoration",
            identifier_is_uuid="length(identifier) = 36",
            has_output="length(output) > 0",
            finished_has_outputs=f"NOT ({FINISHED}) OR ("
            + " AND ".join(f"{name} IS NOT NULL" for name in facts)
            + ")",
            failed_has_reason="status <> 'failed' OR length(coalesce(reason, '')) > 0",
            reason_is_of_failure=f"reason IS NULL OR NOT ({FINISHED} OR {OPEN})",
            open_is_unfinished=f"NOT ({OPEN}) OR finished_at IS NULL",
            running_has_started="status = 'planned' OR started_at IS NOT NULL",
            finished_after_started="finished_at >= started_at",
            time_passes="seconds >= 0",
            counts_make_sense="damaged_pixels > 0 AND region_count > 0",
        ),
    )
    for name in ("job_sha256", "master_id", "mask_id", "model_id", "status"):
        index("restoration", name)
    unique_where("uq_restoration_open_job", "restoration", "job_sha256", OPEN)


def region() -> None:
    op.create_table(
        "region",
        sa.Column("restoration_id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *[column(name, sa.Integer) for name in ("y0", "x0", "y1", "x1")],
        column("area", sa.BigInteger),
        column("radius", sa.Double),
        words("decision", "is_decision", "pending", "approved", "rejected"),
        column("decided_by", sa.String(255), null=True),
        moment("decided_at", null=True),
        refers("region", ["restoration_id"], ["restoration.id"]),
        *checks(
            "region",
            numbered_from_one="number >= 1",
            box_has_pixels="y0 >= 0 AND x0 >= 0 AND y1 > y0 AND x1 > x0",
            area_fits_box="area >= 1 AND area <= CAST(y1 - y0 AS BIGINT) * CAST(x1 - x0 AS BIGINT)",
            radius_is_length="radius >= 0",
            decided_by_someone="(decision = 'pending') = (decided_by IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
        ),
    )


EVENT_TYPES = (
    *("accession", "appraisal", "creation", "deaccession", "deletion"),
    *("digital signature generation", "digital signature validation", "dissemination"),
    *("filename change", "fixity check", "forensic feature analysis", "format identification"),
    *("information package creation", "ingestion", "message digest calculation"),
    *("metadata extraction", "metadata modification", "migration", "modification"),
    *("policy assignment", "recovery", "replication", "transfer", "validation"),
)


def event() -> None:
    op.create_table(
        "event",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        moment("at"),
        words("type", "is_eventtype", *EVENT_TYPES),
        words("outcome", "is_outcome", "success", "fail", "warning"),
        column("agent", sa.String(255)),
        words("agent_kind", "is_agentkind", "person", "software", "organization"),
        column("agent_version", sa.String(255), null=True),
        column("on_behalf_of", sa.String(255), null=True),
        digest("master_sha256", null=True),
        digest("mask_sha256", null=True),
        column("restoration", sa.String(36), null=True),
        column("detail", sa.Text),
        digest("previous_hash"),
        digest("hash"),
        refers("event", ["master_sha256"], ["master.sha256"]),
        refers("event", ["restoration"], ["restoration.identifier"]),
        *hashes("event", "hash", "previous_hash", "master_sha256", "mask_sha256"),
        *checks(
            "event",
            sequence_from_one="sequence >= 1",
            has_agent="length(agent) > 0",
            software_has_version="agent_kind <> 'software' OR agent_version IS NOT NULL",
            mask_has_master="mask_sha256 IS NULL OR master_sha256 IS NOT NULL",
        ),
    )
    index("event", "master_sha256")
    index("event", "restoration")
