"""Make the contact sheet of the damage simulator that the documentation shows.

    python benchmarks/damage_sheet.py [--output docs/images/damage-simulator.jpg] [--timings]

Four cuts of the example painting (its own simulated damage filled first) are damaged in every way
that the simulator knows; below them stand whole mixtures for each material, and the masks of every
family. With --timings it also prints the processor time of a mask of each family, median of 15.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFont

from heritage.damage.simulate import FAMILIES, render
from heritage.damage.simulate.ageing import fade, yellow
from heritage.damage.simulate.grounds import MATERIALS, Picture
from heritage.damage.simulate.render import APPEARANCES

ROOT = Path(__file__).parents[1]
SIDE, SMALL, LIMIT, SEED = 240, 112, 400_000, 63
CUTS = ((1660, 140, 560), (1620, 700, 560), (1150, 2700, 560), (1180, 1000, 620))


def cuts() -> list[Picture]:
    """Squares of the example painting without its own damage, (240, 240, 3) in 0..1."""
    painting = tifffile.imread(ROOT / "examples/classical_landscape.tif")
    damage = tifffile.imread(ROOT / "examples/classical_landscape.mask.tif")
    made = []
    for y, x, side in CUTS:
        window = slice(y, y + side), slice(x, x + side)
        grown = cv2.dilate(damage[window], np.ones((7, 7), np.uint8))
        whole = cv2.inpaint(np.ascontiguousarray(painting[window]), grown, 5, cv2.INPAINT_TELEA)
        small = cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        made.append(np.asarray(small / 255, np.float32))
    return made


def usual(damage: str) -> str:
    """The material on which a damage is most frequent."""
    return max(MATERIALS, key=lambda name: MATERIALS[name].mix.get(damage, 0))


def tiles(pictures: list[Picture]) -> list[tuple[str, Picture]]:
    """Every damage by itself, then mixtures, each with its name."""
    made = []
    for number, name in enumerate(APPEARANCES):
        rng = np.random.default_rng((SEED, number))
        damaged = render(rng, pictures[(3 - number) % 4], {name: 1}, usual(name))
        made.append((name, damaged.picture))
    made.append(("fading", fade(np.random.default_rng(4), pictures[0], 0.55)[0]))
    made.append(("yellowing", yellow(np.random.default_rng(2), pictures[3], 0.8)[0]))
    for number, material in enumerate([*MATERIALS, *MATERIALS][:9]):
        rng = np.random.default_rng((SEED, number, 1))
        made.append((f"a {material}", render(rng, pictures[number % 4], None, material).picture))
    return made


def grid(named: list[tuple[str, Picture]], columns: int, side: int) -> Image.Image:
    """Tiles with their names under them."""
    line = 16
    rows = -(-len(named) // columns)
    sheet = Image.new("RGB", (columns * (side + 4), rows * (side + line + 4)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for number, (name, pixels) in enumerate(named):
        x, y = number % columns * (side + 4) + 2, number // columns * (side + line + 4) + 2
        sheet.paste(Image.fromarray((pixels * 255).round().astype(np.uint8)), (x, y))
        draw.text((x + 2, y + side), name, fill="black", font=font)
    return sheet


def masks() -> list[tuple[str, Picture]]:
    """A mask of every family, at the size of a training window."""
    made = []
    for name, family in FAMILIES.items():
        mask = family(np.random.default_rng(3), 2 * SMALL, 2 * SMALL).astype(np.float32)
        small = cv2.resize(mask, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
        made.append((name.replace("nearest-neighbour", "nearest"), np.stack([small] * 3, axis=2)))
    return made


def write(sheet: Image.Image, output: Path) -> None:
    """Save as JPEG, as well as 400 kB allow."""
    for quality in range(88, 40, -3):
        sheet.save(output, quality=quality, optimize=True)
        if output.stat().st_size < LIMIT:
            print(f"{output}: {sheet.width} x {sheet.height}, {output.stat().st_size} bytes")
            return


def timings() -> None:
    """Print the median processor time and the area of each family's masks."""
    print(f"{'family':<26}{'192 px, ms':>12}{'512 px, ms':>12}{'lost at 512 px':>24}")
    for name, family in FAMILIES.items():
        cells = []
        for side in (192, 512):
            seconds, lost = [], []
            for seed in range(15):
                start = time.process_time()
                mask = family(np.random.default_rng(seed), side, side)
                seconds.append(time.process_time() - start)
                lost.append(100 * mask.mean())
            cells.append(f"{1000 * np.median(seconds):12.2f}")
        share = f"{min(lost):.1f} to {max(lost):.1f} %"
        print(f"{name:<26}{''.join(cells)}{share:>24}")


def main() -> None:
    """Parse, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs/images/damage-simulator.jpg")
    parser.add_argument("--timings", action="store_true")
    arguments = parser.parse_args()
    upper, lower = grid(tiles(cuts()), 6, SIDE), grid(masks(), 12, SMALL)
    sheet = Image.new("RGB", (max(upper.width, lower.width), upper.height + lower.height), "white")
    sheet.paste(upper, (0, 0))
    sheet.paste(lower, (0, upper.height))
    write(sheet, arguments.output)
    if arguments.timings:
        timings()


if __name__ == "__main__":
    main()
