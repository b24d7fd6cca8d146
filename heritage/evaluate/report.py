"""One page for people: the worst cases first, then what was measured and what it means.

The page needs nothing but itself: pictures and plots are inside, nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heritage.evaluate.distributions import MISSING, PackageMissing
from heritage.evaluate.families import words_of
from heritage.evaluate.measures import CROWD, MEASURES, Measure
from heritage.evaluate.plots import intervals_plot, scatter_plot
from heritage.evaluate.strips import Strip, strips_of
from heritage.evaluate.summary import (
    Evaluation,
    FamilyTable,
    Versus,
    comparisons,
    failures_of,
    families_of,
    table_of,
)
from heritage.restore.storage import storage, write_atomically

_OVERVIEW = ("psnr_hole", "perceptual", "texture")  # one small table each, models by families
_COMPARED = ("psnr_hole", "ssim_hole", "colour", "perceptual", "lpips", "texture", "seam", "grain")
NAME = "report.html"


@dataclass(frozen=True)
class FamilySection:
    """What the page says of one family of damage.

    Attributes:
        table: Means and intervals.
        words: What such damage is.
        strips: Cases to look at, the worst first.
        intervals: A plot as an SVG element.
        scatter: Another.
        versus: The first model against each other one, in the main measures.
    """

    table: FamilyTable
    words: str
    strips: list[Strip]
    intervals: str
    scatter: str
    versus: list[Versus]


def write_report(evaluation: Evaluation, output: Path) -> Path:
    """Write ``report.html`` beside the fills; returns its path.

    Args:
        evaluation: What ``evaluate`` returned.
        output: Its folder, which holds the fills.

    Raises:
        PackageMissing: If Jinja2 or matplotlib is not installed.
        StorageFailed: If a fill is gone, or the page cannot be written.
    """
    sections = [_section(evaluation, family, output) for family in families_of(evaluation)]
    text = _template().render(
        sections=sections,
        overview=[(MEASURES[key], _overview(sections, MEASURES[key])) for key in _OVERVIEW],
        measures=_measured(sections),
        crowd=list(CROWD.values()),
        failures=failures_of(evaluation),
        evaluation=evaluation,
        pictures=len(evaluation["pictures"]),
        models=list(evaluation["models"]),
    )
    path = output / NAME
    with storage(path):
        write_atomically(path, text.encode("utf-8"))
    return path


def _section(evaluation: Evaluation, family: str, output: Path) -> FamilySection:
    table = table_of(evaluation, family)
    first = table.models[0]
    return FamilySection(
        table,
        words_of(family),
        strips_of(evaluation, family, output),
        intervals_plot(table),
        scatter_plot(table),
        comparisons(evaluation, family, _COMPARED, first),
    )


def _overview(sections: list[FamilySection], measure: Measure) -> list[tuple[str, list[Any]]]:
    """Rows of one small table: a model, and its mean in every family with whether it is best."""
    models = sections[0].table.models if sections else ()
    rows = []
    for model in models:
        cells = []
        for section in sections:
            found = section.table.estimates[model][measure.key]
            best = section.table.best.get(measure.key) == model
            cells.append((measure.shown(None if found is None else found.mean), best))
        rows.append((model, cells))
    return rows


def _measured(sections: list[FamilySection]) -> list[Measure]:
    """Measures that occur anywhere in the page."""
    keys = {measure.key for section in sections for measure in section.table.measures}
    return [measure for key, measure in MEASURES.items() if key in keys]


def _template() -> Any:  # noqa: ANN401 - of a package that may be absent
    try:
        import jinja2
    except ImportError as error:
        raise PackageMissing(MISSING) from error
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html.j2")
