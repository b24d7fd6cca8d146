"""All that a package tells about one signed restoration, as plain values.

Whoever writes a part of a package (PREMIS, PROV-O, credentials, a manifest) reads it from here and
needs neither the catalogue nor the pictures. What is counted here is counted after the decisions of
staff: fills that were taken back are not in the signed files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heritage.geometry import Box

OUR_TERMS = "urn:heritage:restoration:1.0:"
"""The namespace of our own terms, in XMP and in RDF alike."""

GENERATED = "gan"
"""The kind of an inpainter that learned from pictures: a network, which may have invented."""


@dataclass(frozen=True)
class Work:
    """The artefact that the master shows.

    Args:
        accession: Its number in the house.
        title: What it is called.
        maker: Who made it, where known.
        date: When, in words, where known.
        institution: Who keeps it; empty where the site has not said.
        rights: URI of a licence or rights statement; None where the site has not said.
    """

    accession: str
    title: str
    maker: str | None
    date: str | None
    institution: str
    rights: str | None


@dataclass(frozen=True)
class Original:
    """The master as it was restored.

    Args:
        file: Its name.
        place: Where it lay when the package was made: a path or URL.
        sha256: Of the file.
        bytes: Of the file.
        page: The page that was restored, from 0.
        width: Columns.
        height: Rows.
        samples: Channels, alpha included.
        bits: Of a sample.
        dtype: Of a sample, as numpy calls it.
        colour: ``grey``, ``rgb``, ``cmyk``, ``lab`` or ``palette``.
        compression: As TIFF readers call it.
        icc_sha256: Of the embedded profile; None where there is none.
        recorded_at: When the catalogue first saw it.
    """

    file: str
    place: str
    sha256: str
    bytes: int
    page: int
    width: int
    height: int
    samples: int
    bits: int
    dtype: str
    colour: str
    compression: str
    icc_sha256: str | None
    recorded_at: datetime


@dataclass(frozen=True)
class Method:
    """What filled the damage.

    Args:
        name: Of the inpainter.
        kind: ``GENERATED`` for a network, else the family of a classical method: ``diffusion``,
            ``exemplar``.
        weights_sha256: Of the network's weights; None for a method without any.
        licence: Of the weights, where known.
        parameters: All that was chosen, as JSON values; ``seed`` among them where one was used.
        device: Class of device, such as ``cpu bfloat16`` or ``cuda``.
        software: Versions by name: heritage, python and what has a say in the pixels.
    """

    name: str
    kind: str
    weights_sha256: str | None
    licence: str | None
    parameters: Mapping[str, Any]
    device: str
    software: Mapping[str, str]

    @property
    def generated(self) -> bool:
        """Whether a trained network made the pixels."""
        return self.kind == GENERATED


@dataclass(frozen=True)
class Judged:
    """One region of the proposal, and what staff said of it.

    Args:
        number: As the mask of the proposal is numbered, from 1.
        box: In pixels of the master, half-open.
        area: In pixels.
        kind: The class of damage, where somebody said.
        confidence: That it is damage, 0..1, where a detector said.
        detector: Which one.
        kept: Whether its fill is in the signed file.
        decision: In the catalogue's words.
        by: The person who decided.
        at: When.
        note: Why.
    """

    number: int
    box: Box
    area: int
    kind: str | None
    confidence: float | None
    detector: str | None
    kept: bool
    decision: str
    by: str | None
    at: datetime | None
    note: str


@dataclass(frozen=True)
class Signing:
    """Who stands behind it.

    Args:
        statement: ``existing state``, ``evidence-based completion`` or ``hypothesis``.
        remark: In the author's words; may be empty.
        author: Who handed in.
        authored_at: When.
        approver: Who signed.
        approved_at: When.
    """

    statement: str
    remark: str
    author: str
    authored_at: datetime
    approver: str
    approved_at: datetime


@dataclass(frozen=True)
class Occurrence:
    """One line of the append-only record, with the hashes that chain it.

    Args:
        sequence: Its number in the record, from 1.
        at: When.
        type: In PREMIS's words, such as ``modification``.
        type_uri: The word's address at the Library of Congress.
        outcome: ``success``, ``fail`` or ``warning``.
        outcome_uri: Likewise.
        agent: Who did it.
        agent_kind: ``person``, ``software`` or ``organization``.
        agent_version: Of the software.
        on_behalf_of: The person for whom the software did it.
        master_sha256: Of the master concerned.
        mask_sha256: Of the mask concerned.
        restoration: Identifier of the restoration concerned.
        detail: JSON values that say the rest.
        previous_hash: Hash of the line before in the whole record.
        hash: SHA-256 of this line's content, ``previous_hash`` included.
    """

    sequence: int
    at: datetime
    type: str
    type_uri: str
    outcome: str
    outcome_uri: str
    agent: str
    agent_kind: str
    agent_version: str | None
    on_behalf_of: str | None
    master_sha256: str | None
    mask_sha256: str | None
    restoration: str | None
    detail: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Dossier:
    """All that a package tells of one signed restoration.

    Args:
        name: ``NAME``, from which its files have their names.
        identifier: The restoration's UUID.
        work: What the master shows.
        original: The master.
        method: What filled the damage.
        operator: The person who had it done.
        started_at: When filling began.
        finished_at: When the proposal was complete.
        filled: Pixels that a machine filled and that are in the signed file.
        regions: All regions of the proposal by number, taken back ones included.
        signing: Who stands behind it.
        events: All that the record knows of the master up to now, in order.
    """

    name: str
    identifier: str
    work: Work
    original: Original
    method: Method
    operator: str
    started_at: datetime
    finished_at: datetime
    filled: int
    regions: tuple[Judged, ...]
    signing: Signing
    events: tuple[Occurrence, ...]

    @property
    def urn(self) -> str:
        """The restoration's name everywhere."""
        return f"urn:uuid:{self.identifier}"

    @property
    def share(self) -> float:
        """Part of the picture that a machine filled, 0..1."""
        return self.filled / (self.original.width * self.original.height)

    @property
    def kept(self) -> tuple[Judged, ...]:
        """The regions whose fill is in the signed file."""
        return tuple(region for region in self.regions if region.kept)

    @property
    def statement(self) -> str:
        """What the signed picture is, in one sentence for whoever finds it alone."""
        how = "a trained network" if self.method.generated else "a classical method"
        count = len(self.kept)
        places = "one place" if count == 1 else f"{count} places"
        return (
            f"Virtual restoration ({self.signing.statement}): {percent(self.share)} of this "
            f"picture, {self.filled:,} pixels in {places}, is a digital completion computed by "
            f"{how} ({self.method.name}) and accepted by {self.signing.approver}; every other "
            "pixel is that of the original scan."
        )


def percent(share: float) -> str:
    """A share in words that never round a little to nothing.

    >>> percent(0.01234), percent(0.000004), percent(0.5)
    ('1.23 %', '0.0004 %', '50 %')
    """
    rounded = float(f"{100 * share:.3g}")
    return f"{rounded:.9f}".rstrip("0").rstrip(".") + " %"
