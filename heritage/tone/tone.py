"""A tone: parameters of an adjustment that is kept apart, applied on demand and taken back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import heritage
from heritage.errors import HeritageError, StorageFailed
from heritage.geometry import Box
from heritage.restore.canonical import canonical_json, digest
from heritage.tone.curve import Curve
from heritage.tone.field import Field

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FORMAT = 1
"""Of tone records."""


class ToneRefused(HeritageError):
    """A tone record that is none, or belongs to another master."""


@dataclass(frozen=True)
class ToneMaster:
    """Which picture a tone was estimated for.

    Args:
        file: Name of the master's file.
        sha256: Of the file.
        page: Which page.
        height: Rows.
        width: Columns.
        value_range: Sample values taken for 0 and 1, for masters whose scale is their own.
    """

    file: str
    sha256: str
    page: int
    height: int
    width: int
    value_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Tone:
    """An adjustment of one master: first the field's gains, then a curve for each channel.

    Args:
        master: The picture.
        curves: For red, green and blue of the working space, encoded values of 0..1.
        field: The gains; None where the whole picture is treated alike.
        strength: How much of the estimate is in the parameters, 0..1.
        ground: Whether paper or parchment fills most of the picture.
        hue: "kept" or "neutralised", of the highlights and the paper.
        white: Paper or highlights as found, (r, g, b) encoded.
        note: What limited the estimate, if anything did.
        heritage: Version of the program that estimated it.
    """

    master: ToneMaster
    curves: tuple[Curve, Curve, Curve]
    field: Field | None
    strength: float
    ground: bool
    hue: str
    white: tuple[float, float, float]
    note: str = ""
    heritage: str = heritage.__version__

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.field is None and all(curve.is_identity for curve in self.curves)

    def to_json(self) -> bytes:
        """The record, in canonical JSON: equal tones have equal bytes."""
        record: dict[str, Any] = asdict(self)
        record["curves"] = [curve.knots for curve in self.curves]
        record["field"] = None if self.field is None else self.field.log_gain
        return canonical_json({"format": FORMAT, "status": "proposed", **record})


def places(first: int, last: int, size: int) -> Doubles:
    """Where the middles of pixels ``first <= i < last`` lie on a side of ``size``, 0..1."""
    return np.asarray((np.arange(first, last, dtype=np.float64) + 0.5) / size)


def apply_tone(tone: Tone, rgb: Floats, box: Box) -> Floats:
    """A rectangle of the master after the adjustment.

    Args:
        tone: The adjustment.
        rgb: (h, w, 3) float32 in 0..1 in the master's working space; left as it is.
        box: Where it lies in the master.

    Returns:
        (h, w, 3) float32 in 0..1; the same bits however the master is cut into rectangles.

    Raises:
        ValueError: The pixels do not fill the box.
    """
    if rgb.shape != (box.height, box.width, 3):
        raise ValueError(f"{rgb.shape} pixels do not fill {box}")
    down = places(box.y0, box.y1, tone.master.height)
    return adjusted(tone, rgb, down, places(box.x0, box.x1, tone.master.width))


def adjusted(tone: Tone, rgb: Floats, rows: Doubles, columns: Doubles) -> Floats:
    """The same for pixels at any places of the picture, such as those of a smaller version."""
    values = rgb.astype(np.float64)
    if tone.field is not None:
        values *= tone.field.gain(rows, columns)
    for channel, curve in enumerate(tone.curves):
        values[..., channel] = curve(values[..., channel])
    return values.astype(np.float32)


def invert_tone(tone: Tone, rgb: Floats, box: Box) -> Floats:
    """Take the adjustment back: ``apply_tone`` undone, up to rounding.

    Args:
        tone: The adjustment.
        rgb: (h, w, 3) float32 in 0..1, adjusted.
        box: Where it lies in the master.

    Returns:
        (h, w, 3) float32 in 0..1.
    """
    values = rgb.astype(np.float64)
    for channel, curve in enumerate(tone.curves):
        values[..., channel] = curve.inverse(values[..., channel])
    if tone.field is not None:
        down = places(box.y0, box.y1, tone.master.height)
        values /= tone.field.gain(down, places(box.x0, box.x1, tone.master.width))
    return np.clip(values, 0, 1).astype(np.float32)


def describe_tone(tone: Tone) -> dict[str, Any]:
    """What a provenance record says of a tone that was shown or applied."""
    return {
        "statement": "A separate, reversible adjustment of tone; no pixel of the master or of the "
        "restored file is changed by it.",
        "format": FORMAT,
        "parameters_sha256": digest(json.loads(tone.to_json())),
        "master_sha256": tone.master.sha256,
        "strength": tone.strength,
        "hue": tone.hue,
        "field": tone.field is not None,
        "identity": tone.is_identity,
        "heritage": tone.heritage,
    }


def read_tone(path: Path) -> Tone:
    """Read a record.

    Raises:
        ToneRefused: It is no tone record of this system.
        StorageFailed: It cannot be read.
    """
    try:
        record = json.loads(path.read_bytes())
        if record.pop("format") != FORMAT or record.pop("status") != "proposed":
            raise ValueError("of another format")
        known = record.pop("master")
        if known["value_range"] is not None:
            known["value_range"] = tuple(map(float, known["value_range"]))
        red, green, blue = (
            Curve(tuple((float(x), float(y)) for x, y in knots)) for knots in record.pop("curves")
        )
        grid = record.pop("field")
        field = None if grid is None else Field(_grid(grid))
        r, g, b = map(float, record.pop("white"))
        return Tone(ToneMaster(**known), (red, green, blue), field, white=(r, g, b), **record)
    except OSError as error:
        raise StorageFailed(f"cannot be read ({error.strerror})", path) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        words = "is no tone record that this version can read; estimate the tone again"
        raise ToneRefused(words, path) from error


def _grid(rows: Any) -> tuple[tuple[tuple[float, float, float], ...], ...]:  # noqa: ANN401
    return tuple(tuple((float(r), float(g), float(b)) for r, g, b in row) for row in rows)
