"""What a JPEG loses, for a batch of windows on any device (ITU-T T.81; JFIF 1.02 for the colours).

Only the lossy steps are made: colours at half resolution, cosine transform of blocks of 8 x 8,
rounding to multiples of the quantisation table. The coding that follows changes nothing.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from heritage.train.looks import LUMA

_UNIT = 16  # pixels that belong together: a block of colours is 8 wide at half resolution

# ITU-T T.81, annex K, tables K.1 and K.2.
_BRIGHTNESS = [
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
]  # fmt: skip
_COLOUR = [
    [17, 18, 24, 47, 99, 99, 99, 99], [18, 21, 26, 66, 99, 99, 99, 99],
    [24, 26, 56, 99, 99, 99, 99, 99], [47, 66, 99, 99, 99, 99, 99, 99],
    *([[99] * 8] * 4),
]  # fmt: skip


def through_jpeg(image: Tensor, quality: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """Images as they come back from a JPEG.

    Args:
        image: (N, 3, H, W) float32 in 0..1, at least 16 pixels a side.
        quality: (N,) whole numbers of libjpeg's scale, 1 to 100.
        top: Rows of the first block that lie outside, 0 to 15.
        left: Columns of it.

    Returns:
        (N, 3, H, W) float32 in 0..1.
    """
    height, width = image.shape[2:]
    bottom, right = (-(top + height) % _UNIT, -(left + width) % _UNIT)
    wide = functional.pad(image * 255, (left, right, top, bottom), mode="reflect")
    y, cb, cr = _apart(wide)
    colours = functional.avg_pool2d(torch.cat([cb, cr], dim=1), 2)
    y = _quantised(y - 128, _table(_BRIGHTNESS, quality)) + 128
    colours = _quantised(colours, _table(_COLOUR, quality))
    colours = functional.interpolate(colours, scale_factor=2, mode="bilinear", align_corners=False)
    back = _together(y, *colours.split(1, dim=1))
    return back[..., top : top + height, left : left + width].clamp(0, 255).round() / 255


def _apart(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r, g, b = rgb.split(1, dim=1)
    y = LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
    return y, (b - y) / 1.772, (r - y) / 1.402


def _together(y: Tensor, cb: Tensor, cr: Tensor) -> Tensor:
    r, b = y + 1.402 * cr, y + 1.772 * cb
    g = (y - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return torch.cat([r, g, b], dim=1)


def _table(base: list[list[int]], quality: Tensor) -> Tensor:
    """Quantisation tables (N, 1, 1, 8, 1, 8), scaled as libjpeg scales them."""
    quality = quality.to(torch.float32)
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    values = torch.tensor(base, dtype=torch.float32, device=quality.device)
    scaled = ((values * percent[:, None, None] + 50) / 100).floor().clamp(1, 255)
    return scaled[:, None, None, :, None, :]


def _quantised(plane: Tensor, table: Tensor) -> Tensor:
    """Planes (N, C, H, W) after rounding their cosine coefficients, H and W multiples of 8."""
    cosine = _cosines().to(plane.device)
    blocks = plane.unflatten(3, (-1, 8)).unflatten(2, (-1, 8))
    found = torch.einsum("ui,ncaibj,vj->ncaubv", cosine, blocks, cosine)
    kept = (found / table).round() * table
    back = torch.einsum("ui,ncaubv,vj->ncaibj", cosine, kept, cosine)
    return back.flatten(4, 5).flatten(2, 3)


def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values, (frequency, place)."""
    u, i = np.mgrid[0:8, 0:8]
    matrix = np.cos((2 * i + 1) * u * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return torch.from_numpy(matrix.astype(np.float32))
