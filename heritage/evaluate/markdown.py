"""The tables of a comparison as Markdown, for documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from heritage.evaluate.families import words_of
from heritage.evaluate.measures import CROWD, MEASURES, Measure
from heritage.evaluate.statistics import Estimate
from heritage.evaluate.summary import (
    Evaluation,
    FamilyTable,
    Versus,
    comparisons,
    families_of,
    table_of,
)

_KEYS = (
    "psnr_hole", "ssim_hole", "colour", "perceptual", "lpips", "texture", "seam", "grain",
    "seconds", "memory",
)  # fmt: skip
_PAIRED = ("psnr_hole", "perceptual")


def markdown_of(evaluation: Evaluation) -> str:
    """The first model against each other one, picture by picture, and a table for every family.

    The latter has means with intervals, the best in bold; the former differences with intervals,
    in bold where they are clear.
    """
    families = families_of(evaluation)
    tables = [table_of(evaluation, family) for family in families]
    lines = [line for key in _PAIRED for line in _pairs(evaluation, tables, MEASURES[key])]
    return "\n".join([*lines, *(line for table in tables for line in _lines(table))])


def _pairs(
    evaluation: Evaluation, tables: Sequence[FamilyTable], measure: Measure
) -> Iterator[str]:
    first, *others = tables[0].models
    if not others:
        return
    yield f"**{measure.title}: by how much `{first}` is better**, picture by picture."
    yield ""
    yield "| | " + " | ".join(f"`{other}`" for other in others) + " |"
    yield "| --- |" + " --- |" * len(others)
    for table in tables:
        pairs = comparisons(evaluation, table.family, [measure.key], first)
        found = {one.second: one for one in pairs}
        cells = [_gain(found[other]) if other in found else "–" for other in others]
        yield f"| {table.family} | " + " | ".join(cells) + " |"
    yield ""


def _gain(one: Versus) -> str:
    """How much nearer to the best possible the first model is, with the interval."""
    digits, found = one.measure.digits, one.found
    mean = f"{-found.difference:+.{digits}f}"
    interval = f"[{-found.high:+.{digits}f}, {-found.low:+.{digits}f}]"
    return (f"**{mean}**" if one.clear else mean) + f" {interval}"


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
