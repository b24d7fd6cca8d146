"""What adversary, perceptual loss, Fourier convolutions and simulated damage each bring.

    python benchmarks/ablation.py --out DIR [--steps N] [--limit N] [--json FILE]

Trains the network of ablation.toml once whole and once without each part, for the same number of
steps on the same pictures, and compares them by `heritage evaluate`. Interrupted, the same command
goes on. Prints one table as Markdown.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from heritage.evaluate.run import Request, evaluate
from heritage.evaluate.summary import table_of
from heritage.train.loop import Training
from heritage.train.recipe import Recipe, read_recipe
from heritage.train.release import release

FAMILIES = ("hairlines", "medium", "thick", "losses")
MEASURES = ("psnr_hole", "perceptual", "texture")


def variants(whole: Recipe) -> dict[str, Recipe]:
    """The whole recipe, and it without each part."""
    losses, config = vars(whole.losses), whole.config

    def without(name: str, **changes: Any) -> Recipe:  # noqa: ANN401 - fields of many types
        return whole.model_copy(update={"name": name} | changes)

    def weights(**changes: float) -> object:
        return type(whole.losses)(**losses | changes)

    rectangles = {"mix": {"rectangle": 1.0}, "masks": None}
    return {
        "whole": whole,
        "no-adversary": without("no-adversary", losses=weights(adversarial=0.0, matching=0.0)),
        "no-perceptual": without("no-perceptual", losses=weights(perceptual=0.0)),
        "no-fourier": without("no-fourier", config=config | {"ratio": 0.0}),
        "rectangles": without("rectangles", **rectangles),
    }


def train(recipe: Recipe, folder: Path, into: Path) -> dict[str, float]:
    """Train one variant, or take up what is there; returns what it cost."""
    done = into / f"{recipe.name}.json"
    if not done.is_file():
        started = time.perf_counter()
        Training(recipe, folder, device="cpu").run()
        release(recipe, folder, into)
        print(f"{recipe.name}: {time.perf_counter() - started:.0f} s", flush=True)
    card = json.loads(done.read_text(encoding="utf-8"))
    return {"parameters": card["parameters"], "hours": card["training"]["hours"]}


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of runs and fills")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--limit", type=int, default=30, help="pictures to compare on")
    parser.add_argument("--json", type=Path, help="where to write scores and circumstances")
    given = parser.parse_args()
    whole = read_recipe(Path(__file__).with_suffix(".toml"))
    if given.steps:
        whole = whole.model_copy(update={"steps": given.steps})
    chosen = variants(whole)
    into = given.out / "models"
    costs = {name: train(recipe, given.out / name, into) for name, recipe in chosen.items()}
    said = evaluate(
        Request(
            whole.validation, given.out / "fills", list(chosen), FAMILIES,
            limit=given.limit, device="cpu", folder=into,
        )
    )  # fmt: skip
    print(table(said, costs))
    if given.json:
        given.json.write_text(json.dumps({"costs": costs, "evaluation": said}, indent=1))


def table(said: dict[str, Any], costs: dict[str, dict[str, float]]) -> str:
    """One row for each variant: PSNR in the hole, perceptual distance and texture by family."""
    found = {family: table_of(said, family) for family in FAMILIES}
    head = "| PSNR in the hole, dB / perceptual / texture | parameters | " + " | ".join(found)
    lines = [head + " |", "| --- |" + " --- |" * (len(found) + 1)]
    for name, cost in costs.items():
        cells = [f"`{name}`", f"{cost['parameters'] / 1e6:.2f} M"]
        for family in found.values():
            estimates = [family.estimates[name][measure] for measure in MEASURES]
            cells.append(" / ".join(f"{estimate.mean:.2f}" for estimate in estimates if estimate))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
