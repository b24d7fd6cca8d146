"""Masters and masks that benchmarks are run on: made, never anybody's pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import tifffile

TILE = 512


def write_master(
    path: Path, height: int, width: int, dtype: str = "uint8", compression: str | None = None,
    strips: bool = False,
) -> None:  # fmt: skip
    """An RGB master of slow waves with grain.

    Args:
        path: The file.
        height: Rows.
        width: Columns.
        dtype: ``uint8`` or ``uint16``.
        compression: As tifffile names it; None for none.
        strips: In strips of 32 rows, else in tiles of 512 x 512.
    """
    fast = {"zlib": 1, "deflate": 1, "zstd": 3}
    if strips:
        pieces = _strips(height, width, dtype)
        layout: dict[str, object] = {"rowsperstrip": 32}
    else:
        pieces, layout = _tiles(height, width, dtype), {"tile": (TILE, TILE)}
    if compression is not None:
        layout |= {"compression": compression, "predictor": True}
    if compression in fast:
        layout["compressionargs"] = {"level": fast[compression]}
    tifffile.imwrite(
        path, pieces, shape=(height, width, 3), dtype=dtype, photometric="rgb", metadata=None,
        bigtiff=True, **layout,
    )  # fmt: skip


def write_mask(path: Path, height: int, width: int, share: float, seed: int = 0) -> None:
    """A mask of long cracks, losses and specks that covers about a share of the picture."""
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    size = np.array([width, height])
    reach = max(8, min(400, min(height, width) // 4))
    while np.count_nonzero(mask) < share * mask.size:
        for _ in range(max(1, mask.size // 20_000_000)):
            start = random.integers(0, size)
            for _ in range(6):
                end = start + random.integers(-reach, reach, 2)
                cv2.line(mask, start.tolist(), end.tolist(), 255, int(random.integers(3, 9)))
                start = end
            spot = random.integers(0, size).tolist()
            axes = random.integers(reach // 20 + 1, reach * 5 // 8, 2).tolist()
            cv2.ellipse(mask, spot, axes, float(random.integers(180)), 0, 360, 255, -1)
    specks = random.integers(0, size, (int(share * 0.002 * mask.size / 4), 2))
    for x, y in specks:
        mask[y : y + 2, x : x + 2] = 255
    tifffile.imwrite(path, mask, compression="zlib", tile=(TILE, TILE))


def write_corner(path: Path, height: int, width: int, share: float) -> None:
    """A mask whose damage lies in one corner: dense losses, a share of the picture in all."""
    mask = np.zeros((height, width), np.uint8)
    rows, columns = (round(size * (share / 0.9) ** 0.5) for size in (height, width))
    random = np.random.default_rng(0)
    mask[:rows, :columns] = 255 * (random.random((rows, columns)) < 0.9)
    tifffile.imwrite(path, mask, compression="zlib", tile=(TILE, TILE))


def _piece(y: int, x: int, height: int, width: int, dtype: str, random: np.random.Generator,
           grain: np.ndarray) -> np.ndarray:  # fmt: skip
    rows, columns = np.arange(y, y + height)[:, None], np.arange(x, x + width)[None]
    wave = 128 + 60 * np.sin(rows / 90) * np.cos(columns / 70) + 30 * np.sin(columns / 900)
    dy, dx = random.integers(0, 64, 2)
    pixels = wave[..., None] * (1.0, 0.9, 0.8) + grain[dy : dy + height, dx : dx + width]
    scale = 257 if dtype == "uint16" else 1
    return (np.clip(pixels, 0, 255) * scale).astype(dtype)


def _tiles(height: int, width: int, dtype: str) -> Iterator[np.ndarray]:
    random = np.random.default_rng(1)
    grain = random.normal(0, 3, (TILE + 64, TILE + 64, 3))
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            yield _piece(y, x, TILE, TILE, dtype, random, grain)


def _strips(height: int, width: int, dtype: str) -> Iterator[np.ndarray]:
    random = np.random.default_rng(1)
    grain = random.normal(0, 3, (32 + 64, width + 64, 3))
    for y in range(0, height, 32):
        yield _piece(y, 0, min(32, height - y), width, dtype, random, grain)
