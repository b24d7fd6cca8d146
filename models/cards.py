"""Cards: what each inpainter is, for whom, and where its weights lie. Needs no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from models.errors import WeightsRefused

Kind = Literal["gan", "diffusion", "exemplar", "test"]

_MODEL_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class InpainterCard:
    """What is known of one inpainter without loading it.

    Attributes:
        name: What ``models.load`` calls it.
        kind: ``gan`` (learned), ``diffusion`` (partial differential equations, nothing learned),
            ``exemplar`` (copies from the same picture) or ``test`` (a tool of the tests).
        purpose: One sentence for the person who chooses.
        parameters: Number of learned values; 0 where nothing is learned.
        licence: SPDX identifier or name of the licence of the weights or the method's code.
        paper: Where the method was published.
        weights: The safetensors file, or None where nothing is learned.
        sha256: SHA-256 of that file as the card promises it, or None.
        default: Whether ``models.load(None)`` takes this one.
        architecture: Name for ``models.create``, or None for a classical method.
        config: Arguments for ``models.create``.
        details: Every other field of the model-card file: data, steps, scores …
    """

    name: str
    kind: Kind
    purpose: str
    parameters: int = 0
    licence: str = "Apache-2.0"
    paper: str = ""
    weights: Path | None = None
    sha256: str | None = None
    default: bool = False
    architecture: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the weights, or the method's code, come from; empty if nobody has said."""
        return str(self.details.get("source", ""))

    @property
    def lacks(self) -> str:
        """What is still missing before it can be used; empty if nothing is."""
        return str(self.details.get("lacks", ""))


def read_card(path: Path, finished: bool = True) -> InpainterCard:
    """Read the model-card file ``NAME.json`` that lies beside ``NAME.safetensors``.

    Required fields are ``architecture`` and ``sha256``; ``name``, where given, must be the file's.

    Args:
        path: The card.
        finished: Refuse a card whose weights are only a part of what its network needs.

    Raises:
        WeightsRefused: If the file is no card, says something impossible, or is unfinished.
    """
    card = _parse(path)
    if finished and card.lacks:
        raise WeightsRefused(f"{card.name} is not complete: {card.lacks}")
    return card


def write_card(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a model-card file, at once when complete.

    Args:
        path: ``NAME.json``, replaced if it is there.
        fields: What ``read_card`` reads, and anything else that JSON can hold.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(fields, file, indent=1, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _parse(path: Path) -> InpainterCard:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsRefused(f"{path}: not a readable model card ({error})") from error
    if not isinstance(said, dict):
        raise WeightsRefused(f"{path}: a model card must be a JSON object")
    kind = said.get("kind", "gan")
    faults = [
        fault
        for fault, present in {
            "its 'name' is not the file's name": said.get("name", path.stem) != path.stem,
            "'architecture' is missing": not isinstance(said.get("architecture"), str),
            "'sha256' is missing": not isinstance(said.get("sha256"), str),
            "'config' must be an object": not isinstance(said.get("config", {}), dict),
            f"'kind' must be one of {', '.join(get_args(Kind))}": kind not in get_args(Kind),
            "'parameters' must be a whole number": not isinstance(said.get("parameters", 0), int),
        }.items()
        if present
    ]
    if faults:
        raise WeightsRefused(f"{path}: not a model card: {'; '.join(faults)}")
    own = {"name", "kind", "architecture", "config", "purpose", "parameters"}
    own |= {"licence", "paper", "sha256", "default"}
    return InpainterCard(
        name=path.stem,
        kind=kind,
        purpose=str(said.get("purpose", "")),
        parameters=said.get("parameters", 0),
        licence=str(said.get("licence", "unknown")),
        paper=str(said.get("paper", "")),
        weights=path.with_suffix(_MODEL_SUFFIX),
        sha256=said["sha256"].lower(),
        default=bool(said.get("default", False)),
        architecture=said["architecture"],
        config=dict(said.get("config", {})),
        details={key: value for key, value in said.items() if key not in own},
    )


def cards_in(folder: Path, finished: bool = True) -> list[InpainterCard]:
    """The cards in a folder, by name; none where there is no such folder.

    A JSON file without weights beside it is not a model; a card that cannot be read is passed
    over here, so that one bad file does not hide the others, and refused when asked for by name.

    Args:
        folder: Where to look.
        finished: Pass over cards whose weights are only a part of what the network needs.
    """
    cards = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        if path.with_suffix(_MODEL_SUFFIX).is_file():
            try:
                cards.append(read_card(path, finished))
            except WeightsRefused:
                continue
    return cards
