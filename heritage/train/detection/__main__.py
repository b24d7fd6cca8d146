"""``python -m heritage.train.detection``: the detector's training where only torch is installed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from heritage.train.detection.examples import load_material
from heritage.train.detection.loop import DetectorTraining
from heritage.train.detection.recipe import SHIPPED, read_detector_recipe


def main() -> None:
    """Train, or go on; once done, calibrate and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m heritage.train.detection", description=__doc__)
    parser.add_argument("recipe", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--out", type=Path, default=Path("runs/damage"))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    recipe = read_detector_recipe(given.recipe, given.pictures, given.masks)
    material, held_out = load_material(recipe)
    training = DetectorTraining(recipe, given.out, material, given.device, given.workers)
    training.run(given.minutes, lambda line: print(json.dumps(line), flush=True))
    if training.progress >= 1:
        from heritage.train.detection.release import release

        print(json.dumps(release(training, held_out)))


if __name__ == "__main__":
    main()
