"""What the learned detector misses, and what it takes for damage, on the example painting.

    python benchmarks/detection_failures.py --out docs/images/detection-failures.jpg

Rows: stains, dirt, a burn, flaking, rendered beside the example's own cracks and losses; then the
sound place in which most is called damaged. Columns: the picture, the truth (white), what is found
(white). At 100 %.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from heritage.damage.detect.learned import Learned
from heritage.damage.simulate import render

EXAMPLE = Path(__file__).parents[1] / "examples" / "classical_landscape.tif"
SIDE = 320
PLACES = {"stains": (300, 300, 3), "dirt": (690, 1300, 1), "burns": (1200, 500, 2),
          "flaking": (1500, 1200, 4)}  # fmt: skip


def row(detector: Learned, picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Picture, truth and what is found, side by side: uint8 (H, 3 W, 3)."""
    edge = detector.context
    whole = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_REFLECT_101)
    found = detector.detect(whole).confidence[edge:-edge, edge:-edge] >= 0.5
    maps = [np.repeat(each[..., None] * np.uint8(255), 3, axis=2) for each in (truth, found)]
    return np.hstack([np.rint(picture * 255).astype(np.uint8), *maps])


def main() -> None:
    """Cut, damage, search, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    detector = Learned()
    master = tifffile.imread(EXAMPLE)[..., :3].astype(np.float32) / 255
    mask = tifffile.imread(EXAMPLE.with_suffix(".mask.tif")) > 0
    rows = []
    for kind, (y, x, seed) in PLACES.items():
        place = np.ascontiguousarray(master[y : y + SIDE, x : x + SIDE])
        made = render(np.random.default_rng(seed), place, {kind: 1.0})
        truth = (made.classes > 0) | mask[y : y + SIDE, x : x + SIDE]
        rows.append(row(detector, made.picture, truth))
    y, x = most_called(detector, master, mask)
    place = np.ascontiguousarray(master[y : y + SIDE, x : x + SIDE])
    rows.append(row(detector, place, np.zeros((SIDE, SIDE), bool)))
    Image.fromarray(np.vstack(rows)).save(given.out, quality=85)


def most_called(detector: Learned, master: np.ndarray, mask: np.ndarray) -> tuple[int, int]:
    """The sound place in which most is called damaged: its first row and column."""
    edge = detector.context
    whole = cv2.copyMakeBorder(master, edge, edge, edge, edge, cv2.BORDER_REFLECT_101)
    found = detector.detect(whole).confidence[edge:-edge, edge:-edge] >= 0.5
    best, where = -1, (0, 0)
    for y in range(0, master.shape[0] - SIDE, SIDE // 2):
        for x in range(0, master.shape[1] - SIDE, SIDE // 2):
            place = np.s_[y : y + SIDE, x : x + SIDE]
            called = -1 if mask[place].any() else int(found[place].sum())
            if called > best:
                best, where = called, (y, x)
    return where


if __name__ == "__main__":
    main()
