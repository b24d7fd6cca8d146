"""How answers look: JSON for scripts, short tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, and nothing else.")]

PIPE_WIDTH = 4096  # a file has no right edge at which a path would have to be broken


def console(stderr: bool = False) -> Console:
    """A terminal as it is, or a file without colours and line breaks."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=True)


def say_json(answer: object) -> None:
    """Print one JSON document."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings; numbers to the right."""
    listed = [[_words(value) for value in row] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, column in enumerate(columns):
        figures = bool(listed) and all(_is_figure(row[number]) for row in listed)
        table.add_column(column, justify="right" if figures else "left", overflow="fold")
    for row in listed:
        table.add_row(*row)
    console().print(table)


def percent(share: float) -> str:
    """A part of one, in per cent, with the digits that small damage needs."""
    return f"{100 * share:.3g} %"


def _words(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _is_figure(text: str) -> bool:
    return text.rstrip(" %").replace(".", "", 1).replace(",", "").lstrip("-").isdigit()
