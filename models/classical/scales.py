"""One picture at several scales, with its holes, and the texture that coarse scales would lose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from scipy import ndimage
from torch import Tensor

from models.classical.patches import HALF, SIDE

_LEVELS = 8
_LEAST_SOURCES = 256  # known patches below which copying is no choice among alternatives
_TEXTURE = 7.0  # weight of texture against colour: the root of Newson et al.'s 50


@dataclass(frozen=True)
class Scale:
    """One scale of a picture.

    Attributes:
        picture: (H, W, 5) float32: red, green, blue, and the texture along each axis.
        holes: (H, W) bool.
        depth: (H, W) float32: pixels to the nearest known one, 0 where known.
    """

    picture: Tensor
    holes: Tensor
    depth: Tensor


def make_scales(picture: Tensor, holes: Tensor) -> list[Scale]:
    """Halve a picture until its deepest hole is about as deep as half a patch.

    Args:
        picture: (H, W, 3) float32 in 0..1.
        holes: (H, W) bool; not everything.

    Returns:
        Scales, the finest first; none where too few patches are wholly known to copy from.
    """
    if not _enough_sources(holes):
        return []
    depth = depth_of(holes)
    count = 1
    while count < _LEVELS and float(depth.max()) > HALF * 2 ** (count - 1):
        count += 1
    known = (~holes)[None, None].float()
    planes = picture.permute(2, 0, 1)[None]
    planes = torch.cat([planes, texture(planes, known, 2**count + 1) * _TEXTURE], 1)
    scales = [Scale(_last(planes), holes, depth)]
    while len(scales) < count:
        planes, known = halve(planes, known, least=0.5)
        holes = known[0, 0] == 0
        if not bool(holes.any()) or not _enough_sources(holes):
            break
        scales.append(Scale(_last(planes), holes, depth_of(holes)))
    return scales


def halve(planes: Tensor, known: Tensor, least: float = 0.0) -> tuple[Tensor, Tensor]:
    """Half the scale, every pixel the mean of the known ones among its four.

    Args:
        planes: (1, C, H, W), zero where not known.
        known: (1, 1, H, W), 1 or 0.
        least: Share of the four that must be known, or more than none, for the mean to be.
    """
    share = F.avg_pool2d(known, 2, ceil_mode=True)
    mean = F.avg_pool2d(planes * known, 2, ceil_mode=True) / share.clamp(min=1e-9)
    enough = ((share > 0) & (share >= least)).float()
    return mean * enough, enough


def smooth_fill(planes: Tensor, known: Tensor) -> Tensor:
    """Fill holes from their surroundings alone, by means at ever larger scales.

    Args:
        planes: (1, C, H, W).
        known: (1, 1, H, W), 1 or 0; at least one pixel is known.

    Returns:
        (1, C, H, W).
    """
    if bool((known > 0).all()):
        return planes
    smaller = smooth_fill(*halve(planes, known))
    return torch.where(known > 0, planes, enlarge(smaller, *planes.shape[2:]))


def enlarge(planes: Tensor, height: int, width: int) -> Tensor:
    """Twice the scale, cut to the size that was halved."""
    large = F.interpolate(planes, scale_factor=2.0, mode="bilinear", align_corners=False)
    return large[..., :height, :width]


def texture(colours: Tensor, known: Tensor, side: int) -> Tensor:
    """How rough the picture is around every known pixel (Newson et al. 2014, section 3.3).

    Args:
        colours: (1, 3, H, W).
        known: (1, 1, H, W), 1 or 0.
        side: Odd number of pixels to average over.

    Returns:
        (1, 2, H, W): mean absolute difference between known vertical, and horizontal, neighbours.
    """
    grey = colours.mean(1, keepdim=True)
    below, right = (0, 0, 0, 1), (0, 1, 0, 0)
    planes = []
    for axis, margin in ((2, below), (3, right)):
        length = known.shape[axis] - 1
        both = known.narrow(axis, 1, length) * known.narrow(axis, 0, length)
        step = F.pad(grey.diff(dim=axis).abs() * both, margin)
        counted = box_mean(F.pad(both, margin), side).clamp(min=1e-6)
        planes.append(box_mean(step, side) / counted * known)
    return torch.cat(planes, 1)


def box_mean(plane: Tensor, side: int) -> Tensor:
    """Mean over a square of odd side around every pixel, zeros outside."""
    rows = F.avg_pool2d(plane, (side, 1), 1, (side // 2, 0))
    return F.avg_pool2d(rows, (1, side), 1, (0, side // 2))


def depth_of(holes: Tensor) -> Tensor:
    """(H, W) chessboard distance to the nearest known pixel; beyond the picture nothing is."""
    wide = F.pad(holes, (1, 1, 1, 1), value=True).cpu().numpy()
    depth = ndimage.distance_transform_cdt(wide, "chessboard")[1:-1, 1:-1]
    return torch.from_numpy(depth.astype("float32")).to(holes.device)


def _enough_sources(holes: Tensor) -> bool:
    if min(holes.shape) < SIDE:
        return False
    touched = F.max_pool2d(holes[None, None].float(), SIDE, 1)
    return int((touched == 0).sum()) >= _LEAST_SOURCES


def _last(planes: Tensor) -> Tensor:
    return planes[0].permute(1, 2, 0).contiguous()
