"""Tables of what there is: artefacts, their masters, masks, models, and files refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.columns import Base, CanonicalJson, UtcDateTime, check, is_hash, one_of, sha256_column
from db.vocabulary import MaskOrigin, MaskStatus


class Artefact(Base):
    """The physical object.

    ``provisional`` says that nobody has described it yet: its accession number is the name of
    the file it was first seen in.
    """

    __tablename__ = "artefact"
    __table_args__ = (check("has_accession", "length(accession) > 0"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    accession: Mapped[str] = mapped_column(String(255), unique=True)
    title: Mapped[str] = mapped_column(Text)
    maker: Mapped[str | None] = mapped_column(Text)
    date: Mapped[str | None] = mapped_column(Text)
    provisional: Mapped[bool]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    masters: Mapped[list[Master]] = relationship(back_populates="artefact", viewonly=True)


class Master(Base):
    """One archival TIFF, identified by its SHA-256 wherever it lies."""

    __tablename__ = "master"
    __table_args__ = (
        is_hash("sha256"),
        is_hash("icc_sha256"),
        check("has_path", "length(path) > 0"),
        check("has_bytes", "bytes > 0"),
        check("has_pixels", "width > 0 AND height > 0"),
        check("samples_make_sense", "colour_samples >= 1 AND samples >= colour_samples"),
        check("bits_make_sense", "bits BETWEEN 1 AND 64"),
        check("page_exists", "page >= 0 AND page < pages"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    artefact_id: Mapped[int] = mapped_column(ForeignKey("artefact.id"), index=True)
    sha256: Mapped[str] = mapped_column(sha256_column(), unique=True)
    path: Mapped[str] = mapped_column(Text, index=True)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    bytes: Mapped[int] = mapped_column(BigInteger)
    page: Mapped[int]
    pages: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    samples: Mapped[int]
    colour_samples: Mapped[int]
    colour: Mapped[str] = mapped_column(String(32))
    dtype: Mapped[str] = mapped_column(String(32))
    bits: Mapped[int]
    photometric: Mapped[str] = mapped_column(String(64))
    compression: Mapped[str] = mapped_column(String(64))
    lossy: Mapped[bool]
    icc_sha256: Mapped[str | None] = mapped_column(sha256_column())

    artefact: Mapped[Artefact] = relationship(back_populates="masters", viewonly=True)


class Mask(Base):
    """A raster that says which pixels of one master are to be restored."""

    __tablename__ = "mask"
    __table_args__ = (
        UniqueConstraint("master_id", "sha256"),
        UniqueConstraint("id", "master_id"),  # what a restoration's mask and master refer to
        is_hash("sha256"),
        is_hash("source_sha256"),
        check("has_pixels", "pixels > 0"),
        check("machine_has_no_source", "origin <> 'detected' OR source_path IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    master_id: Mapped[int] = mapped_column(ForeignKey("master.id"))
    sha256: Mapped[str] = mapped_column(sha256_column())
    origin: Mapped[MaskOrigin] = mapped_column(one_of(MaskOrigin))
    status: Mapped[MaskStatus] = mapped_column(one_of(MaskStatus))
    pixels: Mapped[int] = mapped_column(BigInteger)
    source_path: Mapped[str | None] = mapped_column(Text)
    source_sha256: Mapped[str | None] = mapped_column(sha256_column())
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    master: Mapped[Master] = relationship(viewonly=True)


class Model(Base):
    """What filled a mask: a network with its weights, or a method without any.

    NULLs are distinct in a UNIQUE constraint, so methods without weights need an index of
    their own to be recorded once only.
    """

    __tablename__ = "model"
    __table_args__ = (
        UniqueConstraint("name", "weights_sha256"),
        Index(
            "uq_model_without_weights",
            "name",
            unique=True,
            sqlite_where=text("weights_sha256 IS NULL"),
            postgresql_where=text("weights_sha256 IS NULL"),
        ),
        is_hash("weights_sha256"),
        check("has_name", "length(name) > 0"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(64))
    weights_sha256: Mapped[str | None] = mapped_column(sha256_column())
    licence: Mapped[str | None] = mapped_column(Text)
    parameters: Mapped[Any] = mapped_column(CanonicalJson)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Refusal(Base):
    """A file that could not be restored, and why; resolved once it could.

    A path has one open refusal at most, so that a nightly run over the same folder adds to the
    count instead of telling the same story every night.
    """

    __tablename__ = "refusal"
    __table_args__ = (
        Index(
            "uq_refusal_open",
            "path",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        is_hash("sha256"),
        check("has_reason", "length(reason) > 0 AND length(path) > 0"),
        check("has_times", "times >= 1 AND last_at >= first_at"),
        check("resolved_later", "resolved_at >= first_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(sha256_column())
    fault: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    times: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
