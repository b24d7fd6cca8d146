"""Fine detail for a fill that is right but soft, copied from the same picture.

A network trained to be close to the truth leaves out what it cannot know: the weave, the grain,
the stroke of a brush. Where those are to be found is known, though: in the places of the same
picture that look like the fill. So the hole is filled a second time by copying (``patchmatch``,
beginning with the network's fill instead of nothing), and of that copy only the fine structure is
taken, the less of it the farther the copy's colours are from the fill's: a place that does not
look like the fill has no say in it. Structure and colour stay the network's. What the network does
say of fine structure it says too softly, as everything that is trained to be close to the truth on
average: that is raised a little.
The idea of copying is that of contextual residual aggregation (Yi et al., "Contextual Residual
Aggregation for Ultra High-Resolution Image Inpainting", CVPR 2020); the fine band is that of a
Laplacian pyramid (Burt and Adelson, 1983), without the pyramid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor

from models.classical.patchmatch import fill
from models.device import one_thread

_FINE = 1.5  # pixels: standard deviation of what is not fine
_AROUND = 3.0  # pixels: standard deviation of what a copy is trusted by
_REACH = 96  # pixels around a hole that detail may be copied from
_RAMP = 3.0  # pixels from the hole's border over which it sets in


@dataclass(frozen=True)
class Detail:
    """How much structure below about 4 pixels a fill is given more.

    Attributes:
        fine: Of the copy's, 0 to 1, where its colours are those of the fill.
        own: Of the fill's: 0 leaves it as it is.
        doubt: Difference of colours (root of the sum of squares of three channels in 0..1) at which
            half of that share is taken.
    """

    fine: float = 0.7
    own: float = 0.6
    doubt: float = 0.1


NONE: Final = Detail(0.0, 0.0)


def add_detail(filled: Tensor, holes: Tensor, where: Tensor, detail: Detail) -> Tensor:
    """Give a fill the fine detail of its surroundings, and raise its own.

    Args:
        filled: (3, H, W) float32 in 0..1, holes filled.
        holes: (H, W) bool, all that is not known: nothing is copied from there.
        where: (H, W) bool, the part of the holes that gets detail.
        detail: How much.

    Returns:
        (3, H, W); outside ``where`` as given.
    """
    rows, columns = where.any(1).nonzero(), where.any(0).nonzero()
    if not len(rows):
        return filled
    top, left = (max(0, int(lines[0]) - _REACH) for lines in (rows, columns))
    area = (
        slice(top, int(rows[-1]) + 1 + _REACH),
        slice(left, int(columns[-1]) + 1 + _REACH),
    )
    part, wanted = filled[:, *area], where[area]
    if bool(holes[area].all()):
        return filled
    copy = None
    if detail.fine:
        guide = part.permute(1, 2, 0)
        with one_thread():
            copy = fill(torch.where(holes[area][..., None], 0.0, guide), holes[area], guide)
        copy = copy.permute(2, 0, 1)
    result = filled.clone()
    more = _more(part, copy, wanted, detail)
    result[:, *area] = torch.where(wanted, (part + more).clamp(0, 1), part)
    return result


def _more(part: Tensor, copy: Tensor | None, where: Tensor, detail: Detail) -> Tensor:
    """What is added to a fill, (3, H, W): 0 where nothing is wanted."""
    added = torch.zeros_like(part)
    margin = round(3 * (_FINE + _AROUND))  # nothing is to be done farther from there
    rows, columns = where.any(1).nonzero(), where.any(0).nonzero()
    top, left = (max(0, int(lines[0]) - margin) for lines in (rows, columns))
    near = slice(top, int(rows[-1]) + 1 + margin), slice(left, int(columns[-1]) + 1 + margin)
    ours = part[:, *near]
    fine = detail.own * (ours - _blur(ours, _FINE))
    if copy is not None:
        other = copy[:, *near] - ours
        colours = _blur(other, _FINE)
        apart = _blur(colours.square().sum(0, keepdim=True), _AROUND)
        fine += detail.fine / (1 + apart / detail.doubt**2) * (other - colours)
    added[:, *near] = fine * _ramp(where[near])
    return added


def _ramp(where: Tensor) -> Tensor:
    """(H, W) float32: 0 outside, 1 well inside, without a step at the border."""
    inside = where[None, None].float()
    return (_blur(inside[0], _RAMP / 2) * 2 - 1).clamp(0, 1)[0] * inside[0, 0]


def _blur(planes: Tensor, sigma: float) -> Tensor:
    """Gaussian of (C, H, W), mirrored at the picture's edge as far as there is a picture."""
    radius = min(round(3 * sigma), *(side - 1 for side in planes.shape[1:]))
    steps = torch.arange(-radius, radius + 1, dtype=planes.dtype, device=planes.device)
    bell = torch.exp(-steps.square() / (2 * sigma**2))
    bell = (bell / bell.sum()).view(1, 1, 1, -1)
    padded = F.pad(planes[:, None], [radius] * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, bell), bell.transpose(2, 3))[:, 0]
