"""Compare inpainters on pictures whose truth is known.

    python benchmarks/inpainters.py --images DIR [--models telea,art-small] [--families thick,…]

Every picture is cut to its central square of at most --side pixels and damaged by a mask of each
family; picture and family determine the mask, so two people get the same. Prints a table of means
with 95 % bootstrap intervals, then the first model's paired difference to each other one; writes
JSON with machine, versions and commit.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import models
from heritage.damage.simulate import FAMILIES
from heritage.evaluate.metrics import Mask, Picture, perceptual, psnr, ssim, texture_energy
from models.features.squeezenet import SqueezeNetFeatures
from models.inpainter import Inpainter

MEASURES = ("psnr", "psnr_hole", "ssim", "ssim_hole", "perceptual", "texture", "seconds")


def load(path: Path, side: int) -> Picture:
    """Central square of a picture, at its own resolution."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32) / 255
    size = min(side, *pixels.shape[:2])
    y, x = ((length - size) // 2 for length in pixels.shape[:2])
    return pixels[y : y + size, x : x + size]


def score(
    inpainter: Inpainter, truth: Picture, mask: Mask, features: SqueezeNetFeatures
) -> dict[str, float]:
    """All measures of one fill."""
    image = torch.from_numpy(truth).permute(2, 0, 1)[None].contiguous()
    start = time.perf_counter()
    filled = inpainter(image, torch.from_numpy(mask)[None, None])
    seconds = time.perf_counter() - start
    ours = filled[0].permute(1, 2, 0).numpy()
    return {
        "psnr": psnr(ours, truth), "psnr_hole": psnr(ours, truth, mask),
        "ssim": ssim(ours, truth), "ssim_hole": ssim(ours, truth, mask),
        "perceptual": perceptual(ours, truth, features),
        "texture": texture_energy(ours, truth, mask), "seconds": seconds,
    }  # fmt: skip


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--models", default=",".join(card.name for card in models.available()))
    parser.add_argument("--families", default="thick")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--limit", type=int, help="use only so many pictures, evenly chosen")
    parser.add_argument("--json", type=Path, help="where to write the scores")
    parser.add_argument("--sheet", type=Path, help="folder for damaged | filled … | truth pictures")
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.images.iterdir() if p.suffix in (".jpg", ".png"))
    if arguments.limit:
        paths = paths[:: max(1, len(paths) // arguments.limit)]
    features = SqueezeNetFeatures()
    names = arguments.models.split(",")
    inpainters = [models.load(name, device="cpu") for name in names]
    scores: dict[str, dict[str, list[dict[str, float]]]] = {}
    for family in arguments.families.split(","):
        rows = scores.setdefault(family, {name: [] for name in names})
        for path in paths:
            truth = load(path, arguments.side)
            rng = np.random.default_rng(zlib.crc32(f"{family}/{path.stem}".encode()))
            mask = FAMILIES[family](rng, *truth.shape[:2]).astype(bool)
            for name, inpainter in zip(names, inpainters, strict=True):
                rows[name].append(score(inpainter, truth, mask, features))
        report(family, rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(record(arguments, paths, scores), indent=1))


def report(family: str, rows: dict[str, list[dict[str, float]]]) -> None:
    """Print one family's table, and the first model's differences to the others."""
    print(f"\n{family}\n{'model':<15}" + "".join(f"{measure:>24}" for measure in MEASURES))
    for name, found in rows.items():
        cells = []
        for measure in MEASURES:
            values = np.array([row[measure] for row in found])
            low, high = interval(values)
            cells.append(f"{values.mean():9.3f} [{low:6.3f},{high:6.3f}]".rjust(24))
        print(f"{name:<15}" + "".join(cells), flush=True)
    first, *others = rows
    for other in others:
        cells = []
        for measure in MEASURES:
            pairs = zip(rows[first], rows[other], strict=True)
            differences = np.array([ours[measure] - theirs[measure] for ours, theirs in pairs])
            low, high = interval(differences)
            cells.append(f"{differences.mean():+9.3f} [{low:+6.3f},{high:+6.3f}]".rjust(24))
        print(f"{f'- {other}':<15}" + "".join(cells), flush=True)


def record(
    arguments: argparse.Namespace,
    paths: list[Path],
    scores: dict[str, dict[str, list[dict[str, float]]]],
) -> dict[str, object]:
    """What is kept: scores and the circumstances."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "commit": commit, "machine": platform.processor() or platform.machine(),
        "python": sys.version.split()[0], "torch": torch.__version__,
        "pictures": [path.name for path in paths], "side": arguments.side, "scores": scores,
    }  # fmt: skip


if __name__ == "__main__":
    main()
