"""Exemplar-based filling: texture copied from elsewhere in the same picture.

Wexler, Shechtman and Irani (2007) pose it as one optimum, every patch at a hole like some known
patch, and alternate between matching patches and voting on pixels, from coarse to fine. Newson et
al. (2014) add features of texture to the colours that are compared, and make it fast and sharp.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor

from models.correspondence import Search
from models.inpainter import Inpainter
from models.patches import HALF, SIDE, PatchSpace, Vote

_SEED = 2009
_LEAST = 256  # source patches below which copying is no longer a choice among alternatives
_LEVELS = 8
_ROUNDS_COARSE, _ROUNDS_FINE = 12, 4  # alternations of matching and voting
_SEARCHES = 1  # rounds of PatchMatch in each
_TEXTURE = 7.0  # weight of texture against colour; squared about Newson's 50


@dataclass(frozen=True)
class Level:
    """One scale of the picture: (H, W, C) colours and texture, (H, W) holes, (H, W) depth."""

    picture: Tensor
    holes: Tensor
    depth: Tensor


class PatchMatch(Inpainter):
    """Multi-scale exemplar-based inpainting."""

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        return torch.stack(
            [
                fill(picture.permute(1, 2, 0), hole[0]).permute(2, 0, 1)
                for picture, hole in zip(image, holes, strict=True)
            ]
        )


def fill(picture: Tensor, holes: Tensor) -> Tensor:
    """Fill every hole of one picture."""
    generator = torch.Generator().manual_seed(_SEED)
    levels = make_levels(picture, holes)
    coarser: tuple[Level, Search, PatchSpace, Tensor] | None = None
    current = diffuse(levels[-1].picture, levels[-1].holes)
    for number, level in reversed(list(enumerate(levels))):
        space = PatchSpace(level.picture, level.holes)
        search = Search(space, generator)
        vote = Vote(space, level.holes, level.depth)
        if coarser is not None:
            current = start_from(coarser, space, search, vote, level)
        rounds = _ROUNDS_COARSE if number else _ROUNDS_FINE
        for _ in range(rounds):
            search.improve(space.describe_targets(current), _SEARCHES)
            values, _ = vote.mean(current, search.matches, search.distances)
            flat = current.reshape(-1, current.shape[-1]).clone()
            change = (flat[vote.pixels] - values).abs().mean()
            flat[vote.pixels] = values
            current = flat.reshape(current.shape)
            if change < 1e-3:
                break
        coarser = (level, search, space, current)
    assert coarser is not None
    search.improve(space.describe_targets(current), _SEARCHES)
    flat = current.reshape(-1, current.shape[-1]).clone()
    flat[vote.pixels] = vote.best(current, search.matches, search.distances)
    return flat.reshape(current.shape)[..., :3]


def start_from(coarser, space, search, vote, level):
    """Carry matches to the next finer scale."""
    before, found, old, current = coarser
    field = torch.full((old.height * old.width,), -1, device=current.device)
    field[old.targets] = found.matches
    y, x = space.targets // space.width, space.targets % space.width
    py, px = (y // 2).clamp(max=old.height - 1), (x // 2).clamp(max=old.width - 1)
    parents = field[py * old.width + px]
    my = 2 * (parents // old.width) + y % 2
    mx = 2 * (parents % old.width) + x % 2
    ok = (parents >= 0) & (my >= 0) & (my < space.height) & (mx >= 0) & (mx < space.width)
    places = torch.where(ok, my * space.width + mx, 0)
    ok &= space.is_source[places]
    search.matches = torch.where(ok, places, search.matches)
    large = F.interpolate(current.permute(2, 0, 1)[None], scale_factor=2.0, mode="bilinear")
    large = large[0].permute(1, 2, 0)[: space.height, : space.width]
    start = torch.where(level.holes[..., None], large, level.picture)
    values, voted = vote.mean(start, torch.where(ok, places, -1), torch.ones(len(places)))
    flat = start.reshape(-1, start.shape[-1]).clone()
    flat[vote.pixels[voted]] = values[voted]
    return flat.reshape(start.shape)


def make_levels(picture: Tensor, holes: Tensor) -> list[Level]:
    depth = depth_of(holes)
    count = 1
    while count < _LEVELS and float(depth.max()) / 2 ** (count - 1) > HALF:
        count += 1
    known = (~holes)[None, None].float()
    colours = picture.permute(2, 0, 1)[None]
    channels = torch.cat([colours, texture(colours, known, 2 ** count + 1) * _TEXTURE], 1)
    levels = [Level(channels[0].permute(1, 2, 0).contiguous(), holes, depth)]
    for _ in range(count - 1):
        share = F.avg_pool2d(known, 2, ceil_mode=True)
        channels = F.avg_pool2d(channels * known, 2, ceil_mode=True) / share.clamp(min=1e-9)
        known = (share >= 0.5).float()
        channels = channels * known
        holes = known[0, 0] == 0
        space_left = (F.max_pool2d(holes[None, None].float(), SIDE, 1) == 0).sum()
        if min(holes.shape) < 2 * SIDE or space_left < _LEAST or not holes.any():
            break
        levels.append(Level(channels[0].permute(1, 2, 0).contiguous(), holes, depth_of(holes)))
    return levels


def texture(colours: Tensor, known: Tensor, side: int) -> Tensor:
    """Mean absolute gradients around every pixel, from known pixels only."""
    grey = colours.mean(1, keepdim=True)
    planes = []
    for axis in (2, 3):
        step = (grey.diff(dim=axis)).abs()
        both = known.narrow(axis, 1, known.shape[axis] - 1) * known.narrow(axis, 0, known.shape[axis] - 1)
        pad = (0, 0, 0, 1) if axis == 2 else (0, 1, 0, 0)
        step, both = F.pad(step * both, pad), F.pad(both, pad)
        total = F.avg_pool2d(step, side, 1, side // 2)
        planes.append(total / F.avg_pool2d(both, side, 1, side // 2).clamp(min=1e-6) * known)
    return torch.cat(planes, 1)


def depth_of(holes: Tensor) -> Tensor:
    """Chessboard distance of every pixel to the nearest known one."""
    from scipy import ndimage
    padded = F.pad(holes, (1, 1, 1, 1), value=True).cpu().numpy()
    depth = ndimage.distance_transform_cdt(padded, "chessboard")[1:-1, 1:-1]
    return torch.from_numpy(depth).to(holes.device, torch.float32)


def diffuse(picture: Tensor, holes: Tensor) -> Tensor:
    """Fill a hole with weighted means of its surroundings, layer by layer."""
    values, known = picture.permute(2, 0, 1)[None], (~holes)[None, None].float()
    values = values * known
    while bool((known == 0).any()):
        share = F.avg_pool2d(known, 3, 1, 1)
        mean = F.avg_pool2d(values, 3, 1, 1) / share.clamp(min=1e-9)
        values = torch.where(known > 0, values, torch.where(share > 0, mean, 0.0))
        known = ((known > 0) | (share > 0)).float()
    return values[0].permute(1, 2, 0).contiguous()
