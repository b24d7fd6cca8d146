"""The cases to be solved: a picture whose truth is known, and a hole in it.

Picture and family decide the hole, so that two people get the same ones.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from heritage.damage.simulate import FAMILIES, simulate
from heritage.errors import MaskRefused
from heritage.evaluate.families import GIVEN, REAL
from heritage.evaluate.metrics import Mask
from heritage.evaluate.pictures import (
    SMALLEST,
    PictureRefused,
    Pixels,
    by_stem,
    read_mask,
    read_picture,
)

Depth = TypeVar("Depth", np.uint8, np.bool_)


@dataclass(frozen=True)
class Case:
    """One picture with one hole.

    Attributes:
        family: The kind of damage.
        stem: The picture's file name without suffix.
        truth: (H, W, 3), 8 bits.
        mask: (H, W), True where pixels are to be filled; neither empty nor everything.
    """

    family: str
    stem: str
    truth: Pixels
    mask: Mask

    @property
    def sha256(self) -> str:
        """Of picture and hole: the same case has the same fill."""
        digest = hashlib.sha256(repr(self.mask.shape).encode())
        digest.update(self.truth.tobytes())
        digest.update(np.packbits(self.mask).tobytes())
        return digest.hexdigest()

    @property
    def damaged(self) -> Pixels:
        """The picture with nothing (black) in the hole: all that an inpainter may know."""
        return np.where(self.mask[..., None], np.uint8(0), self.truth)


@dataclass(frozen=True)
class Material:
    """What cases are made from.

    Attributes:
        pictures: File of every picture, by stem.
        given: Files of each picture that has a mask of its own, and of that mask, by stem.
        real: Masks of real damage for the family ``real``.
        side: Largest side of a case, in pixels.
    """

    pictures: Mapping[str, Path]
    given: Mapping[str, tuple[Path, Path]]
    real: Sequence[Pixels]
    side: int

    @property
    def names(self) -> list[str]:
        """File names of all pictures that occur."""
        files = dict(self.pictures) | {stem: picture for stem, (picture, _) in self.given.items()}
        return [files[stem].name for stem in sorted(files)]

    @property
    def masks(self) -> list[str]:
        """Families that the masks at hand allow."""
        return [REAL] * bool(self.real) + [GIVEN] * bool(self.given)


def find_material(
    images: Path, masks: Path | None = None, side: int = 512, limit: int | None = None
) -> Material:
    """Look through the folders.

    Args:
        images: Pictures (JPEG, PNG, 8-bit TIFF); what lies in folders below is not looked at.
        masks: Masks, white where damage is. Those named like a picture belong to it; if there is no
            such mask, all are damage for the family ``real``.
        side: Largest side of a case, in pixels.
        limit: Use only so many pictures, evenly chosen; and so many of those with their own mask.

    Raises:
        PictureRefused: If there is no picture, or two have one name.
        MaskRefused: If there is no mask, or one cannot be read.
    """
    found = by_stem(images)
    if not found:
        raise PictureRefused("holds no pictures (JPEG, PNG or TIFF)", images)
    pictures = {stem: found[stem] for stem in _some(list(found), limit)}
    if masks is None:
        return Material(pictures, {}, [], side)
    present = by_stem(masks)
    if not present:
        raise MaskRefused("holds no masks (PNG or TIFF, white where damage is)", masks)
    named = _some([stem for stem in found if stem in present], limit)
    if named:
        return Material(pictures, {stem: (found[stem], present[stem]) for stem in named}, [], side)
    real = [mask.astype(np.uint8) for mask in map(read_mask, present.values())]
    real = [mask for mask in real if min(mask.shape) >= SMALLEST and mask.any()]
    if not real:
        raise MaskRefused(f"no mask in it has {SMALLEST} pixels a side and any damage", masks)
    return Material(pictures, {}, real, side)


def cases_of(material: Material, family: str) -> Iterator[Case]:
    """The cases of one family, in the order of the pictures' names; one at a time in memory.

    Raises:
        PictureRefused: If a picture cannot be read.
        MaskRefused: If a given mask does not fit its picture, or says nothing.
    """
    if family == GIVEN:
        for stem, (path, mask_path) in material.given.items():
            yield _given(stem, path, mask_path, material.side)
        return
    for stem, path in material.pictures.items():
        picture = read_picture(path)
        truth = _square(picture, material.side, (picture.shape[0] // 2, picture.shape[1] // 2))
        height, width = truth.shape[:2]
        yield Case(family, stem, truth, hole(family, stem, height, width, material.real))


def seed_of(family: str, stem: str) -> int:
    """Seed of the hole in a picture: the same for everybody."""
    return zlib.crc32(f"{family}/{stem}".encode())


def hole(family: str, stem: str, height: int, width: int, real: Sequence[Pixels] = ()) -> Mask:
    """The hole that a family has for a picture: (height, width), neither empty nor everything."""
    rng = np.random.default_rng(seed_of(family, stem))
    while True:
        if family == REAL:
            mask = simulate(rng, height, width, {REAL: 1.0}, real)
        else:
            mask = FAMILIES[family](rng, height, width)
        if 0 < np.count_nonzero(mask) < mask.size:
            return np.asarray(mask, bool)


def _some(stems: list[str], limit: int | None) -> list[str]:
    """So many of them, evenly chosen."""
    if limit is None or limit >= len(stems):
        return stems
    return [stems[number * len(stems) // limit] for number in range(limit)]


def _given(stem: str, path: Path, mask_path: Path, side: int) -> Case:
    """A picture with its own mask, cut to a square around the damage."""
    picture, mask = read_picture(path), read_mask(mask_path)
    if mask.shape != picture.shape[:2]:
        sizes = " and ".join(f"{s[1]} x {s[0]}" for s in (mask.shape, picture.shape))
        raise MaskRefused(f"has another size than {path.name}: {sizes} pixels", mask_path)
    if not mask.any():
        raise MaskRefused("marks no damage (white); draw some, or leave it out", mask_path)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    centre = (int(rows[0] + rows[-1]) // 2, int(columns[0] + columns[-1]) // 2)
    cut = _square(mask, side, centre)
    if cut.all() or not cut.any():
        raise MaskRefused(
            f"the {side} pixels around the middle of its damage are all damage or none; "
            "choose another --side",
            mask_path,
        )
    return Case(GIVEN, stem, _square(picture, side, centre), cut)


def _square(pixels: NDArray[Depth], side: int, centre: tuple[int, int]) -> NDArray[Depth]:
    """A square of at most ``side`` pixels around a place, inside the picture, at its own scale."""
    size = min(side, *pixels.shape[:2])
    top, left = (
        min(max(0, middle - size // 2), length - size)
        for middle, length in zip(centre, pixels.shape[:2], strict=True)
    )
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])
