"""Put networks that were trained one by one into one file, with one card.

    python -m heritage.train.join thin=art-thin wide=art-wide --as art --into heritage-data/models

The parts are models by name, or their cards (``runs/models/art-thin.json``). ``thin`` and ``wide``
make a ``by-width``; ``coarse`` and ``fine`` a ``coarse-to-fine``, to train on from.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

import models
from heritage.errors import BadSetting, HeritageError
from heritage.train.release import table
from models.cards import InpainterCard, read_card, write_card
from models.checkpoints import load_weights, save_weights
from models.errors import ModelError
from models.footprint import cost
from models.network import InpaintingNetwork
from models.registry import find_card, user_folder

_WHOLES = {
    frozenset({"thin", "wide"}): "by-width",
    frozenset({"coarse", "fine"}): "coarse-to-fine",
}


def join(
    parts: Mapping[str, InpainterCard],
    name: str,
    into: Path,
    scores: dict[str, Any] | None = None,
    purpose: str = "",
    default: bool = False,
) -> Path:
    """Write the weights of all parts as those of one network, and its card.

    Args:
        parts: Cards with weights, by the name of the part.
        name: Of the whole.
        into: Where models lie.
        scores: What ``heritage evaluate`` wrote of the whole, or None.
        purpose: What the whole is for, one sentence; that of its parts where it is not said.
        default: Whether ``models.load(None)`` takes it.

    Returns:
        The card's path.

    Raises:
        BadSetting: If no network is made of such parts, or one of them has no weights.
        WeightsRefused: If weights cannot be read, or do not fit.
    """
    architecture = _WHOLES.get(frozenset(parts))
    if architecture is None:
        known = " or ".join(" and ".join(sorted(each)) for each in _WHOLES)
        raise BadSetting(f"nothing is made of {' and '.join(sorted(parts))}; give {known}")
    state: dict[str, Tensor] = {}
    for part, card in parts.items():
        if card.weights is None:
            raise BadSetting(f"{card.name} has no weights to be a part of something")
        state |= {f"{part}.{key}": value for key, value in load_weights(card.weights).items()}
    config = {part: dict(card.config) for part, card in parts.items()}
    network = models.create(architecture, **config)
    network.load_state_dict(state, strict=True)
    assert isinstance(network, InpaintingNetwork)
    said = _card(parts, name, architecture, config) | cost(network)
    said |= {"purpose": purpose or said["purpose"], "default": default}
    said["parameters"] = sum(p.numel() for p in network.parameters())
    if scores is not None:
        said["scores"] = table(scores)
    said["sha256"] = save_weights(into / f"{name}.safetensors", state)
    path = into / f"{name}.json"
    write_card(path, said)
    return path


def _card(
    parts: Mapping[str, InpainterCard], name: str, architecture: str, config: dict[str, Any]
) -> dict[str, Any]:
    """What the cards of the parts say together."""
    cards = list(parts.values())
    return {
        "name": name,
        "kind": "gan",
        "architecture": architecture,
        "config": config,
        "purpose": " ".join(dict.fromkeys(card.purpose for card in cards)),
        "licence": " and ".join(dict.fromkeys(card.licence for card in cards)),
        "paper": "; ".join(f"{part}: {card.paper}" for part, card in parts.items()),
        "data": next((c.details["data"] for c in cards if "data" in c.details), {}),
        "training": {part: card.details.get("training", {}) for part, card in parts.items()},
    }


def _find(place: str) -> InpainterCard:
    """A card by its path, or by the name of a model that is here."""
    return read_card(Path(place)) if place.endswith(".json") else find_card(place)


def main() -> int:
    """Join what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="+", metavar="PART=MODEL")
    parser.add_argument("--as", dest="name", required=True, help="name of the whole")
    parser.add_argument("--into", type=Path, help="folder of models; by default the workspace's")
    parser.add_argument("--scores", type=Path, help="evaluation.json of the whole")
    parser.add_argument("--purpose", default="", help="what it is for, one sentence")
    parser.add_argument("--default", action="store_true", help="make it what is used unnamed")
    given = parser.parse_args()
    try:
        if not all("=" in each for each in given.parts):
            raise BadSetting("say each part as PART=MODEL, such as thin=art-thin")
        parts = {
            part: _find(place) for part, _, place in (each.partition("=") for each in given.parts)
        }
        scores = json.loads(given.scores.read_text(encoding="utf-8")) if given.scores else None
        into = given.into or user_folder()
        into.mkdir(parents=True, exist_ok=True)
        print(join(parts, given.name, into, scores, given.purpose, given.default))
    except (HeritageError, ModelError, OSError) as error:
        print(f"join: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
