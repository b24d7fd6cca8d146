"""Which two fills a person sees next, and which of them on the left.

Every voter's own sequence is balanced: at any moment each family, and each pair of models, has been
shown as often as any other, give or take one, for as long as there are enough pictures. So a person
who stops after twenty answers has judged everything a little, and nothing twice.

Where a voter's balance leaves a choice, a part of the turns goes to what other people have judged
already, so that their agreement can be measured, and the rest to what has been judged least.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from db.votes import TRUTH, Ballot, Contender
from heritage.evaluate.blind.layout import Case, Evaluation

TRUTH_SHARE = 0.1
"""Part of the turns in which one side is the truth."""

AGREEMENT_SHARE = 0.3
"""Part of the turns that go to what others have judged, where there is such."""

Pair = tuple[Contender, Contender]


@dataclass(frozen=True)
class Comparison:
    """Two ways to fill one picture; ``pair`` is sorted, so that it is the same both ways round."""

    case: Case
    pair: Pair

    @property
    def key(self) -> tuple[str, str, Pair]:
        """What a vote on it has in common with it."""
        return self.case.family, self.case.picture, self.pair

    @property
    def has_truth(self) -> bool:
        """Whether one of the two is the truth."""
        return has_truth(self.pair)


@dataclass(frozen=True)
class Turn:
    """A comparison as it is shown."""

    comparison: Comparison
    left: Contender
    right: Contender


def has_truth(pair: Pair) -> bool:
    """Whether one of the two is the truth."""
    return any(contender.name == TRUTH for contender in pair)


def pair_of(ballot: Ballot) -> Pair:
    """The two that were compared, sorted."""
    first, second = sorted((ballot.left, ballot.right))
    return first, second


def comparisons(evaluation: Evaluation, truth: bool = True) -> list[Comparison]:
    """All there is to compare, in order; with ``truth`` also each fill with the truth."""
    found = []
    for case in evaluation.cases:
        contenders = (*case.models, Contender(TRUTH)) if truth else case.models
        found += [Comparison(case, pair) for pair in combinations(sorted(contenders), 2)]
    return found


def next_turn(
    offered: Sequence[Comparison],
    cast: Iterable[Ballot],
    voter: str,
    truth_share: float = TRUTH_SHARE,
) -> Turn | None:
    """Choose what a voter sees next; the same again as long as no vote is cast.

    Args:
        offered: From ``comparisons``.
        cast: All votes on this evaluation.
        voter: Whose turn it is.
        truth_share: Part of the turns, 0 to 1, in which one side is the truth.

    Returns:
        None when the voter has seen everything.
    """
    votes = [(ballot.voter, (ballot.family, ballot.picture, pair_of(ballot))) for ballot in cast]
    own = [key for name, key in votes if name == voter]
    others = Counter(key for name, key in votes if name != voter)
    dice = random.Random(f"{voter}/{len(own)}")  # noqa: S311 - fairness, not secrecy
    seen = set(own)
    left = [comparison for comparison in offered if comparison.key not in seen]
    wants_truth, wants_overlap = dice.random() < truth_share, dice.random() < AGREEMENT_SHARE
    wanted = [comparison for comparison in left if comparison.has_truth == wants_truth]
    pool = wanted or [
        comparison for comparison in left if truth_share > 0 or not comparison.has_truth
    ]
    if not pool:
        return None
    chosen = _choose(pool, own, others, wants_overlap, dice)
    first, second = chosen.pair if dice.random() < 0.5 else reversed(chosen.pair)
    return Turn(chosen, first, second)


Key = tuple[str, str, Pair]


def _choose(
    pool: list[Comparison],
    own: list[Key],
    others: Counter[Key],
    overlap: bool,
    dice: random.Random,
) -> Comparison:
    mine = Counter(own)
    pool = _least(pool, _families(mine))
    pool = _least(pool, _pairs(mine))
    pool = _least(pool, _cells(mine))
    if overlap and (known := [comparison for comparison in pool if others[comparison.key]]):
        return dice.choice(known)
    for counted in (_families(others), _pairs(others), _cells(others)):
        pool = _least(pool, counted)
    pool = _least(pool, lambda comparison: others[comparison.key])
    return dice.choice(pool)


Count = Callable[[Comparison], int]


def _least(pool: list[Comparison], count: Count) -> list[Comparison]:
    counts = [count(comparison) for comparison in pool]
    least = min(counts)
    return [comparison for comparison, n in zip(pool, counts, strict=True) if n == least]


def _families(votes: Counter[Key]) -> Count:
    """How often a comparison's family was shown; checks against the truth are counted apart."""
    counts: Counter[tuple[bool, str]] = Counter()
    for (family, _, pair), n in votes.items():
        counts[has_truth(pair), family] += n
    return lambda comparison: counts[comparison.has_truth, comparison.case.family]


def _pairs(votes: Counter[Key]) -> Count:
    counts: Counter[Pair] = Counter()
    for (_, _, pair), n in votes.items():
        counts[pair] += n
    return lambda comparison: counts[comparison.pair]


def _cells(votes: Counter[Key]) -> Count:
    counts: Counter[tuple[str, Pair]] = Counter()
    for (family, _, pair), n in votes.items():
        counts[family, pair] += n
    return lambda comparison: counts[comparison.case.family, comparison.pair]
