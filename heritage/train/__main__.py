"""Train from a shell that has torch and nothing else of this project's services."""

import argparse
import sys
from pathlib import Path

from heritage.errors import HeritageError


def main() -> int:
    """Run one recipe, or one slice of it."""
    parser = argparse.ArgumentParser(
        prog="python -m heritage.train",
        description="Train an inpainter from a recipe; run again to continue.",
        epilog="example: python -m heritage.train recipes/art-small.toml --out runs/a --minutes 9",
    )
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, help="stop (resumably) after so many minutes")
    parser.add_argument("--every", type=float, default=5.0, help="minutes between checkpoints")
    parser.add_argument("--validate", type=float, default=15.0, help="minutes between validations")
    parser.add_argument("--from", dest="start", type=Path, help="weights to start from")
    parser.add_argument("--accelerator", default="auto", help="auto, cpu, cuda ...")
    arguments = parser.parse_args()
    from heritage.train.loop import Training  # torch takes seconds; --help should not
    from heritage.train.recipe import read_recipe

    try:
        recipe = read_recipe(arguments.recipe)
        training = Training(recipe, arguments.out, arguments.start, arguments.accelerator)
        training.run(arguments.minutes, arguments.every, arguments.validate)
    except HeritageError as error:
        print(f"train: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
