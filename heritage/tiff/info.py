"""What a master is, in one checked value."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Blob = bytes
Colour = Literal["grey", "rgb", "cmyk", "lab", "palette"]


@dataclass(frozen=True)
class MasterInfo:
    """A master that can be restored: the file, and the page of it that is the picture.

    Attributes:
        path: The file.
        bytes: Its size.
        page: Which page is restored, counted from 0.
        pages: How many it has; all others are kept as they are, but for smaller versions of it.
        subimages: Sub-images (pyramid levels, thumbnails) of all pages.
        width: Columns, in pixels.
        height: Rows, in pixels.
        samples: Per pixel, alpha and other extra samples included.
        colour_samples: The first 1, 3 or 4 of them; the others are never touched.
        colour: What those mean.
        white_is_zero: Whether grey runs from white to black.
        lab_encoding: Which of the two TIFF ways of storing Lab.
        dtype: numpy's name of the decoded samples.
        bits: Significant bits of a sample.
        palette: The colour table: little-endian bytes of a (2**bits, 3) uint16 array.
        photometric: tifffile's name of the colour interpretation.
        compression: tifffile's name of the compression.
        predictor: TIFF predictor, 1 for none.
        planar: Whether each sample has planes of its own.
        tiled: Tiles, else strips.
        segment_height: Rows of a tile or strip.
        segment_width: Columns of a tile or strip.
        byteorder: Of the file.
        bigtiff: Whether offsets are 64 bits wide.
        lossy: Whether the compression has, or may have, lost detail.
        rewritable: Whether a tile or strip can be written back in the same compression, exactly.
        icc: The ICC profile.
        orientation: TIFF orientation, 1 to 8; pixels are never turned.
        resolution: Horizontal and vertical in pixels per unit, and the unit.
        segments: Tiles or strips of the page, over all planes.
        notes: Peculiarities that do not stand in the way, one sentence each.
    """

    path: Path
    bytes: int
    page: int
    pages: int
    subimages: int
    width: int
    height: int
    samples: int
    colour_samples: int
    colour: Colour
    white_is_zero: bool
    lab_encoding: Literal["cielab", "icclab"] | None
    dtype: str
    bits: int
    palette: Blob | None
    photometric: str
    compression: str
    predictor: int
    planar: bool
    tiled: bool
    segment_height: int
    segment_width: int
    byteorder: Literal["little", "big"]
    bigtiff: bool
    lossy: bool
    rewritable: bool
    icc: Blob | None
    orientation: int
    resolution: tuple[float, float, str] | None
    segments: int
    notes: tuple[str, ...] = ()

    @property
    def max_value(self) -> int:
        """Full scale of an integer sample; 1 for bilevel and floating point."""
        kind = np.dtype(self.dtype).kind
        if kind in "bf":
            return 1
        return int(2 ** (self.bits - 1) - 1) if kind == "i" else int(2**self.bits - 1)

    @property
    def palette_table(self) -> NDArray[np.uint16] | None:
        """The colour table, shape (2**bits, 3)."""
        if self.palette is None:
            return None
        return np.frombuffer(self.palette, "<u2").astype(np.uint16).reshape(-1, 3)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one decoded pixel, all samples."""
        return self.samples * np.dtype(self.dtype).itemsize

    @property
    def cell_bytes(self) -> int:
        """Decoded bytes that must be in memory to read or write a single pixel.

        A compressed tile or strip can only be decoded whole; composing holds about four times
        that much of each that it works on. Of an uncompressed one, rows are reached one by one.
        """
        segment = self.segment_height * self.segment_width * self.pixel_bytes
        return min(segment, 1 << 20) if self.compression == "NONE" else segment

    def to_json(self) -> dict[str, Any]:
        """For people and scripts: everything, the colour profile and table as fingerprints."""
        answer: dict[str, Any] = asdict(self) | {"path": str(self.path)}
        for name in ("icc", "palette"):
            blob = answer[name]
            if blob is not None:
                digest = hashlib.sha256(blob).hexdigest()
                answer[name] = {"bytes": len(blob), "sha256": digest}
        return answer

    def to_wire(self) -> dict[str, Any]:
        """For another process: everything, JSON can carry it."""
        answer: dict[str, Any] = asdict(self) | {"path": str(self.path)}
        for name in ("icc", "palette"):
            if answer[name] is not None:
                answer[name] = base64.b64encode(answer[name]).decode()
        return answer

    @classmethod
    def from_wire(cls, answer: dict[str, Any]) -> MasterInfo:
        """The inverse of ``to_wire``."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in answer.items() if name in known}
        values["path"] = Path(values["path"])
        values["notes"] = tuple(values["notes"])
        for name in ("icc", "palette"):
            if values[name] is not None:
                values[name] = base64.b64decode(values[name])
        if values["resolution"] is not None:
            values["resolution"] = tuple(values["resolution"])
        return cls(**values)
