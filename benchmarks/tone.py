"""How near ``heritage tone`` comes to pictures before they faded, as colour differences.

    python benchmarks/tone.py FOLDER --json tone.json

FOLDER holds clean pictures (JPEG) whose names begin with their kind, as in ``photo_0058.jpg``.
Each is aged in a known way and given to the estimate as a TIFF:

- fading: black rises to 0.16, white falls to 0.82 (encoded values)
- yellowing: green times 0.95, blue times 0.76
- stains: a smooth field with logarithms of gains down to about -0.35, blue half as much again
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

import heritage
from heritage.geometry import Box
from heritage.tone import apply_tone
from heritage.tone.estimate import tone_of
from heritage.tone.overview import look

Floats = NDArray[np.float32]
AGEINGS = ("none", "fading", "yellowing", "stains", "all")
WAYS: dict[str, dict[str, bool | None]] = {
    "by default": {},
    "--neutralise --field": {"neutralise": True, "field": True},
    "--keep-hue --no-field": {"neutralise": False, "field": False},
}


def aged(picture: Floats, how: str, seed: int) -> Floats:
    """A picture (h, w, 3) after a known ageing, 0..1."""
    found = picture.astype(np.float64)
    if how in ("stains", "all"):
        rng = np.random.default_rng(seed)
        rows, columns = np.linspace(0, 1, found.shape[0]), np.linspace(0, 1, found.shape[1])
        dark = np.zeros(found.shape[:2])
        for y, x, width in rng.uniform((0, 0, 0.18), (1, 1, 0.35), (3, 3)):
            far = (rows[:, None] - y) ** 2 + (columns - x) ** 2
            dark += np.exp(-far / (2 * width * width))
        dark *= 0.35 / dark.max()
        found = found * np.exp(-dark[..., None] * np.array((0.8, 1.0, 1.5)))
    if how in ("fading", "all"):
        found = 0.16 + (0.82 - 0.16) * found
    if how in ("yellowing", "all"):
        found = found * np.array((1.0, 0.95, 0.76))
    return np.rint(found * 65535).astype(np.float32) / np.float32(65535)


def difference(one: Floats, other: Floats) -> float:
    """Mean CIEDE2000 of two sRGB pictures, at every fourth row and column."""
    thin = (slice(None, None, 4),) * 2
    return float(deltaE_ciede2000(rgb2lab(one[thin]), rgb2lab(other[thin])).mean())


def measure(folder: Path, every: int) -> dict[str, dict[str, dict[str, float]]]:
    """Mean difference by kind and ageing: untouched, and after each way of asking."""
    sums: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    with tempfile.TemporaryDirectory() as place:
        for number, path in enumerate(sorted(folder.glob("*.jpg"))[::every]):
            clean = np.asarray(Image.open(path).convert("RGB"), np.float32) / np.float32(255)
            box = Box(0, 0, *clean.shape[:2])
            for how in AGEINGS:
                old = aged(clean, how, number)
                master = Path(place) / f"{how}.tif"
                levels = np.rint(old * 65535).astype(np.uint16)
                tifffile.imwrite(master, levels, photometric="rgb")
                said = sums[path.name.split("_")[0]][how]
                said["untouched"].append(difference(clean, old))
                seen = look(master)
                for way, chosen in WAYS.items():
                    tone = tone_of(seen, **chosen)  # type: ignore[arg-type]
                    said[way].append(difference(clean, apply_tone(tone, old, box)))
    return {
        kind: {how: {w: float(np.mean(v)) for w, v in ways.items()} for how, ways in hows.items()}
        for kind, hows in sums.items()
    }


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture only")
    arguments = parser.parse_args()
    found = measure(arguments.folder, arguments.every)
    ways = ("untouched", *WAYS)
    print("| kind | ageing | " + " | ".join(ways) + " |")
    print("| --- | --- |" + " ---: |" * len(ways))
    for kind, hows in found.items():
        for how, said in hows.items():
            print(f"| {kind} | {how} | " + " | ".join(f"{said[way]:.1f}" for way in ways) + " |")
    if arguments.json is not None:
        where = {"machine": platform.machine(), "python": platform.python_version()}
        record = {"heritage": heritage.__version__, **where, "ciede2000": found}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
