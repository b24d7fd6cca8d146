"""Every real file: restored with a random 2 % mask and proven, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from heritage.errors import MasterRefused
from heritage.restore.engine import restore
from heritage.restore.verify import verify
from heritage.tiff import inspect

FOLDER = Path(__file__).resolve().parents[4] / "shared/data/tiff/valid"
FILES = sorted(path.name for path in FOLDER.glob("*.[tT][iI][fF]*")) if FOLDER.is_dir() else []
SPOTS = 8


def random_damage(height: int, width: int) -> np.ndarray:
    """(h, w) bool: a few spots and specks, about 2 % of the picture, at least one pixel."""
    random = np.random.default_rng(height * width)
    mask = random.random((height, width)) < min(0.002, 20 / (height * width))
    side = max(1, int((0.018 * height * width / SPOTS) ** 0.5))
    for y, x in zip(
        random.integers(0, height, SPOTS), random.integers(0, width, SPOTS), strict=True
    ):
        mask[y : y + side, x : x + side] = True
    return mask


@pytest.mark.skipif(not FILES, reason="the shared test pictures are not here")
@pytest.mark.parametrize("name", FILES)
def test_a_real_master_is_restored_and_proven_or_refused_with_a_reason(name, tmp_path):
    source = FOLDER / name
    try:
        info = inspect(source)
    except MasterRefused as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert "\n" not in str(refused)
        assert len(refused.reason) > 20, "a reason is a sentence"
        return
    mask = random_damage(info.height, info.width)
    tifffile.imwrite(tmp_path / "mask.tif", mask.astype(np.uint8))
    done = restore(source, tmp_path / "mask.tif", "telea", tmp_path / "out")
    assert done.damaged_pixels == mask.sum()
    verify(done.folder).require()


@pytest.mark.skipif(not FILES, reason="the shared test pictures are not here")
def test_nearly_all_of_the_collection_can_be_restored():
    refused = 0
    for name in FILES:
        try:
            inspect(FOLDER / name)
        except MasterRefused:
            refused += 1
    assert refused <= len(FILES) // 8
