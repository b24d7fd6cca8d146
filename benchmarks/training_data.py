"""Whether the making of training windows keeps up with the network that learns from them.

    python benchmarks/training_data.py RECIPE.toml [--device auto] [--steps 20] [--json FILE]

Measures windows a second of both makers (threads on the CPU; the device), each with the recipe's
augmentation and with all of it, then real steps of the recipe's network: how long they take, and
which share of the time is spent waiting for windows. What was made ahead, and the first steps of
the network, are not counted.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import torch

from heritage.train.augment import Augmentation
from heritage.train.loop import Training
from heritage.train.recipe import Recipe, find_recipe, read_recipe
from heritage.train.windows import windows_of
from heritage.train.workers import Sample

MAKERS = ("loader", "device")
AHEAD = 20  # batches that threads may have made before they are asked
WARM = 3
ALL = Augmentation(rotation=0.3, colour=0.5, tint=0.3, grain=0.5, jpeg=0.3)


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(samples: Iterator[Sample], device: torch.device) -> tuple[float, Sample]:
    """Seconds until the next batch is on the device, and the batch."""
    start = time.perf_counter()
    image, mask, label = (tensor.to(device) for tensor in next(samples))
    wait(device)
    return time.perf_counter() - start, (image, mask, label)


def speeds(recipe: Recipe, device: torch.device, steps: int) -> dict[str, float]:
    """Windows a second of every maker, asked for one batch after the other."""
    found = {}
    for name in MAKERS:
        for title, how in (("recipe", recipe.augmentation), ("all", ALL)):
            asked = recipe.model_copy(update={"windows": name, "augmentation": how})
            with closing(samples_of(asked, device)) as samples:
                for _ in range(AHEAD):
                    timed(samples, device)
                spent = sum(timed(samples, device)[0] for _ in range(steps))
            found[f"{name}, augmentation: {title}"] = int(recipe.batch) * steps / spent
    return found


def shares(recipe: Recipe, device: str, steps: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of every step of the network, and of the wait before it, by maker."""
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, Path(folder), device=device, tell=lambda _event: None)
        on = training.fabric.device
        for name in MAKERS:
            found[name] = {"wait": [], "step": []}
            # With the batch that the training settled.
            asked = training.recipe.model_copy(update={"windows": name})
            with closing(samples_of(asked, on)) as samples:
                for number in range(WARM + steps):
                    waited, sample = timed(samples, on)
                    start = time.perf_counter()
                    training.step(*sample)
                    wait(on)
                    if number >= WARM:
                        found[name]["wait"].append(waited)
                        found[name]["step"].append(time.perf_counter() - start)
    return found


def samples_of(recipe: Recipe, device: torch.device) -> Generator[Sample]:
    """Batches of a training from its first step on."""
    yield from windows_of(recipe, device, None).from_step(0)


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipe", help="a file, or the name of a recipe that comes with this")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    recipe = read_recipe(find_recipe(given.recipe))
    waits = shares(recipe, given.device, given.steps)
    kind = "cuda" if given.device == "auto" and torch.cuda.is_available() else given.device
    device = torch.device("cpu" if kind == "auto" else kind)
    found = speeds(recipe, device, given.steps)
    print(f"{recipe.batch} windows of {recipe.crop} pixels a step, on {device}\n")
    print("| windows made by | windows a second |\n| --- | --- |")
    for name, speed in found.items():
        print(f"| {name} | {speed:.0f} |")
    print("\n| windows made by | step, s | wait, s | share of wait |\n| --- | --- | --- | --- |")
    for name, taken in waits.items():
        step, waited = (statistics.median(taken[key]) for key in ("step", "wait"))
        share = sum(taken["wait"]) / (sum(taken["wait"]) + sum(taken["step"]))
        print(f"| {name} | {step:.3f} | {waited:.4f} | {share:.1%} |")
    if given.json:
        given.json.write_text(
            json.dumps(circumstances(device) | {"speeds": found, "waits": waits}, indent=1)
        )


def circumstances(device: torch.device) -> dict[str, object]:
    """What the figures were measured with."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "commit": commit, "device": name or platform.machine(), "threads": torch.get_num_threads(),
        "python": sys.version.split()[0], "torch": torch.__version__,
    }  # fmt: skip


if __name__ == "__main__":
    main()
