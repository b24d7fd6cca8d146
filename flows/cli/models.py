"""``heritage models``: the inpainters there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flows.cli.answers import AsJson, say_json, say_table


def models(as_json: AsJson = False) -> None:
    """List the inpainters that --model takes; the default is marked with a star."""
    from heritage.settings import load_settings
    from models import available

    cards = available(load_settings().model_folder)
    if as_json:
        say_json([_fields(asdict(card)) for card in cards])
        return
    rows = (
        (
            f"{card.name} *" if card.default else card.name,
            card.kind,
            f"{card.parameters / 1e6:.1f} M" if card.parameters else "-",
            card.licence,
            card.purpose,
        )
        for card in cards
    )
    say_table(("model", "kind", "parameters", "licence", "for"), rows)


def _fields(card: dict[str, Any]) -> dict[str, Any]:
    return card | {"weights": None if card["weights"] is None else str(card["weights"])}
