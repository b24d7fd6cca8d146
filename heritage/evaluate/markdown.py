"""The tables of a comparison as Markdown, for documentation."""

from __future__ import annotations

from collections.abc import Iterator

from heritage.evaluate.families import words_of
from heritage.evaluate.measures import CROWD, Measure
from heritage.evaluate.statistics import Estimate
from heritage.evaluate.summary import Evaluation, FamilyTable, families_of, table_of

_KEYS = (
    "psnr_hole", "ssim_hole", "colour", "perceptual", "lpips", "texture", "seam", "grain",
    "seconds", "memory",
)  # fmt: skip


def markdown_of(evaluation: Evaluation) -> str:
    """A table for every family: means with intervals, the best in bold."""
    tables = [table_of(evaluation, family) for family in families_of(evaluation)]
    return "\n".join(line for table in tables for line in _lines(table))


def _lines(table: FamilyTable) -> Iterator[str]:
    measures = [measure for measure in table.measures if measure.key in _KEYS]
    yield f"**{table.family}.** {words_of(table.family)} {table.pictures} pictures, on average "
    yield f"{100 * table.share:.1f} % of each missing."
    yield ""
    headings = [*(measure.title for measure in measures), *(m.title for m in CROWD.values())]
    yield "| | " + " | ".join(headings) + " |"
    yield "| --- |" + " --- |" * len(headings)
    for model in table.models:
        cells = [_cell(table, model, measure) for measure in measures]
        cells += [_crowd(table, model, measure) for measure in CROWD.values()]
        failed = table.failures[model]
        name = f"`{model}`" + (f" ({failed} failed)" if failed else "")
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def _cell(table: FamilyTable, model: str, measure: Measure) -> str:
    found = table.estimates[model][measure.key]
    if found is None:
        return "–"
    mean = measure.shown(found.mean)
    best = measure.judges and table.best.get(measure.key) == model
    return (f"**{mean}**" if best else mean) + _interval(measure, found)


def _interval(measure: Measure, found: Estimate) -> str:
    if not measure.judges:
        return ""
    return f" [{measure.shown(found.low)}, {measure.shown(found.high)}]"


def _crowd(table: FamilyTable, model: str, measure: Measure) -> str:
    value = table.crowd.get(model, {}).get(measure.key)
    shown = measure.shown(value)
    return f"**{shown}**" if table.best.get(measure.key) == model else shown
