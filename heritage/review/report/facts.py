"""What a condition report tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from heritage.geometry import Box
from heritage.review.report.diagram import Diagram


@dataclass(frozen=True)
class Fate:
    """A region and what became of it.

    Args:
        number: As the mask's regions are numbered.
        box: In pixels of the master.
        area: In pixels.
        kind: The class of damage, where somebody said.
        confidence: That it is damage, 0..1, where a detector said.
        decision: What staff said.
        by: Who.
        at: When.
        note: Why.
    """

    number: int
    box: Box
    area: int
    kind: str | None
    confidence: float | None
    decision: str
    by: str | None
    at: datetime | None
    note: str


@dataclass(frozen=True)
class Signature:
    """What the picture shows, who says so, and who signed it."""

    statement: str
    remark: str
    author: str
    authored_at: datetime
    approver: str | None
    approved_at: datetime | None


@dataclass(frozen=True)
class Alternative:
    """Another restoration of the same master that was not chosen, and why, where it is known."""

    model: str
    identifier: str
    status: str
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True)
class Facts:
    """All that a report tells.

    Args:
        title: Of the artefact.
        identification: More about artefact and master, by what it is called in the report.
        methods: Model, weights, software and the like, likewise.
        identifier: Of the restoration.
        statement: The sentence that stands in every record.
        filled_share: Part of the picture that was filled, 0..1.
        fates: All regions.
        signature: Who stands behind it; None as long as nobody does.
        alternatives: What was not chosen.
        files: SHA-256 of each file of the restoration, by its name.
        before: (h, w, 3) sRGB.
        after: The same of what is left after all decisions.
        diagram: The outlines of the regions.
        pixels_per_mm: Of the master, where it says.
        at: When the report was made.
    """

    title: str
    identification: Mapping[str, str]
    methods: Mapping[str, str]
    identifier: str
    statement: str
    filled_share: float
    fates: Sequence[Fate]
    signature: Signature | None
    alternatives: Sequence[Alternative]
    files: Mapping[str, str]
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    diagram: Diagram
    pixels_per_mm: float | None
    at: datetime
