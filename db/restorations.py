"""Tables of what was done: restorations and the regions that staff decide on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.columns import (
    Base,
    CanonicalJson,
    UtcDateTime,
    check,
    is_hash,
    one_of,
    quoted,
    sha256_column,
)
from db.objects import Mask, Master, Model
from db.vocabulary import FINISHED, OPEN, Decision, Status

OUTPUTS = ("restored_sha256", "mask_sha256", "layer_sha256", "provenance_sha256")
"""Columns that hold the hashes of the four files of a finished restoration."""

_IS_FINISHED = f"status IN ({quoted(FINISHED)})"
_IS_OPEN = f"status IN ({quoted(OPEN)})"
_FACTS = (*OUTPUTS, "finished_at", "seconds", "damaged_pixels", "region_count")
_ALL_FACTS = " AND ".join(f"{name} IS NOT NULL" for name in _FACTS)


class Restoration(Base):
    """One run of one model over one master, with a mask of that very master.

    ``job_sha256`` is the hash of what was asked for (master, mask, model, parameters, output
    folder). While one run of a job is open there cannot be a second one.

    From ``revision`` on, what reviewers look for: how often decisions changed, how risky the
    riskiest region is, how many regions wait and how many fills were taken back, the classes of
    damage (``,CRACKS,PEEL,``), the least sure of them, and why all of it was rejected.
    """

    __tablename__ = "restoration"
    __table_args__ = (
        Index(
            "uq_restoration_open_job",
            "job_sha256",
            unique=True,
            sqlite_where=text(_IS_OPEN),
            postgresql_where=text(_IS_OPEN),
        ),
        Index("ix_restoration_status_risk", "status", "risk", "id"),
        Index("ix_restoration_risk", "risk", "id"),
        ForeignKeyConstraint(
            ["mask_id", "master_id"],
            ["mask.id", "mask.master_id"],
        ),
        *map(is_hash, ("job_sha256", *OUTPUTS)),
        check("identifier_is_uuid", "length(identifier) = 36"),
        check("has_output", "length(output) > 0"),
        check(
            "finished_has_outputs",
            f"NOT ({_IS_FINISHED}) OR ({_ALL_FACTS})",
        ),
        check("failed_has_reason", "status <> 'failed' OR length(coalesce(reason, '')) > 0"),
        check("reason_is_of_failure", f"reason IS NULL OR NOT ({_IS_FINISHED} OR {_IS_OPEN})"),
        check("open_is_unfinished", f"NOT ({_IS_OPEN}) OR finished_at IS NULL"),
        check("running_has_started", "status = 'planned' OR started_at IS NOT NULL"),
        check("finished_after_started", "finished_at >= started_at"),
        check("time_passes", "seconds >= 0"),
        check("counts_make_sense", "damaged_pixels > 0 AND region_count > 0"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(String(36), unique=True)
    job_sha256: Mapped[str] = mapped_column(sha256_column(), index=True)
    master_id: Mapped[int] = mapped_column(ForeignKey("master.id"), index=True)
    mask_id: Mapped[int] = mapped_column(index=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), index=True)
    status: Mapped[Status] = mapped_column(one_of(Status), index=True)
    parameters: Mapped[Any] = mapped_column(CanonicalJson)
    operator: Mapped[str] = mapped_column(String(255))
    software: Mapped[str] = mapped_column(String(255))
    device: Mapped[str] = mapped_column(String(255))
    output: Mapped[str] = mapped_column(Text)
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seconds: Mapped[float | None] = mapped_column(Double)
    damaged_pixels: Mapped[int | None] = mapped_column(BigInteger)
    region_count: Mapped[int | None]
    reencoded: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    restored_sha256: Mapped[str | None] = mapped_column(sha256_column())
    mask_sha256: Mapped[str | None] = mapped_column(sha256_column())
    layer_sha256: Mapped[str | None] = mapped_column(sha256_column())
    provenance_sha256: Mapped[str | None] = mapped_column(sha256_column())
    revision: Mapped[int] = mapped_column(server_default="0", default=0)
    risk: Mapped[float] = mapped_column(Double, server_default="0", default=0.0)
    pending: Mapped[int] = mapped_column(server_default="0", default=0)
    taken_back: Mapped[int] = mapped_column(server_default="0", default=0)
    kinds: Mapped[str] = mapped_column(Text, server_default="", default="")
    least_sure: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str | None] = mapped_column(Text)

    master: Mapped[Master] = relationship(viewonly=True)
    mask: Mapped[Mask] = relationship(viewonly=True)
    model: Mapped[Model] = relationship(viewonly=True)


class Region(Base):
    """One connected component of a mask, as a restoration filled it.

    ``kind``, ``confidence`` and ``detector`` are known where a machine found the damage.
    ``beside_protected`` says that it lies beside a face, a signature or whatever else is protected.
    ``version`` counts the decisions, so that nobody overwrites one that he has not seen.
    """

    __tablename__ = "region"
    __table_args__ = (
        check("numbered_from_one", "number >= 1"),
        check("box_has_pixels", "y0 >= 0 AND x0 >= 0 AND y1 > y0 AND x1 > x0"),
        check(
            "area_fits_box",
            "area >= 1 AND area <= CAST(y1 - y0 AS BIGINT) * CAST(x1 - x0 AS BIGINT)",
        ),
        check("radius_is_length", "radius >= 0"),
        check("confidence_is_share", "confidence BETWEEN 0 AND 1"),
        check(
            "decided_by_someone",
            "(decision = 'pending') = (decided_by IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
        ),
    )

    restoration_id: Mapped[int] = mapped_column(ForeignKey("restoration.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    y0: Mapped[int]
    x0: Mapped[int]
    y1: Mapped[int]
    x1: Mapped[int]
    area: Mapped[int] = mapped_column(BigInteger)
    radius: Mapped[float] = mapped_column(Double)
    decision: Mapped[Decision] = mapped_column(one_of(Decision))
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    beside_protected: Mapped[bool] = mapped_column(server_default=false(), default=False)
    kind: Mapped[str | None] = mapped_column(String(32))
    confidence: Mapped[float | None] = mapped_column(Double)
    detector: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, server_default="", default="")
    version: Mapped[int] = mapped_column(server_default="0", default=0)
