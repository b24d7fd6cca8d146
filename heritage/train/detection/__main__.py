"""``python -m heritage.train.detection``: the detector's training where only torch is installed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from heritage.train.detection.recipe import SHIPPED
from heritage.train.detection.run import train_detector


def main() -> None:
    """Train, or go on; once done, calibrate and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m heritage.train.detection", description=__doc__)
    parser.add_argument("recipe", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--from", dest="start", help="a detector's weights, or its name")
    given = parser.parse_args()
    done = train_detector(
        given.recipe, given.out, given.minutes, given.pictures, given.masks, given.device,
        given.workers, lambda line: print(json.dumps(line), flush=True), given.start,
    )  # fmt: skip
    print(json.dumps(done))


if __name__ == "__main__":
    main()
