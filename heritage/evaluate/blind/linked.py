"""What votes cannot tell, because of who was never compared with, or never beat, whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from db.votes import Answer, Ballot, Contender
from heritage.evaluate.blind.pairs import pair_of


def note_on(cast: Sequence[Ballot]) -> str:
    """Say which places mean little; empty if the votes tell all.

    Two groups that no vote connects cannot be placed relative to each other. Where votes connect
    them, but all went one way, the maximum likelihood puts them infinitely far apart (Ford 1957),
    and the distance shown is what the prior allows.
    """
    if not cast:
        return "no votes yet"
    models = sorted({model for ballot in cast for model in pair_of(ballot)})
    beaten = list(_beaten(cast))
    apart = _groups(models, beaten, "weak")
    if len(apart) > 1:
        said = " and ".join(_named(group) for group in apart)
        return f"no vote compares {said}: their places relative to each other mean nothing"
    one_way = _groups(models, beaten, "strong")
    if len(one_way) > 1:
        said = " and ".join(_named(group) for group in one_way)
        return f"all votes between {said} went one way: the distance between them is a guess"
    voters = {ballot.voter for ballot in cast}
    if len(voters) == 1:
        return "one person has voted: the intervals say nothing about other people"
    return ""


def _beaten(cast: Iterable[Ballot]) -> Iterable[tuple[Contender, Contender]]:
    """Winner and loser of every vote; a tie is half a win of each."""
    for ballot in cast:
        if ballot.answer is not Answer.RIGHT:
            yield ballot.left, ballot.right
        if ballot.answer is not Answer.LEFT:
            yield ballot.right, ballot.left


def _groups(
    models: list[Contender], beaten: list[tuple[Contender, Contender]], connection: str
) -> list[list[Contender]]:
    number = {model: n for n, model in enumerate(models)}
    winners = [number[winner] for winner, _ in beaten]
    losers = [number[loser] for _, loser in beaten]
    shape = (len(models), len(models))
    graph = coo_array((np.ones(len(beaten)), (winners, losers)), shape=shape)
    count, labels = connected_components(graph, directed=True, connection=connection)
    return sorted([m for m in models if labels[number[m]] == n] for n in range(count))


def _named(group: list[Contender]) -> str:
    names = ", ".join(model.name for model in group)
    return names if len(group) == 1 else f"({names})"
