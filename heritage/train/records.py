"""What a run writes down as it goes: ``metrics.jsonl``, and the same for TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

NO_TENSORBOARD = (
    "tensorboardX is not installed: metrics.jsonl alone is written (pip install tensorboardX)"
)


class Records:
    """The record of one run.

    Args:
        folder: Of the run.
        step: Where the run goes on: lines of later steps, of a run that was killed after its last
            checkpoint, are removed, for these steps will be made again.
        warn: Told once where TensorBoard's format cannot be written.
    """

    def __init__(self, folder: Path, step: int, warn: Callable[[str], None]) -> None:
        self.path = folder / "metrics.jsonl"
        truncate(self.path, step)
        self._board = _board(folder, step, warn)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add one line: ``step`` and whatever is known of it, tables of numbers at any depth."""
        text = json.dumps(entry)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        if self._board is not None:
            numbers = {key: value for key, value in flat(entry) if key != "step"}
            self._board.log_metrics(numbers, step=entry["step"])

    def show(self, sheet: Path, step: int) -> None:
        """Put a sample sheet beside the numbers."""
        if self._board is not None:
            with Image.open(sheet) as image:
                pixels = np.asarray(image.convert("RGB"))
            self._board.experiment.add_image("sheet", pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Write out what waits."""
        if self._board is not None:
            self._board.finalize("success")


def truncate(path: Path, step: int) -> None:
    """Keep the lines of a ``metrics.jsonl`` up to a step, and no half line.

    The file is replaced at once, complete, or not at all.

    Args:
        path: May be missing.
        step: The last that is kept; its validation is kept too.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    kept = "".join(f"{line}\n" for line in text.splitlines() if _last(line, step))
    if kept != text:
        _replace(path, kept)


def last_validation(path: Path) -> int | None:
    """The last step of a ``metrics.jsonl`` that was validated; None if there is none."""
    if not path.exists():
        return None
    entries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return max((entry["step"] for entry in entries if "validation" in entry), default=None)


def write_json(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a table as JSON, at once when complete."""
    _replace(path, json.dumps(fields, indent=1, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _last(line: str, step: int) -> bool:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:  # written half when the run was killed
        return False
    return isinstance(entry, dict) and int(entry.get("step", 0)) <= step


def flat(entry: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of nested tables, as ``outer/inner`` and value."""
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)


def _board(folder: Path, step: int, warn: Callable[[str], None]) -> Any:  # noqa: ANN401 - optional
    try:
        import tensorboardX  # noqa: F401 - what the logger writes with
        from lightning.fabric.loggers.tensorboard import TensorBoardLogger
    except ImportError:
        warn(NO_TENSORBOARD)
        return None
    # Steps from here on that a killed run wrote already are not shown twice.
    return TensorBoardLogger(folder, name="tensorboard", version="", purge_step=step + 1)
