"""Pages and prints that have aged in a known way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from heritage.tone.curve import Curve
from heritage.tone.field import Field
from heritage.tone.tone import Tone, ToneMaster

Floats = NDArray[np.float32]


def page(height: int = 240, width: int = 200) -> Floats:
    """Written paper of (0.85, 0.84, 0.8), lines of ink on it."""
    rng = np.random.default_rng(3)
    picture = np.full((height, width, 3), (0.85, 0.84, 0.8))
    for row in range(20, height - 20, 12):
        ink = rng.random((4, width - 60)) < 0.4
        picture[row : row + 4, 30 : width - 30][ink] = (0.1, 0.08, 0.06)
    return (picture + rng.normal(0, 0.004, picture.shape)).clip(0, 1).astype(np.float32)


def print_of_brown(height: int = 200, width: int = 240) -> Floats:
    """A photograph in brown tones, of one hue from black to white, that has lost contrast."""
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    light = 0.5 + 0.3 * np.sin(5 * rows) * np.cos(7 * columns) + 0.18 * (columns - 0.5)
    light = 0.2 + 0.55 * (light - light.min()) / np.ptp(light)
    return (light[..., None] * np.array((1.0, 0.8, 0.6))).astype(np.float32)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a picture of 0..1 as a TIFF."""

    def write(picture: Floats, name: str = "sheet", depth: int = 16, **options: object) -> Path:
        path = tmp_path / f"{name}.tif"
        levels = np.rint(picture * (2**depth - 1)).astype(f"u{depth // 8}")
        kind = "rgb" if picture.ndim == 3 else "minisblack"
        tifffile.imwrite(path, levels, **({"photometric": kind, "tile": (64, 64)} | options))
        return path

    return write


@pytest.fixture
def tone() -> Tone:
    """One with everything in it, for a master of 61 x 83 pixels."""
    rng = np.random.default_rng(1)
    grid = np.round(rng.uniform(-0.2, 0.3, (6, 7, 3)), 6)
    field = Field(tuple(tuple((r, g, b) for r, g, b in row) for row in grid.tolist()))
    curves = tuple(
        Curve(((0.0, 0.0), (0.1 + shift, 0.07), (0.7, 0.8), (1.36, 1.0)))
        for shift in (0.0, 0.01, 0.02)
    )
    master = ToneMaster("a.tif", "0" * 64, 0, 61, 83)
    return Tone(master, curves, field, 0.8, True, "neutralised", (0.7, 0.7, 0.6))
