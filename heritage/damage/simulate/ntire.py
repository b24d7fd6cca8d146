"""The mask types of the NTIRE 2022 image inpainting challenge.

A. Romero et al., "NTIRE 2022 Image Inpainting Challenge: Report", CVPR Workshops 2022. It scored
pictures of WikiArt, among others. The strokes are those of R. Suvorov et al., "Resolution-robust
Large Mask Inpainting with Fourier Convolutions", WACV 2022, whose sizes are stated for pictures of
512 pixels; here they grow and shrink with the shorter side. The challenge drew its masks once and
shipped them; these are new draws from the same distributions, not its files.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from heritage.damage.simulate.fields import Mask


def completion(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Everything on one side of a straight border is missing: 20 to 80 % of the picture."""
    mask = np.zeros((height, width), np.uint8)
    turned = np.rot90(mask, int(rng.integers(4)))
    turned[: max(1, int(turned.shape[0] * rng.uniform(0.2, 0.8)))] = 1
    return mask


def expand(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Only a square in the middle is known; its side is 1/4, 1/3 or 1/2 of the shorter side."""
    mask = np.ones((height, width), np.uint8)
    reach = min(height, width) // (4, 3, 2)[int(rng.integers(3))] // 2
    y, x = height // 2, width // 2
    mask[y - reach : y + reach, x - reach : x + reach] = 0
    return mask


def every_n_lines(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Every second, third, fourth or fifth row is missing, or every such column."""
    mask = np.zeros((height, width), np.uint8)
    spacing = int(rng.integers(2, 6))
    if rng.random() < 0.5:
        mask[::spacing] = 1
    else:
        mask[:, ::spacing] = 1
    return mask


def nearest_neighbour(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Only one pixel of every 2 x 2, 3 x 3 or 4 x 4 is known."""
    mask = np.ones((height, width), np.uint8)
    spacing = int(rng.integers(2, 5))
    mask[::spacing, ::spacing] = 0
    return mask


@dataclass(frozen=True)
class Strokes:
    """Broad strokes and boxes; lengths in pixels of a picture of 512 x 512.

    Attributes:
        strokes: Fewest and most strokes.
        length: Greatest length of one move of the brush.
        width: Greatest width of a stroke.
        boxes: Fewest and most boxes, where there are any; they are in three masks of ten.
        box: Smallest and largest side of a box.
    """

    strokes: tuple[int, int]
    length: int
    width: int
    boxes: tuple[int, int] = (0, 0)
    box: tuple[int, int] = (30, 150)

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Mask:
        """Draw a mask; one that covers more than 70 % is drawn again."""
        while True:
            mask = np.zeros((height, width), np.uint8)
            for _ in range(int(rng.integers(self.strokes[0], self.strokes[1] + 1))):
                self._stroke(rng, mask)
            if self.boxes[1] and rng.random() < 0.3:
                for _ in range(int(rng.integers(self.boxes[0], self.boxes[1] + 1))):
                    self._box(rng, mask)
            if mask.mean() <= 0.7:
                return mask

    def _stroke(self, rng: np.random.Generator, mask: Mask) -> None:
        """Up to five moves of a brush that turns sharply back and forth."""
        height, width = mask.shape
        unit = min(height, width) / 512
        x, y = int(rng.integers(width)), int(rng.integers(height))
        for move in range(int(rng.integers(1, 6))):
            angle = 0.01 + float(rng.integers(4))
            angle = 2 * np.pi - angle if move % 2 else angle
            length = (10 + rng.uniform(0, self.length)) * unit
            thick = max(1, round((5 + rng.uniform(0, self.width)) * unit))
            end_x = int(np.clip(x + length * np.sin(angle), 0, width))
            end_y = int(np.clip(y + length * np.cos(angle), 0, height))
            cv2.line(mask, (x, y), (end_x, end_y), color=1, thickness=thick)
            x, y = end_x, end_y

    def _box(self, rng: np.random.Generator, mask: Mask) -> None:
        """One box, ten pixels or more from the border."""
        height, width = mask.shape
        unit = min(height, width) / 512
        h, w = (max(1, int(rng.uniform(*self.box) * unit)) for _ in range(2))
        margin = int(10 * unit)
        y = int(rng.integers(margin, max(margin + 1, height - margin - h)))
        x = int(rng.integers(margin, max(margin + 1, width - margin - w)))
        mask[y : y + h, x : x + w] = 1


thin = Strokes(strokes=(4, 70), length=100, width=20)
medium = Strokes(strokes=(4, 10), length=200, width=100, boxes=(1, 3))
thick = Strokes(strokes=(1, 5), length=450, width=250, boxes=(1, 4))
