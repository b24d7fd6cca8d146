"""What is kept of a comparison: ``evaluation.json``, with everything that was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heritage.evaluate.circumstances import circumstances
from heritage.evaluate.distributions import Samples, frechet_distance, kernel_distance
from heritage.evaluate.fillers import Filler
from heritage.restore.storage import storage, write_atomically

NAME = "evaluation.json"

Row = dict[str, Any]


@dataclass
class FamilyRecord:
    """What is found out about one family of damage, while it goes on.

    Attributes:
        rows: Scores of every picture, by model.
        reference: Of every picture, what needs no model.
        seeds: Of the holes, by picture.
        samples: Of every fill, by model, for the distances of crowds.
        truths: Of the truths in the same places.
    """

    rows: dict[str, list[Row]]
    reference: list[Row] = field(default_factory=list)
    seeds: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[Samples]] = field(default_factory=dict)
    truths: dict[str, list[Samples]] = field(default_factory=dict)


def record_of(
    options: Mapping[str, Any],
    pictures: Sequence[str],
    fillers: Sequence[Filler],
    judge: Mapping[str, str],
    found: Mapping[str, FamilyRecord],
) -> dict[str, Any]:
    """Everything that is kept, as plain values.

    Args:
        options: As they were asked for.
        pictures: File names.
        fillers: What was compared.
        judge: What decides the scores.
        found: By family.
    """
    return {
        "format": 1,
        "circumstances": circumstances(),
        "options": dict(options),
        "judge": dict(judge),
        "side": options["side"],
        "pictures": list(pictures),
        "models": {filler.name: dict(filler.identity) for filler in fillers},
        "seeds": {family: one.seeds for family, one in found.items()},
        "reference": {family: one.reference for family, one in found.items()},
        "crowd": {family: _crowd(one) for family, one in found.items()},
        "scores": {family: one.rows for family, one in found.items()},
    }


def _crowd(family: FamilyRecord) -> dict[str, Row]:
    """The distances that compare all fills of a family with all truths."""
    answer: dict[str, Row] = {}
    for name, samples in family.samples.items():
        fills, truths = (np.concatenate(each) for each in (samples, family.truths[name]))
        answer[name] = {
            "frechet": frechet_distance(fills, truths),
            "kernel": kernel_distance(fills, truths),
            "samples": len(fills),
        }
    return answer


def read_evaluation(output: Path) -> dict[str, Any] | None:
    """What ``evaluation.json`` in a folder holds; None where there is none that can be read."""
    try:
        found = json.loads((output / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "scores" in found else None


def keep(answer: dict[str, Any], output: Path) -> dict[str, Any]:
    """Write ``evaluation.json``, unless it says the same already, but for the circumstances.

    Returns:
        What it holds now.

    Raises:
        StorageFailed: If it cannot be written.
    """
    when = "circumstances"
    before = read_evaluation(output)
    if before is not None and {**before, when: 0} == {**answer, when: 0}:
        return before
    with storage(output):
        output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(output / NAME, text.encode())
    return answer
