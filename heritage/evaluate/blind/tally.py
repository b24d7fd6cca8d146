"""Votes counted, and counted again with voters and pictures drawn anew.

Votes of one person resemble each other, and so do votes on one picture. So whole voters and whole
pictures are drawn, both with replacement (A. B. Owen, The pigeonhole bootstrap. Annals of Applied
Statistics 1 (2007)); a vote then counts as often as its voter was drawn, times its picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.votes import Answer, Ballot, Contender
from heritage.evaluate.blind.davidson import Floats, chances, fit
from heritage.evaluate.blind.pairs import pair_of


@dataclass(frozen=True)
class Tally:
    """Votes as numbers: one row each of ``voter, picture, pair, outcome``."""

    models: tuple[Contender, ...]
    pairs: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, cast: Sequence[Ballot]) -> Tally:
        """Number models, pairs, voters and pictures."""
        models = tuple(sorted({model for ballot in cast for model in pair_of(ballot)}))
        pairs = sorted({pair_of(ballot) for ballot in cast})
        voter = _numbers(ballot.voter for ballot in cast)
        picture = _numbers(ballot.picture for ballot in cast)
        pair = {each: number for number, each in enumerate(pairs)}
        rows = [(voter[b.voter], picture[b.picture], pair[pair_of(b)], _outcome(b)) for b in cast]
        numbered = [(models.index(first), models.index(second)) for first, second in pairs]
        return cls(models, np.array(numbered, np.int64), np.array(sorted(rows), np.int64))


def _numbers(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(set(names)))}


def estimates(tally: Tally, replicates: int, seed: int) -> tuple[Floats, Floats]:
    """Strengths and ties by the votes as they are, in row 0, and by votes drawn anew."""
    generator = np.random.default_rng(seed)
    voter, picture = tally.rows[:, 0], tally.rows[:, 1]
    tables = [_count(tally, np.ones(len(voter)))]
    for _ in range(replicates):
        weights = _drawn(voter, generator) * _drawn(picture, generator)
        if weights.any():
            tables.append(_count(tally, weights))
    return fit(tally.pairs, np.stack(tables), len(tally.models))


def _drawn(owner: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """How often each vote's voter, or picture, comes up when as many are drawn as there are."""
    number = int(owner.max()) + 1
    return generator.multinomial(number, np.full(number, 1 / number))[owner].astype(np.float64)


def _count(tally: Tally, weights: Floats) -> Floats:
    places = tally.rows[:, 2] * 3 + tally.rows[:, 3]
    counts = np.bincount(places, weights, len(tally.pairs) * 3)
    return counts.astype(np.float64).reshape(-1, 3)


def mean_chances(strengths: Floats, ties: Floats) -> Floats:
    """The chance against an average rival (R, K)."""
    models = strengths.shape[1]
    against = chances(strengths, ties)
    return np.asarray((against.sum(axis=2) - 0.5) / (models - 1))


def _outcome(ballot: Ballot) -> int:
    """0 if the first of the sorted pair was preferred, 1 if the second, 2 if neither."""
    if ballot.answer not in (Answer.LEFT, Answer.RIGHT):
        return 2
    chosen = ballot.left if ballot.answer is Answer.LEFT else ballot.right
    return pair_of(ballot).index(chosen)


def tally_of(model: Contender, cast: Iterable[Ballot]) -> tuple[int, int, int, int, int]:
    """Votes, wins, losses, ties, and of the ties those where both were unacceptable."""
    outcomes = [(b, _outcome(b)) for b in cast if model in pair_of(b)]
    ties = sum(outcome == 2 for _, outcome in outcomes)
    wins = sum(outcome < 2 and pair_of(b)[outcome] == model for b, outcome in outcomes)
    bad = sum(b.answer is Answer.BOTH_UNACCEPTABLE for b, _ in outcomes)
    return len(outcomes), wins, len(outcomes) - wins - ties, ties, bad
