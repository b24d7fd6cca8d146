"""From every score of every picture to tables: means with intervals, the best, the comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heritage.evaluate.measures import CROWD, MEASURES, Measure
from heritage.evaluate.statistics import Comparison, Estimate, compare, estimate

Evaluation = Mapping[str, Any]

_CERTAIN = 0.05


@dataclass(frozen=True)
class Versus:
    """Two models against each other, in one measure.

    Attributes:
        measure: Which.
        first: One model.
        second: The other.
        found: The paired difference of how far each is from the best possible: below zero, the
            first is better.
    """

    measure: Measure
    first: str
    second: str
    found: Comparison

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out and p is below 0.05.

        With few pictures a bootstrap interval is too narrow; with fewer than six no p is that low.
        """
        apart = self.found.low > 0 or self.found.high < 0
        return apart and self.found.p < _CERTAIN

    @property
    def better(self) -> str | None:
        """Which model is better, if that is clear."""
        if not self.clear:
            return None
        return self.first if self.found.difference < 0 else self.second


@dataclass(frozen=True)
class FamilyTable:
    """One family of damage.

    Attributes:
        family: Its name.
        models: Rows.
        measures: Columns of which anything was measured.
        estimates: By model and measure; None where nothing was measured.
        crowd: The distances of all fills together, by model and measure.
        samples: How many samples those distances have.
        reference: What the truth itself scores in the measures that need no truth.
        best: The models whose mean is best, by measure.
        failures: Fills that did not come about, by model.
        pictures: How many there are.
        share: Mean part of the picture that is hole.
    """

    family: str
    models: tuple[str, ...]
    measures: tuple[Measure, ...]
    estimates: Mapping[str, Mapping[str, Estimate | None]]
    crowd: Mapping[str, Mapping[str, float | None]]
    samples: int
    reference: Mapping[str, Estimate | None]
    best: Mapping[str, str]
    failures: Mapping[str, int]
    pictures: int
    share: float


def families_of(evaluation: Evaluation) -> list[str]:
    """Names of the families, in order."""
    return list(evaluation["scores"])


def values_of(evaluation: Evaluation, family: str, model: str, key: str) -> list[float | None]:
    """One measure of a model for every picture of a family, in one order for all models."""
    return [row.get(key) for row in evaluation["scores"][family][model]]


def table_of(evaluation: Evaluation, family: str) -> FamilyTable:
    """The means of one family."""
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = evaluation["scores"][family]
    models = tuple(rows)
    estimates = {
        model: {key: estimate(values_of(evaluation, family, model, key)) for key in MEASURES}
        for model in models
    }
    measures = tuple(
        measure
        for key, measure in MEASURES.items()
        if any(estimates[model][key] is not None for model in models)
    )
    reference = evaluation["reference"][family]
    crowd = evaluation["crowd"][family]
    means = {
        measure.key: {m: found.mean for m in models if (found := estimates[m][measure.key])}
        for measure in measures
    } | {
        key: {m: crowd[m][key] for m in models if crowd.get(m, {}).get(key) is not None}
        for key in CROWD
    }
    known = {**MEASURES, **CROWD}
    return FamilyTable(
        family,
        models,
        measures,
        estimates,
        crowd,
        max((one["samples"] for one in crowd.values()), default=0),
        {key: estimate([row.get(key) for row in reference]) for key in ("seam", "grain")},
        {
            key: min(found, key=lambda name: known[key].fault(found[name]))
            for key, found in means.items()
            if found
        },
        {model: sum("failed" in row for row in rows[model]) for model in models},
        len(reference),
        sum(row["share"] for row in reference) / max(1, len(reference)),
    )


def comparisons(
    evaluation: Evaluation,
    family: str,
    measures: Sequence[str] | None = None,
    only: str | None = None,
) -> list[Versus]:
    """Pairs of models in the measures that judge quality, picture by picture.

    Differences are of ``Measure.fault``, so that below zero always means that the first is better,
    also where 1 is right.

    Args:
        evaluation: From ``evaluate``, or read from ``evaluation.json``.
        family: Of damage.
        measures: Keys; all that judge quality unless given.
        only: The model that comes first in every pair; all pairs unless given.
    """
    models = list(evaluation["scores"][family])
    found = []
    for key, measure in MEASURES.items():
        if not measure.judges or (measures is not None and key not in measures):
            continue
        faults = {
            model: [
                None if value is None else measure.fault(value)
                for value in values_of(evaluation, family, model, key)
            ]
            for model in models
        }
        for number, first in enumerate(models):
            for second in models[number + 1 :] if only in (None, first) else ():
                result = compare(faults[first], faults[second])
                if result is not None:
                    found.append(Versus(measure, first, second, result))
    return found


def failures_of(evaluation: Evaluation) -> list[dict[str, str]]:
    """Every fill that did not come about, with the reason."""
    return [
        {"family": family, "model": model, "picture": row["picture"], "reason": row["failed"]}
        for family, models in evaluation["scores"].items()
        for model, rows in models.items()
        for row in rows
        if "failed" in row
    ]


def summary_of(evaluation: Evaluation) -> dict[str, Any]:
    """Means with intervals and all comparisons, as plain values for JSON."""
    tables = {family: table_of(evaluation, family) for family in families_of(evaluation)}
    return {
        "means": {
            family: {
                model: {
                    key: found.to_json()
                    for key, found in table.estimates[model].items()
                    if found is not None
                }
                for model in table.models
            }
            for family, table in tables.items()
        },
        "comparisons": {
            family: [
                {"measure": one.measure.key, "first": one.first, "second": one.second}
                | one.found.to_json()
                for one in comparisons(evaluation, family)
            ]
            for family in tables
        },
    }
