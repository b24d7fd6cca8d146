"""Turning the domain's findings into rows of the catalogue: checked, plain values.

The protocols name what is read of a ``heritage.tiff.MasterInfo``, a ``Restoration`` of
``heritage.restore`` and a ``Region`` of ``heritage.damage``, so that recording needs none of those.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from db import ArtefactFacts
from db.bulk import Row
from heritage.errors import StorageFailed
from heritage.geometry import Box
from heritage.remote.origin import address_of

OUTPUTS = ("restored", "mask", "layer", "provenance")
"""The files of a restoration."""


class MasterFacts(Protocol):
    """What the catalogue reads of a master."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def lossy(self) -> bool: ...  # noqa: D102
    @property
    def icc(self) -> bytes | None: ...  # noqa: D102


class FinishedFiles(Protocol):
    """What the catalogue reads of a finished restoration."""

    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def damaged_pixels(self) -> int: ...  # noqa: D102
    @property
    def reencoded(self) -> str | None: ...  # noqa: D102


class RegionFacts(Protocol):
    """What the catalogue reads of a region."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def box(self) -> Box: ...  # noqa: D102
    @property
    def area(self) -> int: ...  # noqa: D102
    @property
    def radius(self) -> float: ...  # noqa: D102


def plain(text: Path | str) -> str:
    r"""Text that every database takes.

    File names on Unix are bytes; those that are no UTF-8 reach us as lone surrogates, which cannot
    be written, and are spelt ``\udcff``. PostgreSQL takes no NUL.
    """
    written = os.fspath(text).encode("utf-8", "backslashreplace").decode()
    return written.replace("\0", "\\0")


def place(path: Path | str) -> str:
    """Where a file or folder is, the same from wherever one looks; links are not followed.

    Of one that was fetched, or is going to be sent, it is the URL.
    """
    known = address_of(path)
    return plain(known or os.path.abspath(path))  # noqa: PTH100 - pathlib keeps "x/../y"


def artefact_of(
    path: Path, accession: str | None, title: str | None, maker: str | None, date: str | None
) -> ArtefactFacts:
    """What is known of the artefact; its file's name stands in for an accession number."""
    stem = plain(path.stem)[:255]
    if accession is None:
        return ArtefactFacts(stem, title or stem, maker, date, provisional=True)
    return ArtefactFacts(plain(accession), title or stem, maker, date, provisional=False)


def columns_of(info: MasterFacts, sha256: str) -> dict[str, Any]:
    """The columns of a master."""
    numbers = ("bytes", "page", "pages", "width", "height", "samples", "colour_samples", "bits")
    words = ("colour", "dtype", "photometric", "compression")
    return {
        "sha256": sha256,
        "path": place(info.path),
        **{name: int(getattr(info, name)) for name in numbers},
        **{name: plain(str(getattr(info, name))) for name in words},
        "lossy": bool(info.lossy),
        "icc_sha256": None if info.icc is None else hashlib.sha256(info.icc).hexdigest(),
    }


@dataclass(frozen=True)
class Finding:
    """What a detector said of a region.

    Args:
        kind: The class of damage.
        confidence: That it is damage, 0..1.
        detector: Who said so.
    """

    kind: str
    confidence: float
    detector: str


def region_row(
    region: RegionFacts, finding: Finding | None = None, beside_protected: bool = False
) -> Row:
    """A region as the catalogue writes it (numpy's numbers become Python's, as drivers want)."""
    box = region.box
    y0, x0, y1, x1 = int(box.y0), int(box.x0), int(box.y1), int(box.x1)
    size = (int(region.number), y0, x0, y1, x1, int(region.area), float(region.radius))
    if finding is None:
        return *size, None, None, None, beside_protected
    return *size, finding.kind, float(finding.confidence), finding.detector, beside_protected


def hash_outputs(result: FinishedFiles, known: dict[str, str]) -> dict[str, str]:
    """SHA-256 of the four files of a restoration, by column; read only where not known.

    Raises:
        StorageFailed: If one of them cannot be read.
    """
    return {
        f"{name}_sha256": known.get(name) or _sha256(Path(getattr(result, name)))
        for name in OUTPUTS
    }


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StorageFailed(f"cannot be read: {error.strerror}", path) from None
