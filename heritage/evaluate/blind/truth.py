"""How often a fill was taken for the truth, and whether voters recognised the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from db.votes import TRUTH, Answer, Ballot, Contender, VoterRole
from heritage.evaluate.blind.pairs import has_truth, pair_of

Z = 1.959964
"""The normal distribution's 97.5 per cent."""


@dataclass(frozen=True)
class Mistaken:
    """How often one model's fills were taken for the truth when both lay side by side.

    Attributes:
        model: Its name and the SHA-256 of its weights.
        shown: How often.
        preferred: How often the fill was accepted rather than the truth.
        no_difference: How often people saw none.
        share: ``preferred`` as a part of ``shown``; 0.5 would be perfect.
        low: Lower end of its 95 % interval (Wilson 1927).
        high: Upper end.
    """

    model: Contender
    shown: int
    preferred: int
    no_difference: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class VoterLine:
    """One person's part.

    Attributes:
        voter: The name.
        role: The role stated last.
        votes: How many.
        seconds: Median time of an answer.
        truth_shown: How often one side was the truth.
        truth_found: How often the person preferred it.
    """

    voter: str
    role: VoterRole
    votes: int
    seconds: float
    truth_shown: int
    truth_found: int


def mistaken(cast: Iterable[Ballot]) -> tuple[Mistaken, ...]:
    """How often fills were taken for the truth, those that were most often first."""
    checks = [ballot for ballot in cast if has_truth(pair_of(ballot))]
    lines = []
    for model in sorted({_fill(ballot) for ballot in checks}):
        own = [ballot for ballot in checks if _fill(ballot) == model]
        preferred = sum(_chosen(ballot) == model for ballot in own)
        same = sum(ballot.answer is Answer.NO_DIFFERENCE for ballot in own)
        low, high = wilson(preferred, len(own))
        share = preferred / len(own)
        lines.append(Mistaken(model, len(own), preferred, same, share, low, high))
    return tuple(sorted(lines, key=lambda line: (-line.share, line.model)))


def voter_lines(cast: Sequence[Ballot]) -> tuple[VoterLine, ...]:
    """Each voter's part, in alphabetical order."""
    lines = []
    for voter in sorted({ballot.voter for ballot in cast}):
        own = [ballot for ballot in cast if ballot.voter == voter]
        checks = [ballot for ballot in own if has_truth(pair_of(ballot))]
        found = sum(_chosen(ballot) == Contender(TRUTH) for ballot in checks)
        seconds = median(ballot.seconds for ballot in own)
        lines.append(VoterLine(voter, own[-1].role, len(own), seconds, len(checks), found))
    return tuple(lines)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference. Journal of
    the American Statistical Association 22 (1927).
    """
    share, spread = successes / trials, Z**2 / trials
    middle = share + spread / 2
    reach = Z * sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread))


def _fill(ballot: Ballot) -> Contender:
    return ballot.right if ballot.left.name == TRUTH else ballot.left


def _chosen(ballot: Ballot) -> Contender | None:
    sides = {Answer.LEFT: ballot.left, Answer.RIGHT: ballot.right}
    return sides.get(ballot.answer)
