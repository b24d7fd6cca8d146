"""Train a detector, or go on, and release it once done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heritage.train.detection.examples import load_material
from heritage.train.detection.loop import DetectorTraining, Tell
from heritage.train.detection.recipe import read_detector_recipe
from heritage.train.detection.release import release
from models.detectors import detector_at


def train_detector(
    recipe: Path,
    folder: Path | None = None,
    minutes: float | None = None,
    pictures: Path | None = None,
    masks: Path | None = None,
    device: str = "auto",
    workers: int = 1,
    tell: Tell | None = None,
    start: str | Path | None = None,
) -> Mapping[str, Any]:
    """Train as a recipe says; a run that was begun goes on.

    Args:
        recipe: Its file.
        folder: Of the run; None: ``runs/NAME``.
        minutes: Stop after so many.
        pictures: Folder of undamaged pictures, instead of the recipe's.
        masks: Folder of crack patterns, likewise.
        device: ``auto``, ``cpu``, ``cuda`` and so on.
        workers: Threads that make squares.
        tell: Told of every line of the metrics.
        start: Weights to start from: the safetensors file of a detector, its card beside it, or a
            detector's name; None: nothing is known yet.

    Returns:
        ``folder``, ``weights``, ``step``, ``progress`` and ``finished``; the weights are there
        once it is finished.

    Raises:
        HeritageError: If the recipe or the pictures cannot be used, or it diverged.
        ModelNotFound: If there is nothing to start from.
        WeightsRefused: If it cannot be started from.
    """
    said = read_detector_recipe(recipe, pictures, masks)
    material, held_out = load_material(said)
    begun = None if start is None else detector_at(start)
    folder = folder or Path("runs") / said.name
    training = DetectorTraining(said, folder, material, device, workers, begun)
    training.run(minutes, tell)
    finished = training.progress >= 1
    if finished:
        release(training, held_out)
    return {
        "folder": str(training.folder),
        "weights": str(training.folder / f"{said.name}.safetensors"),
        "step": training.step,
        "progress": training.progress,
        "finished": finished,
    }
