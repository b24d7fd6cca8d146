"""Small masters with restorations, written as archives write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from heritage.damage.masks import import_mask, open_mask
from heritage.restore.layer import BlockEncoder, LayerFormat, write_layer

HEIGHT, WIDTH = 701, 933


@dataclass(frozen=True)
class Restored:
    """A master, its restoration, and the pixels of all of it."""

    master: Path
    folder: Path
    cache: Path
    damaged: np.ndarray
    filled: np.ndarray
    mask: np.ndarray

    @property
    def restored(self) -> Path:
        return self.folder / f"{self.folder.name}.restored.tif"


def write(path: Path, pixels: np.ndarray, levels: int = 0, **how: Any) -> None:
    """A TIFF, with smaller versions in it if asked for."""
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    how = {"photometric": "rgb" if pixels.shape[-1] == 3 else "minisblack", "metadata": None} | how
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, subifds=levels, **how)
        for level in range(1, levels + 1):
            small = cv2.resize(
                pixels, None, fx=0.5**level, fy=0.5**level, interpolation=cv2.INTER_AREA
            )
            file.write(small, subfiletype=1, **how)


@pytest.fixture(scope="session")
def written():
    return write


@pytest.fixture(scope="session")
def painting():
    """A picture with grounds, edges and grain: (dtype, samples, height, width) -> pixels."""

    def paint(dtype="uint8", samples=3, height=HEIGHT, width=WIDTH):
        rng = np.random.default_rng(5)
        y, x = np.mgrid[:height, :width]
        shades = [0.5 + 0.3 * np.sin(x / (31 + 7 * c)) * np.cos(y / 47) for c in range(samples)]
        picture = np.dstack(shades) + rng.normal(0, 0.02, (height, width, 1))
        picture[height // 3 : height // 2, width // 4 : width // 3] = 0.95
        return np.rint(np.clip(picture, 0, 1) * np.iinfo(dtype).max).astype(dtype)

    return paint


@pytest.fixture(scope="session")
def damage():
    """Cracks, losses and specks, (height, width) -> bool."""

    def mark(height=HEIGHT, width=WIDTH):
        mask = np.zeros((height, width), np.uint8)
        cv2.line(mask, (20, 30), (width - 40, height - 90), 1, 3)
        cv2.line(mask, (width - 10, 5), (width // 2 + 60, height // 3), 1, 1)
        cv2.circle(mask, (150, 480), 60, 1, -1)
        cv2.circle(mask, (700, 500), 35, 1, 4)
        mask[0, 0] = mask[-1, -1] = 1
        mask[500:524, 505:530] = 1
        return mask.astype(bool)

    return mark


@pytest.fixture
def restoration(tmp_path, painting, damage):
    """A master and its restoration on disk: (dtype, samples, levels, TIFF options)."""

    def make(dtype="uint8", samples=3, levels=0, height=HEIGHT, width=WIDTH, **how):
        clean, mask = painting(dtype, samples, height, width), damage(height, width)
        damaged = clean.copy()
        damaged[mask] = np.iinfo(dtype).max // 20
        filled = clean.copy()
        filled[mask] = np.rint(clean[mask] * 0.9).astype(dtype)
        folder = tmp_path / "work" / "portrait"
        folder.mkdir(parents=True)
        master = tmp_path / "portrait.tif"
        write(master, damaged, levels, **how)
        write(folder / "portrait.restored.tif", filled, 0, **how)
        tifffile.imwrite(tmp_path / "mask.tif", mask.astype(np.uint8) * 255)
        path = folder / "portrait.mask.tif"
        import_mask(tmp_path / "mask.tif", path, height, width)
        layer = LayerFormat(height, width, samples, dtype, None)
        encoder = BlockEncoder(layer)
        with open_mask(path) as reader:
            blocks = [
                (box, encoder.encode(filled[box.slices][mask[box.slices]], mask[box.slices]))
                for box in reader.blocks()
            ]
        write_layer(folder / "portrait.layer.tif", layer, blocks)
        return Restored(master, folder, tmp_path / "cache", damaged, filled, mask)

    return make
