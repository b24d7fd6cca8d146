"""For every patch at a hole the most similar known patch: exactly if few, else by PatchMatch.

PatchMatch (Barnes, Shechtman, Finkelstein, Goldman 2009) rests on neighbours matching neighbours:
good matches spread, and random tries around the best so far find better ones. Here all targets move
at once, so matches spread by jumps of decreasing length instead of a scan across the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.patches import PatchSpace

_EXACT = 1 << 22  # target-source pairs up to which all are compared
_CHUNK = 1 << 24  # pairs compared at once, which bounds memory
_JUMPS = (8, 4, 2, 1)


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
        self._y, self._x = space.targets // space.width, space.targets % space.width

    def improve(self, wanted: Tensor, rounds: int) -> None:
        """Match again, with the targets described by ``wanted`` (N, K)."""
        if self.exact:
            self._compare_all(wanted)
            return
        self.distances = self._distance(wanted, self.matches)
        for _ in range(rounds):
            self._propagate(wanted)
            self._try_around(wanted)

    def _compare_all(self, wanted: Tensor) -> None:
        offered = self._space.descriptions[self._space.sources]
        length = offered.square().sum(1)
        step = max(1, _CHUNK // len(offered))
        found = [
            torch.addmm(length, part, offered.T, alpha=-2).argmin(1) for part in wanted.split(step)
        ]
        self.matches = self._space.sources[torch.cat(found)]
        self.distances = self._distance(wanted, self.matches)

    def _propagate(self, wanted: Tensor) -> None:
        """Take over the neighbours' matches, shifted as the neighbours are."""
        space = self._space
        field = torch.full((space.height * space.width,), -1, device=self._device)
        for jump in _JUMPS:
            for dy, dx in ((0, jump), (0, -jump), (jump, 0), (-jump, 0)):
                field[space.targets] = self.matches
                y, x = self._y + dy, self._x + dx
                inside = (y >= 0) & (y < space.height) & (x >= 0) & (x < space.width)
                theirs = field[torch.where(inside, y * space.width + x, 0)]
                met = inside & (theirs >= 0)
                self._offer(
                    wanted, theirs // space.width - dy, theirs % space.width - dx, met
                )

    def _try_around(self, wanted: Tensor) -> None:
        """Try a random source within a radius of the best so far, and halve the radius."""
        space = self._space
        radius = max(space.height, space.width) // 2
        while radius >= 1:
            count = len(space.targets)
            dy = self._random(2 * radius + 1, count) - radius
            dx = self._random(2 * radius + 1, count) - radius
            y, x = self.matches // space.width + dy, self.matches % space.width + dx
            self._offer(wanted, y, x, torch.ones_like(space.targets, dtype=torch.bool))
            radius //= 2

    def _offer(self, wanted: Tensor, y: Tensor, x: Tensor, eligible: Tensor) -> None:
        """Replace a match where the patch at (y, x) is an eligible source and nearer."""
        space = self._space
        eligible = eligible & (y >= 0) & (y < space.height) & (x >= 0) & (x < space.width)
        places = torch.where(eligible, y * space.width + x, 0)
        asked = (eligible & space.is_source[places] & (places != self.matches)).nonzero().flatten()
        places = places[asked]
        distances = self._distance(wanted.index_select(0, asked), places)
        better = distances < self.distances[asked]
        winners = asked[better]
        self.matches[winners] = places[better]
        self.distances[winners] = distances[better]

    def _distance(self, wanted: Tensor, places: Tensor) -> Tensor:
        return (wanted - self._space.descriptions.index_select(0, places)).square_().sum(1)

    def _random(self, bound: int, count: int) -> Tensor:
        return torch.randint(bound, (count,), generator=self._generator).to(self._device)
