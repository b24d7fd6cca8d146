"""The README's picture: two details of the example at 100 %, before and after.

python docs/images/make.py RESTORED.tif
"""

import sys
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

HERE = Path(__file__).parent
HEIGHT, WIDTH = 360, 480
DETAILS = ((420, 900), (1555, 960))


def main(restored: Path) -> None:
    """Cut, put side by side, write."""
    before = tifffile.imread(HERE.parents[1] / "examples" / "classical_landscape.tif")
    after = tifffile.imread(restored)
    rows = []
    for y, x in DETAILS:
        pair = [picture[y : y + HEIGHT, x : x + WIDTH] for picture in (before, after)]
        gap = np.full((HEIGHT, 8, 3), 255, np.uint8)
        rows.append(np.concatenate([pair[0], gap, pair[1]], axis=1))
    space = np.full((8, rows[0].shape[1], 3), 255, np.uint8)
    sheet = np.concatenate([rows[0], space, rows[1]], axis=0)
    Image.fromarray(sheet).save(HERE / "before-after.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
