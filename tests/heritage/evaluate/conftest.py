"""Small pictures with edges and grain, as files and as arrays."""

import numpy as np
import pytest
from PIL import Image


def _picture(seed: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    base = np.stack([y, x, 0.5 + 0.3 * np.sin(9 * x + seed)], axis=2)
    base[int(side * 0.38) : int(side * 0.46)] *= 0.4  # a dark band with sharp edges
    grainy = base + rng.normal(0, 0.04, base.shape)
    return np.clip(grainy * 255, 0, 255).astype(np.uint8)


@pytest.fixture
def picture():
    """(192, 192, 3) float32 in 0..1: large enough for five scales."""
    return _picture(1, 192).astype(np.float32) / 255


@pytest.fixture
def hole():
    """(192, 192) bool: a square of 64 pixels."""
    mask = np.zeros((192, 192), bool)
    mask[64:128, 64:128] = True
    return mask


@pytest.fixture
def images(tmp_path):
    """A folder of three pictures of 64 pixels."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.jpg")):
        Image.fromarray(_picture(number, 64)).save(folder / name, quality=95)
    return folder
