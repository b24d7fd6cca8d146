"""Between a master's samples and what networks see: gamma-encoded RGB, float32, 0..1.

Whole windows go one way; only damaged pixels ever come back. A pixel that the inpainter left as it
was keeps the very samples it had, whatever its colour space: see ``WorkingSpace.from_rgb``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heritage.restore import profiles

if TYPE_CHECKING:
    from heritage.tiff import MasterInfo

Floats = NDArray[np.float32]
Native = NDArray[Any]

# A sixteenth of a 16-bit level: a fill this close to what was there is what was there.
UNCHANGED = 2.0**-20
# GIS files mark "no data" with huge numbers; they are no colours and must not stretch the range.
NOT_A_COLOUR = 1e30
PLAIN_CMYK = "no usable ICC profile: CMYK converted by the plain formula R = (1 - C)(1 - K)"


def needs_value_range(dtype: str) -> bool:
    """Whether the scale of such samples is only known after looking at the whole master."""
    kind = np.dtype(dtype)
    return kind.kind == "f" or (kind.kind in "iu" and kind.itemsize > 2)


def value_range(known: Iterable[Native]) -> tuple[float, float]:
    """Smallest and largest usable value of a master.

    Args:
        known: Colour samples of undamaged pixels, in pieces of any shape.

    Returns:
        (0, 1) for samples that already lie there; the found range otherwise, never empty.
    """
    low, high = np.inf, -np.inf
    for piece in known:
        values = piece.astype(np.float64) if piece.dtype.kind == "f" else piece
        usable = values[np.abs(values) < NOT_A_COLOUR] if piece.dtype.kind == "f" else values
        if usable.size:
            low, high = min(low, float(usable.min())), max(high, float(usable.max()))
    if low > high or (low >= 0 and high <= 1):
        return 0.0, 1.0
    return (low, high) if high > low else (low, low + 1.0)


@dataclass(frozen=True)
class WorkingSpace:
    """How one master's samples become RGB and RGB becomes its samples.

    Args:
        dtype: numpy name of the master's samples.
        colour: The master's colour model.
        samples: Samples per pixel, alpha and extra ones included.
        colour_samples: How many of them are colour; they come first.
        low: Sample value shown to networks as 0.
        high: Sample value shown as 1.
        inverted: Grey where zero is white.
        palette: (n, 3) uint16 colours, for palette masters.
        icc: The profile in use (CMYK), if any.
        lab_encoding: How Lab is stored.
        note: What a reader of the provenance should know about the conversion.
    """

    dtype: str
    colour: str
    samples: int
    colour_samples: int
    low: float
    high: float
    inverted: bool = False
    palette: NDArray[np.uint16] | None = None
    icc: bytes | None = None
    lab_encoding: profiles.LabEncoding | None = None
    note: str = "encoded values used as they are"

    @classmethod
    def of(cls, info: MasterInfo, value_range: tuple[float, float] | None = None) -> WorkingSpace:
        """The working space of a master.

        Args:
            info: What ``heritage.tiff.inspect`` found.
            value_range: For floats and 32-bit integers: the master's range, from a scan.
        """
        low, high = value_range or _full_scale(info.dtype, info.bits)
        icc, note = None, "encoded values used as they are"
        if info.colour == "cmyk":
            icc = info.icc if profiles.usable_for_cmyk(info.icc) else None
            note = PLAIN_CMYK if icc is None else "CMYK through its ICC profile and ROMM RGB"
        elif info.colour == "lab":
            note = "Lab through ROMM RGB"
        elif info.colour == "palette":
            note = "nearest colour of the palette"
        return cls(
            dtype=info.dtype,
            colour=info.colour,
            samples=info.samples,
            colour_samples=info.colour_samples,
            low=low,
            high=high,
            inverted=info.white_is_zero and info.colour == "grey",
            palette=info.palette_table,
            icc=icc,
            lab_encoding=info.lab_encoding,
            note=note,
        )

    @property
    def has_grain(self) -> bool:
        """Whether noise makes sense here: not between two tones, not among palette entries."""
        return self.colour != "palette" and self.high - self.low > (0 if self._is_float else 15)

    @property
    def may_be_unusable(self) -> bool:
        """Whether samples can be something else than a colour at all."""
        return self._is_float

    @property
    def _is_float(self) -> bool:
        return np.dtype(self.dtype).kind == "f"

    def unusable(self, native: Native) -> NDArray[np.bool_]:
        """Pixels (h, w, samples) -> (h, w) that hold no colour: NaN, infinite, "no data"."""
        if not self._is_float:
            return np.zeros(native.shape[:-1], np.bool_)
        colour = native[..., : self.colour_samples].astype(np.float64)
        return np.asarray(~(np.abs(colour) < NOT_A_COLOUR).all(axis=-1))

    def to_rgb(self, native: Native) -> Floats:
        """Samples (..., samples) as networks see them: (..., 3) float32 in 0..1."""
        colour = native[..., : self.colour_samples]
        if self.colour == "palette":
            assert self.palette is not None
            index = np.minimum(colour[..., 0].astype(np.intp), len(self.palette) - 1)
            return (self.palette.astype(np.float32) / np.float32(65535))[index]
        if self.colour == "lab" and self.lab_encoding is not None and not self._is_float:
            return profiles.lab_to_rgb(profiles.decode_lab(colour, self.lab_encoding))
        if self.colour == "lab":
            return profiles.lab_to_rgb(np.nan_to_num(colour).astype(np.float32))
        unit = self._normalised(colour)
        if self.colour == "cmyk":
            if self.icc is None:
                return profiles.plain_cmyk_to_rgb(unit)
            return profiles.cmyk_to_rgb(unit, self.icc)
        return np.repeat(unit, 3, axis=-1) if self.colour_samples == 1 else unit

    def from_rgb(self, rgb: Floats, before: Native) -> Native:
        """Restored pixels in the master's own samples.

        Args:
            rgb: (..., 3) restored colours; clipped to 0..1.
            before: (..., samples) the master's samples there. Alpha and extra samples are kept, and
                so is every pixel whose colour did not change.

        Returns:
            (..., samples) in the master's dtype.
        """
        after = before.copy()
        rgb = np.clip(np.nan_to_num(rgb), 0, 1)
        after[..., : self.colour_samples] = self._encoded(rgb)
        same = (np.abs(rgb - self.to_rgb(before)) <= UNCHANGED).all(axis=-1)
        same &= ~self.unusable(before)
        after[same] = before[same]
        return after

    def _encoded(self, rgb: Floats) -> Native:
        dtype = np.dtype(self.dtype)
        if self.colour == "palette":
            return self._nearest_entry(rgb).astype(dtype)
        if self.colour == "lab" and self.lab_encoding is not None and not self._is_float:
            return profiles.encode_lab(profiles.rgb_to_lab(rgb), self.lab_encoding, dtype)
        if self.colour == "lab":
            return profiles.rgb_to_lab(rgb).astype(dtype)
        if self.colour == "cmyk":
            ink = (
                profiles.plain_rgb_to_cmyk(rgb)
                if self.icc is None
                else profiles.rgb_to_cmyk(rgb, self.icc)
            )
            return self._denormalised(ink)
        if self.colour_samples == 1:
            return self._denormalised(rgb.mean(axis=-1, keepdims=True, dtype=np.float64))
        return self._denormalised(rgb)

    def _normalised(self, colour: Native) -> Floats:
        if colour.dtype.itemsize <= 2 and colour.dtype.kind in "bu":
            unit = colour.astype(np.float32) / np.float32(self.high)
        else:
            wide = np.clip(colour.astype(np.float64), self.low, self.high)
            wide = (np.nan_to_num(wide, nan=self.low) - self.low) / (self.high - self.low)
            unit = wide.astype(np.float32)
        unit = np.minimum(unit, np.float32(1))
        return np.asarray(1 - unit if self.inverted else unit, np.float32)

    def _denormalised(self, unit: NDArray[np.floating[Any]]) -> Native:
        dtype = np.dtype(self.dtype)
        value = np.asarray(unit, np.float64)
        value = 1 - value if self.inverted else value
        value = self.low + value * (self.high - self.low)
        if dtype.kind == "b":
            return value >= 0.5
        if dtype.kind == "f":
            return value.astype(dtype)
        # float64 cannot hold the largest 64-bit integers: stay below them.
        limits = np.iinfo(dtype)
        value = np.clip(np.rint(value), self.low, np.nextafter(float(limits.max) + 1, 0))
        return np.clip(value, limits.min, None).astype(dtype)

    def _nearest_entry(self, rgb: Floats) -> NDArray[np.intp]:
        """Index of the closest palette colour; of equal ones, the first."""
        from scipy.spatial import cKDTree

        assert self.palette is not None
        colours, first = np.unique(self.palette, axis=0, return_index=True)
        flat = np.asarray(rgb, np.float64).reshape(-1, 3) * 65535
        _, nearest = cKDTree(colours.astype(np.float64)).query(flat)
        return np.asarray(first[nearest], np.intp).reshape(*rgb.shape[:-1], 1)


def _full_scale(dtype: str, bits: int) -> tuple[float, float]:
    """Smallest and largest storable value."""
    kind = np.dtype(dtype).kind
    if kind in "bf":
        return 0.0, 1.0
    if kind == "i":
        return float(-(2 ** (bits - 1))), float(2 ** (bits - 1) - 1)
    return 0.0, float(2**bits - 1)
