"""What the default cannot do, shown on undamaged places of the example.

    python benchmarks/known_failures.py --out docs/images/art-failures.jpg [--model NAME]

Rows: two heads, two dogs, a capital; damaged, filled, as painted. At 100 %.
"""

import argparse
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image

import models
from heritage.damage.simulate import FAMILIES
from models.inpainter import Inpainter

EXAMPLE = Path(__file__).parents[1] / "examples" / "classical_landscape.tif"
SIDE = 320
PLACES = {"heads": (1760, 150, 3), "dogs": (1900, 740, 1), "capital": (690, 1800, 0)}
HOLE = (255, 0, 170)


def row(picture: np.ndarray, seed: int, inpainter: Inpainter) -> np.ndarray:
    """Damaged, filled, as painted, side by side: (H, 3 W, 3) uint8."""
    mask = FAMILIES["thick"](np.random.default_rng(seed), *picture.shape[:2]).astype(bool)
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    filled = inpainter(image, torch.from_numpy(mask)[None, None])[0].permute(1, 2, 0).numpy()
    damaged = picture.copy()
    damaged[mask] = HOLE
    return np.hstack([damaged, (filled * 255).round().astype(np.uint8), picture])


def main() -> None:
    """Cut, damage, fill, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model")
    given = parser.parse_args()
    inpainter = models.load(given.model, "cpu")
    master = tifffile.imread(EXAMPLE)[..., :3]
    mask = tifffile.imread(EXAMPLE.with_suffix(".mask.tif")) > 0
    rows = []
    for name, (y, x, seed) in PLACES.items():
        place = np.s_[y : y + SIDE, x : x + SIDE]
        assert not mask[place].any(), f"{name} is damaged already"
        rows.append(row(np.ascontiguousarray(master[place]), seed, inpainter))
    Image.fromarray(np.vstack(rows)).save(given.out, quality=90)


if __name__ == "__main__":
    main()
