"""Whether people agree: Krippendorff's alpha over what several of them have judged.

K. Krippendorff, Content Analysis: An Introduction to Its Methodology. Sage, chapter on
reliability; for nominal data and any number of judges, with missing answers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from db.votes import Answer, Ballot
from heritage.evaluate.blind.pairs import has_truth, pair_of


@dataclass(frozen=True)
class Agreement:
    """How far voters say the same of the same pair.

    Attributes:
        alpha: 1 for full agreement, 0 for what chance would give; None where it has no value,
            because nothing was judged by two people or everybody always said the same.
        comparisons: How many pairs two or more people have judged.
        voters: How many people judged those.
    """

    alpha: float | None
    comparisons: int
    voters: int


def agreement(cast: Iterable[Ballot]) -> Agreement:
    """Agreement over all comparisons of fills that two or more people judged.

    Which model of a pair is called first is arbitrary and must not matter to what chance would
    give, so that every comparison counts both ways round.
    """
    judged: dict[Hashable, dict[str, str]] = defaultdict(dict)
    for ballot in cast:
        pair = pair_of(ballot)
        if not has_truth(pair):
            key = (ballot.evaluation, ballot.family, ballot.picture, pair)
            judged[key][ballot.voter] = _said(ballot)
    shared = [answers for answers in judged.values() if len(answers) > 1]
    voters = {voter for answers in shared for voter in answers}
    units = [list(answers.values()) for answers in shared]
    mirrored = [[_MIRROR.get(word, word) for word in unit] for unit in units]
    return Agreement(nominal_alpha(units + mirrored), len(shared), len(voters))


def nominal_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal data.

    Args:
        units: The answers given to each thing that was judged; those with one answer don't count.

    Returns:
        At most 1; None where nothing was judged twice or all answers are the same.
    """
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        totals.update(counts)
        agreeing += sum(n * (n - 1) for n in counts.values()) / (len(unit) - 1)
    number = sum(totals.values())
    by_chance = sum(n * (n - 1) for n in totals.values())
    if number * (number - 1) == by_chance:
        return None
    return ((number - 1) * agreeing - by_chance) / (number * (number - 1) - by_chance)


_MIRROR = {"first": "second", "second": "first"}


def _said(ballot: Ballot) -> str:
    """The answer in terms of the sorted pair, whatever the sides were."""
    if ballot.answer not in (Answer.LEFT, Answer.RIGHT):
        return ballot.answer.value
    chosen = ballot.left if ballot.answer is Answer.LEFT else ballot.right
    return "first" if chosen == pair_of(ballot)[0] else "second"
