"""Train from a shell that has torch and nothing else of this project's services."""

import argparse
import sys
from pathlib import Path

from heritage.errors import HeritageError
from heritage.leaving import leave_soon


def main() -> int:
    """Run one recipe, or one slice of it."""
    parser = argparse.ArgumentParser(
        prog="python -m heritage.train",
        description="Train an inpainter from a recipe; run again to continue.",
        epilog="example: python -m heritage.train art-small.toml --out runs/a --minutes 9",
    )
    parser.add_argument("recipe", help="TOML file, or the name of a recipe that comes with this")
    parser.add_argument("--out", type=Path, help="folder of the run; by default runs/NAME")
    parser.add_argument("--minutes", type=float, help="stop (resumably) after so many minutes")
    parser.add_argument("--every", type=float, help="minutes between checkpoints")
    parser.add_argument("--validate", type=float, help="minutes between validations")
    parser.add_argument(
        "--from", dest="start", type=Path, help="weights to start from, or their name"
    )
    parser.add_argument(
        "--device", "--accelerator", default="auto", help="auto, cpu, cuda, cuda:1, mps"
    )
    parser.add_argument("--devices", type=int, default=1, help="how many of them")
    for place in ("pictures", "validation", "masks"):
        parser.add_argument(f"--{place}", type=Path, help="folder, instead of the recipe's")
    given = parser.parse_args()
    from heritage.train.loop import Training  # torch takes seconds; --help should not
    from heritage.train.recipe import find_recipe, read_recipe
    from models.errors import ModelError

    try:
        places = {key: getattr(given, key) for key in ("pictures", "validation", "masks")}
        recipe = read_recipe(find_recipe(given.recipe), places)
        out = given.out or Path("runs") / recipe.name
        training = Training(recipe, out, given.start, given.device, given.devices)
        training.run(given.minutes, given.every, given.validate)
    except (HeritageError, ModelError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("train: interrupted; the same command continues", file=sys.stderr)
        leave_soon(130)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
