"""A verdict as tables: plain rows for any terminal or file, and Rich tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from db.votes import Contender
from heritage.evaluate.blind.ranking import Ranking, Verdict

Row = tuple[object, ...]


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        title: What it is about.
        columns: Headings.
        rows: As many values in each as there are headings.
        note: What to know before reading it; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def sections(verdict: Verdict) -> list[Section]:
    """All tables of a verdict: the ranking, by family, the truth, the voters."""
    found = [_ranking(verdict.overall)]
    found += [_ranking(family) for family in verdict.families]
    if verdict.mistaken:
        found.append(_truth(verdict))
    if verdict.voters:
        found.append(_voters(verdict))
    return found


def rich_tables(verdict: Verdict) -> Iterator[Table]:
    """The same for a terminal, with titles and notes."""
    for section in sections(verdict):
        table = Table(
            title=Text(section.title),
            caption=Text(section.note) if section.note else None,
            title_justify="left",
            caption_justify="left",
            box=box.SIMPLE_HEAD,
        )
        for number, column in enumerate(section.columns):
            table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
        for row in section.rows:
            table.add_row(*(Text(str(value)) for value in row))  # a name is no markup
        yield table


def _ranking(ranking: Ranking) -> Section:
    name = "all families" if ranking.family is None else ranking.family
    title = (
        f"{name}: {ranking.votes} votes by {ranking.voters} people on {ranking.pictures} pictures"
    )
    labels = _labels(standing.model for standing in ranking.standings)
    rows = tuple(
        (
            labels[s.model],
            _signed(s.strength),
            f"{_signed(s.low)} to {_signed(s.high)}",
            f"{100 * s.chance:.0f} %",
            f"{100 * s.chance_low:.0f} to {100 * s.chance_high:.0f} %",
            *(s.wins, s.losses, s.ties, s.unacceptable),
        )
        for s in ranking.standings
    )
    columns = ("model", "strength", "95 %", "accepted rather than a rival", "95 %")
    columns_of_votes = ("won", "lost", "neither", "of these unacceptable")
    return Section(title, columns + columns_of_votes, rows, ranking.note)


def _signed(strength: float) -> str:
    return f"{round(strength, 2) + 0.0:+.2f}"  # no minus before zero


def _truth(verdict: Verdict) -> Section:
    labels = _labels(line.model for line in verdict.mistaken)
    rows = tuple(
        (
            labels[line.model],
            *(line.shown, line.preferred, line.no_difference),
            f"{100 * line.share:.0f} %",
            f"{100 * line.low:.0f} to {100 * line.high:.0f} %",
        )
        for line in verdict.mistaken
    )
    columns = ("model", "beside the truth", "taken for it", "no difference", "share", "95 %")
    return Section("taken for the truth", columns, rows, "50 % would be perfect")


def _voters(verdict: Verdict) -> Section:
    rows = tuple(
        (
            line.voter,
            line.role.value,
            line.votes,
            f"{line.seconds:.1f}",
            f"{line.truth_found} of {line.truth_shown}",
        )
        for line in verdict.voters
    )
    agreed = verdict.agreement
    note = "nothing has been judged by two people yet"
    if agreed.comparisons:
        alpha = "has no value" if agreed.alpha is None else f"is {agreed.alpha:.2f}"
        note = f"Krippendorff's alpha {alpha} over {agreed.comparisons} pairs that several judged"
    columns = ("voter", "role", "votes", "seconds", "truth recognised")
    return Section("voters", columns, rows, note)


def _labels(models: Iterable[Contender]) -> dict[Contender, str]:
    """Names; with the beginning of the weights' hash where one name stands for several models."""
    listed = list(models)
    names = [model.name for model in listed]
    return {
        model: model.name
        if names.count(model.name) == 1
        else f"{model.name} ({model.weights[:8] or 'no weights'})"
        for model in listed
    }
