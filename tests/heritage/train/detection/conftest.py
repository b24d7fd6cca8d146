import numpy as np
import pytest
from PIL import Image

from heritage.train.detection.recipe import read_detector_recipe

TINY = """task = "detection"
name = "tiny"
licence = "CC0-1.0"
pictures = "pictures"
masks = "masks"
minutes = 0.1
canvas = 96
crop = 64
batch = 3
fresh = 1
pool = 6
widths = [4, 4, 4, 4]
held_out = 0.34
"""


@pytest.fixture
def recipe(tmp_path):
    """A training on six painted pictures and four crack patterns."""
    rng = np.random.default_rng(3)
    for name in ("pictures", "masks"):
        (tmp_path / name).mkdir()
    for number in range(6):
        small = rng.integers(0, 255, (9, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "pictures" / f"{number}.png")
    for number in range(4):
        mask = np.zeros((100, 100), np.uint8)
        mask[20 + 15 * number : 23 + 15 * number] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"craquelure_{number}.png")
    (tmp_path / "r.toml").write_text(TINY)
    return read_detector_recipe(tmp_path / "r.toml")
