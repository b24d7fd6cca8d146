"""Exemplar-based filling: texture copied from elsewhere in the same picture.

Wexler, Shechtman and Irani (2007) pose it as one optimum, every patch at a hole like some known
patch, and alternate between matching patches and voting on pixels, from coarse to fine. Newson et
al. (2014) add features of texture to the colours that are compared, and end with copying instead of
averaging, which keeps the fill as sharp as its source. Where next to nothing is known there is
nothing to copy: such a picture is filled smoothly from its surroundings.

Memory is about 150 bytes for each pixel of the holes' bounding box and the ``_REACH`` around it,
and 1 kB for each pixel of the holes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor

from models.classical.correspondence import Search
from models.classical.patches import PatchSpace, Vote
from models.classical.scales import Scale, enlarge, make_scales, smooth_fill
from models.device import one_thread
from models.inpainter import Inpainter

_SEED = 2009
_REACH = 512  # pixels around the holes' bounding box that may be copied from
_ROUNDS = 10  # alternations of matching and voting at one scale, at most
_ROUNDS_FINEST = 3  # by then the coarser scales have settled what goes where
_GUIDED_SCALES = 2  # from half the scale on; coarser, the search would forget the guide
_SETTLED = 2e-3  # mean change of a filled pixel, in 0..1, that ends them


class PatchMatch(Inpainter):
    """Multi-scale exemplar-based inpainting, the same answer every time."""

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        filled = image.clone()
        for picture, hole, target in zip(image, holes[:, 0], filled, strict=True):
            rows, columns = hole.any(1).nonzero(), hole.any(0).nonzero()
            y0, x0 = max(0, int(rows[0]) - _REACH), max(0, int(columns[0]) - _REACH)
            y1, x1 = int(rows[-1]) + 1 + _REACH, int(columns[-1]) + 1 + _REACH
            crop = picture[:, y0:y1, x0:x1].permute(1, 2, 0)
            with one_thread():
                target[:, y0:y1, x0:x1] = fill(crop, hole[y0:y1, x0:x1]).permute(2, 0, 1)
        return filled


def fill(picture: Tensor, holes: Tensor, guide: Tensor | None = None) -> Tensor:
    """Fill the holes of one picture.

    Args:
        picture: (H, W, 3) float32 in 0..1.
        holes: (H, W) bool; at least one pixel is True and one False.
        guide: (H, W, 3), the holes filled by another method that knows better what goes where: the
            search begins there, at half the scale, instead of with nothing at the coarsest.

    Returns:
        (H, W, 3).
    """
    scales = make_scales(picture, holes)
    if not scales:
        smooth = smooth_fill(_planes(picture), _planes(~holes[..., None]).float())
        return _from_planes(smooth) if guide is None else guide
    generator = torch.Generator().manual_seed(_SEED)
    if guide is not None:
        scales = scales[:_GUIDED_SCALES]
    current = _first(scales[-1], guide, len(scales) - 1)
    coarser: _Solver | None = None
    for number in reversed(range(len(scales))):
        solver = _Solver(scales[number], generator)
        if coarser is not None:
            current = solver.start_from(coarser, current)
        current = solver.settle(current, _ROUNDS if number else _ROUNDS_FINEST)
        coarser = solver
    return solver.sharpen(current)[..., :3]


def _first(scale: Scale, guide: Tensor | None, halvings: int) -> Tensor:
    """A scale's picture with its holes filled by the halved guide, or smoothly without one."""
    known = _planes(~scale.holes[..., None]).float()
    smooth = _from_planes(smooth_fill(_planes(scale.picture), known))
    if guide is None:
        return smooth
    colours = _planes(guide)
    for _ in range(halvings):
        colours = F.avg_pool2d(colours, 2, ceil_mode=True, count_include_pad=False)
    first = torch.cat([_from_planes(colours), smooth[..., 3:]], dim=-1)
    return torch.where(scale.holes[..., None], first, scale.picture)


class _Solver:
    """Matching and voting at one scale."""

    def __init__(self, scale: Scale, generator: torch.Generator) -> None:
        self.scale = scale
        self.space = PatchSpace(scale.picture, scale.holes)
        self.search = Search(self.space, generator)
        self.vote = Vote(self.space, scale.holes, scale.depth)

    def start_from(self, coarser: _Solver, current: Tensor) -> Tensor:
        """Take over a coarser scale's matches, and build this scale's picture from them.

        Its picture alone would be too blurred to find sharp patches by.
        """
        found = self.search.adopt(coarser.search)
        height, width = self.scale.holes.shape
        start = _from_planes(enlarge(_planes(current), height, width))
        start = torch.where(self.scale.holes[..., None], start, self.scale.picture)
        matches = torch.where(found, self.search.matches, -1)
        values, voted = self.vote.mean(start, matches, torch.ones_like(self.search.distances))
        return self._paint(start, torch.where(voted[:, None], values, self._pixels(start)))

    def settle(self, current: Tensor, rounds: int) -> Tensor:
        """Match and vote until the picture hardly changes."""
        for _ in range(rounds):
            self.search.improve(self.space.describe_targets(current))
            values, _ = self.vote.mean(current, self.search.matches, self.search.distances)
            change = float((values - self._pixels(current)).abs().mean())
            current = self._paint(current, values)
            if change < _SETTLED:
                break
        return current

    def sharpen(self, current: Tensor) -> Tensor:
        """Copy every pixel from the best single match around it."""
        self.search.improve(self.space.describe_targets(current))
        values = self.vote.best(current, self.search.matches, self.search.distances)
        return self._paint(current, values)

    def _pixels(self, picture: Tensor) -> Tensor:
        return picture.flatten(0, 1).index_select(0, self.vote.pixels)

    def _paint(self, picture: Tensor, values: Tensor) -> Tensor:
        painted = picture.flatten(0, 1).index_copy(0, self.vote.pixels, values)
        return painted.reshape(picture.shape)


def _planes(picture: Tensor) -> Tensor:
    return picture.permute(2, 0, 1)[None]


def _from_planes(planes: Tensor) -> Tensor:
    return planes[0].permute(1, 2, 0).contiguous()
