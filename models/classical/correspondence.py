"""For every patch at a hole the most similar known patch: exactly if few, else by PatchMatch.

PatchMatch (Barnes, Shechtman, Finkelstein, Goldman 2009) rests on neighbours matching neighbours:
good matches spread, and random tries around the best so far find better ones. Here all targets move
at once, so matches spread by jumps of decreasing length instead of a scan across the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.classical.patches import PatchSpace

_EXACT = 1 << 22  # target-source pairs up to which all are compared
_JUMPS = (8, 4, 2, 1)  # pixels that a match spreads over at once


class Search:
    """Matches of one picture's targets.

    Args:
        space: The patches; it must have at least one source.
        generator: A seeded CPU generator: the same tries on every device.

    Attributes:
        matches: (N,) source centre of every target.
        distances: (N,) squared distances, infinite before the first search.
    """

    def __init__(self, space: PatchSpace, generator: torch.Generator) -> None:
        self._space = space
        self._generator = generator
        self._device = space.targets.device
        self.exact = len(space.targets) * len(space.sources) <= _EXACT
        self.matches = space.sources[self._random(len(space.sources), len(space.targets))]
        self.distances = torch.full((len(space.targets),), torch.inf, device=self._device)

    def adopt(self, coarser: Search) -> Tensor:
        """Start from the matches found at half the scale, (N,) bool: where there was one."""
        space, old = self._space, coarser._space
        field = torch.full((old.height * old.width,), -1, device=self._device)
        field[old.targets] = coarser.matches
        y, x = space.targets // space.width, space.targets % space.width
        parents = field[y // 2 * old.width + x // 2]
        my, mx = 2 * (parents // old.width) + y % 2, 2 * (parents % old.width) + x % 2
        inside = (parents >= 0) & (my < space.height) & (mx < space.width)
        places = torch.where(inside, my * space.width + mx, 0)
        found = inside & space.is_source[places]
        self.matches = torch.where(found, places, self.matches)
        return found

    def improve(self, wanted: Tensor) -> None:
        """Match again, with the targets described by ``wanted`` (N, K)."""
        if self.exact:
            self._compare_all(wanted)
            return
        self.distances = self._distance(wanted, self.matches)
        self._propagate(wanted)
        self._try_around(wanted)

    def _compare_all(self, wanted: Tensor) -> None:
        offered = self._space.descriptions[self._space.sources]
        length = offered.square().sum(1)
        nearest = torch.addmm(length, wanted, offered.T, alpha=-2).argmin(1)
        self.matches = self._space.sources[nearest]
        self.distances = self._distance(wanted, self.matches)

    def _propagate(self, wanted: Tensor) -> None:
        """Take over the neighbours' matches, shifted as the neighbours are."""
        space = self._space
        field = torch.zeros(space.height * space.width, dtype=torch.int64, device=self._device)
        for jump in _JUMPS:
            for shift in (jump, -jump, jump * space.width, -jump * space.width):
                field[space.targets] = self.matches
                neighbours = (space.targets + shift).clamp_(0, len(field) - 1)
                self._offer(wanted, field.index_select(0, neighbours).sub_(shift))

    def _try_around(self, wanted: Tensor) -> None:
        """Try a random source within a radius of the best so far, and halve the radius."""
        count = len(self.matches)
        radius = max(self._space.height, self._space.width) // 2
        while radius >= 1:
            tries = self._random(2 * radius + 1, count).sub_(radius).mul_(self._space.width)
            tries += self._random(2 * radius + 1, count).sub_(radius)
            self._offer(wanted, tries.add_(self.matches))
            radius //= 2

    def _offer(self, wanted: Tensor, places: Tensor) -> None:
        """Replace each match by the patch at its place, where that is a source and nearer.

        Places are flat indices that need not lie in the picture nor, after a shift past its left or
        right side, where a row of pixels would have put them: any source may be tried.
        """
        places = places.clamp_(0, len(self._space.is_source) - 1)  # 0 is never a source
        asked = self._space.is_source.index_select(0, places) & (places != self.matches)
        asked = asked.nonzero().flatten()
        places = places.index_select(0, asked)
        distances = self._distance(wanted.index_select(0, asked), places)
        better = (distances < self.distances.index_select(0, asked)).nonzero().flatten()
        winners = asked.index_select(0, better)
        self.matches.index_copy_(0, winners, places.index_select(0, better))
        self.distances.index_copy_(0, winners, distances.index_select(0, better))

    def _distance(self, wanted: Tensor, places: Tensor) -> Tensor:
        return (wanted - self._space.descriptions.index_select(0, places)).square_().sum(1)

    def _random(self, bound: int, count: int) -> Tensor:
        return torch.randint(bound, (count,), generator=self._generator).to(self._device)
