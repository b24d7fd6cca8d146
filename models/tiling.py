"""Pictures of any size through a network that works at one size only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

from models.padding import pad_to_multiple

Complete = Callable[[Tensor, Tensor], Tensor]

_ENOUGH = 0.1  # share of known pixels that a tile must have to be solved by itself


def complete_tiled(
    complete: Complete, image: Tensor, mask: Tensor, side: int, together: int = 8
) -> Tensor:
    """Fill pictures of any size by a network for ``side`` x ``side`` pixels.

    A smaller picture is mirrored until it fills a tile. A larger one is cut into tiles that overlap
    by half and fade into each other; only those that touch a hole are computed. A tile that sees
    almost nothing but hole is given the picture as it was solved at a scale where it fits into one
    tile: so context reaches the middle of any hole.

    Args:
        complete: (b, 3, side, side), (b, 1, side, side) to (b, 3, side, side).
        image: (B, 3, H, W) float, zero inside the holes.
        mask: (B, 1, H, W) float, 1 inside the holes.
        side: The network's size in pixels.
        together: Tiles that it sees at once.

    Returns:
        (B, 3, H, W); only pixels inside the holes are meant to be used.
    """
    height, width = image.shape[-2:]
    image, mask = (pad_to_multiple(x, 1, least=side) for x in (image, mask))
    if max(height, width) <= side:
        return complete(image, mask)[..., :height, :width]
    pictures = zip(image.split(1), mask.split(1), strict=True)
    filled = [_one(complete, picture, holes, side, together) for picture, holes in pictures]
    return torch.cat(filled)[..., :height, :width]


def _one(complete: Complete, image: Tensor, mask: Tensor, side: int, together: int) -> Tensor:
    corners = [corner for corner in _corners(mask, side) if _tile(mask, corner, side).any()]
    lonely = any(_known(_tile(mask, corner, side)) < _ENOUGH for corner in corners)
    coarse = _coarse(complete, image, mask, side) if lonely else None
    total, weight = torch.zeros_like(image), torch.zeros_like(mask)
    fade = _fade(side, image)
    for start in range(0, len(corners), together):
        group = corners[start : start + together]
        shown = [_shown(image, mask, coarse, corner, side) for corner in group]
        filled = complete(torch.cat([i for i, _ in shown]), torch.cat([m for _, m in shown]))
        for (tile, holes), corner, result in zip(shown, group, filled.split(1), strict=True):
            patch = torch.where(holes != 0, result, tile)  # what was lent stays as it was lent
            _tile(total, corner, side).add_(patch * fade)
            _tile(weight, corner, side).add_(fade)
    return torch.where(weight > 0, total / weight.clamp_min(1e-12), image)


def _corners(mask: Tensor, side: int) -> Iterator[tuple[int, int]]:
    height, width = mask.shape[-2:]
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield top, left


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin along one axis: half a tile apart, the last flush with the end."""
    return [*range(0, length - side, max(1, side // 2)), length - side]


def _tile(x: Tensor, corner: tuple[int, int], side: int) -> Tensor:
    top, left = corner
    return x[..., top : top + side, left : left + side]


def _known(mask: Tensor) -> float:
    return 1 - float(mask.mean())


def _shown(
    image: Tensor, mask: Tensor, coarse: Tensor | None, corner: tuple[int, int], side: int
) -> tuple[Tensor, Tensor]:
    """A tile and its holes; where it knows too little, its rim is lent the coarse solution."""
    tile, holes = _tile(image, corner, side), _tile(mask, corner, side)
    if coarse is None or _known(holes) >= _ENOUGH:
        return tile, holes
    rim = torch.ones_like(holes)
    quarter = max(1, side // 4)
    rim[..., quarter : side - quarter, quarter : side - quarter] = 0
    lent = holes * rim
    return torch.where(lent != 0, _tile(coarse, corner, side), tile), holes * (1 - rim)


def _coarse(complete: Complete, image: Tensor, mask: Tensor, side: int) -> Tensor:
    """The whole picture solved at the scale where it fits into one tile, enlarged again."""
    height, width = image.shape[-2:]
    scale = side / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    known = F.interpolate(1 - mask, size, mode="area")
    small = F.interpolate(image * (1 - mask), size, mode="area") / known.clamp_min(1e-6)
    holes = (known == 0).to(mask.dtype)  # where little is known, all of it is needed
    solved = complete_tiled(complete, small * (1 - holes), holes, side)
    solved = torch.where(holes != 0, solved, small)
    return F.interpolate(solved, (height, width), mode="bicubic", align_corners=False)


def _fade(side: int, like: Tensor) -> Tensor:
    """(1, 1, side, side) raised cosine, never quite zero, so that every pixel has a weight."""
    ramp = torch.arange(side, device=like.device, dtype=like.dtype) + 0.5
    profile = torch.sin(torch.pi * ramp / side).square() + 1e-4
    return (profile[:, None] * profile)[None, None]
