"""From votes to a ranking: strengths with intervals, and what the votes cannot tell.

"Both unacceptable" prefers neither and counts as a tie here; how
often it was said stands beside the strength.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from db.votes import Answer, Ballot, Contender, VoterRole
from heritage.catalogue import Catalogue
from heritage.evaluate.blind.agreement import Agreement, agreement
from heritage.evaluate.blind.ballots import read_ballots
from heritage.evaluate.blind.layout import identifier_of
from heritage.evaluate.blind.linked import note_on
from heritage.evaluate.blind.pairs import has_truth, pair_of
from heritage.evaluate.blind.tally import Tally, estimates, mean_chances, tally_of
from heritage.evaluate.blind.truth import Mistaken, VoterLine, mistaken, voter_lines

REPLICATES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Standing:
    """Where one model stands.

    Attributes:
        model: Its name and the SHA-256 of its weights.
        votes: Comparisons it was part of; ``wins``, ``losses`` and ``ties`` add up to them.
        unacceptable: Of the ties, those in which both fills were called unacceptable.
        strength: Davidson's, as a logarithm; the strengths of a ranking add up to zero.
        low: Lower end of its interval.
        high: Upper end.
        chance: How likely its fill is accepted rather than an average rival's, 0 to 1.
        chance_low: Lower end of its interval.
        chance_high: Upper end.
    """

    model: Contender
    votes: int
    wins: int
    losses: int
    ties: int
    unacceptable: int
    strength: float
    low: float
    high: float
    chance: float
    chance_low: float
    chance_high: float


@dataclass(frozen=True)
class Ranking:
    """Models in order, best first, by the votes of one family of damage or of all.

    Attributes:
        family: The family; None for all together.
        standings: The models.
        votes: Votes that counted.
        voters: How many people cast them.
        pictures: How many pictures they saw.
        tie_share: Part of the votes that preferred neither.
        note: What the votes cannot tell; empty if they tell all.
    """

    family: str | None
    standings: tuple[Standing, ...]
    votes: int
    voters: int
    pictures: int
    tie_share: float
    note: str


@dataclass(frozen=True)
class Verdict:
    """All that the votes say.

    Attributes:
        overall: The ranking by all votes.
        families: The rankings by family, in alphabetical order.
        mistaken: How often fills were taken for the truth.
        agreement: Whether people agree.
        voters: Who has voted, and whether they recognised the truth.
    """

    overall: Ranking
    families: tuple[Ranking, ...]
    mistaken: tuple[Mistaken, ...]
    agreement: Agreement
    voters: tuple[VoterLine, ...]


def ranking(
    catalogue: Catalogue,
    folder: Path | None = None,
    *,
    role: VoterRole | None = None,
    replicates: int = REPLICATES,
) -> Verdict:
    """Rank models by the votes in the catalogue.

    Args:
        catalogue: An open catalogue.
        folder: The evaluation's output folder; None for the votes on all evaluations together.
        role: Only what people of this role say.
        replicates: Draws for the intervals.

    Raises:
        EvaluationUnreadable: If the folder holds no evaluation.
        CatalogueRefused: If the catalogue cannot be read.
    """
    identifier = None if folder is None else identifier_of(folder)
    cast = read_ballots(catalogue, identifier)
    return judge([b for b in cast if role is None or b.role is role], replicates=replicates)


def judge(cast: Sequence[Ballot], *, replicates: int = REPLICATES) -> Verdict:
    """All that votes say, overall and by family."""
    families = sorted({ballot.family for ballot in cast if not has_truth(pair_of(ballot))})
    return Verdict(
        overall=rank(cast, replicates=replicates),
        families=tuple(rank(cast, family, replicates=replicates) for family in families),
        mistaken=mistaken(cast),
        agreement=agreement(cast),
        voters=voter_lines(cast),
    )


def rank(
    cast: Iterable[Ballot],
    family: str | None = None,
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> Ranking:
    """Rank models by votes; those in which one side was the truth are left out.

    Args:
        cast: Votes.
        family: Count votes on this family of damage only.
        replicates: Draws for the intervals.
        level: What part of the draws lies within an interval.
        seed: Of the draws.
    """
    counted = [b for b in cast if family in (None, b.family) and not has_truth(pair_of(b))]
    if not counted:
        return Ranking(family, (), 0, 0, 0, 0.0, note_on(counted))
    tally = Tally.of(counted)
    strengths, ties = estimates(tally, replicates, seed)
    expected = mean_chances(strengths, ties)
    edges = ((1 - level) / 2, (1 + level) / 2)
    bounds = np.quantile(strengths, edges, axis=0)
    chance_bounds = np.quantile(expected, edges, axis=0)
    standings = [
        Standing(
            model,
            *tally_of(model, counted),
            *(float(x) for x in (strengths[0, n], bounds[0, n], bounds[1, n])),
            *(float(x) for x in (expected[0, n], chance_bounds[0, n], chance_bounds[1, n])),
        )
        for n, model in enumerate(tally.models)
    ]
    undecided = sum(b.answer not in (Answer.LEFT, Answer.RIGHT) for b in counted)
    return Ranking(
        family=family,
        standings=tuple(sorted(standings, key=lambda s: (-s.strength, s.model))),
        votes=len(counted),
        voters=len({b.voter for b in counted}),
        pictures=len({b.picture for b in counted}),
        tie_share=undecided / len(counted),
        note=note_on(counted),
    )
