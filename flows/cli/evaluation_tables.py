"""The tables of ``heritage evaluate`` on a terminal: one for each kind of damage."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from flows.cli.answers import console
from heritage.evaluate.families import words_of
from heritage.evaluate.measures import CROWD
from heritage.evaluate.summary import Evaluation, FamilyTable, families_of, table_of

_SIGNS = {"high": "↑", "low": "↓", "one": "→1"}


def say_tables(evaluation: Evaluation) -> None:
    """Print means over 95 % intervals; the best is bold and has a star."""
    for family in families_of(evaluation):
        table = table_of(evaluation, family)
        console().print(
            f"\n{family}: {words_of(family)} {table.pictures} pictures, "
            f"{100 * table.share:.1f} % missing."
        )
        console().print(as_rich(table))
    console().print(
        "\n↑ higher is better, ↓ lower is better, →1 one is right; * best; below, 95 % intervals. "
        "PSNR and SSIM do not tell whether a fill looks right."
    )


def as_rich(table: FamilyTable) -> Table:
    """One family's main measures."""
    measures = [measure for measure in table.measures if measure.main]
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown.add_column("model", no_wrap=True)
    for measure in [*measures, *CROWD.values()]:
        shown.add_column(f"{measure.title} {_SIGNS[measure.best]}", justify="right")
    for model in table.models:
        cells = []
        for measure in measures:
            found = table.estimates[model][measure.key]
            best = measure.judges and table.best.get(measure.key) == model
            cells.append(_cell(measure.shown(found.mean if found else None), best))
            if found and measure.judges:
                ends = f"\n{measure.shown(found.low)}–{measure.shown(found.high)}"
                cells[-1].append(ends, style="dim")
        for key, measure in CROWD.items():
            value = table.crowd.get(model, {}).get(key)
            cells.append(_cell(measure.shown(value), table.best.get(key) == model))
        shown.add_row(model, *cells)
    return shown


def _cell(text: str, best: bool) -> Text:
    return Text(f"*{text}", style="bold") if best else Text(text)
