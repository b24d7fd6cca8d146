"""How the example was made: a public-domain painting, reduced, with painted-on damage.

    python examples/make.py PICTURE.jpg

writes ``classical_landscape.tif`` (8 bits, Deflate with predictor, ICC, XMP, 300 dpi, as a museum's
scanner would) and ``classical_landscape.mask.tif``. The damage is simulated, so that nobody is
shown somebody's real losses as a demonstration; the painting is real.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from heritage.damage.simulate import craquelure

WIDTH, HEIGHT = 3523, 2328
HERE = Path(__file__).parent
Array = NDArray[np.float32]


def smooth_noise(rng: np.random.Generator, scale: float) -> Array:
    """Noise of unit deviation with bumps of about ``scale`` pixels."""
    small = rng.standard_normal((int(HEIGHT / scale) + 4, int(WIDTH / scale) + 4))
    field = cv2.resize(small.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / field.std(), np.float32)


def aged_area(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Where the paint has cracked: the upper left, fading out irregularly."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = np.hypot(x - 900, y - 620) / 950
    return np.asarray(distance + 0.18 * smooth_noise(rng, 220) < 0.8)


def flakes(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Losses of paint: a few dozen ragged spots from 12 to 150 pixels across."""
    lost = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(26):
        radius = float(np.exp(rng.uniform(np.log(5), np.log(60))))
        x, y = rng.uniform(120, WIDTH - 160), rng.uniform(180, HEIGHT - 160)
        spot = np.zeros_like(lost)
        for _ in range(int(rng.integers(2, 6))):
            offset = rng.normal(0, 0.8 * radius, 2)
            axes = [max(3, int(radius * rng.uniform(0.3, 1))) for _ in range(2)]
            centre = int(x + offset[0]), int(y + offset[1])
            cv2.ellipse(spot, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        lost = np.maximum(lost, cv2.GaussianBlur(spot, (0, 0), max(1.5, radius / 6)))
    ragged = 0.14 * smooth_noise(rng, 45) + 0.05 * smooth_noise(rng, 9)
    return np.asarray((lost + ragged * (lost > 0.02)) > 0.5)


def scratches(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Three long scratches of two to five pixels."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for start, end, width in (
        ((2100, 120), (3300, 560), 3),
        ((1500, 1950), (2750, 1500), 4),
        ((3050, 1250), (3180, 2150), 2),
    ):
        along = np.linspace(0, 1, 60)[:, None]
        line = np.array(start) * (1 - along) + np.array(end) * along
        line[:, 1] += 18 * np.sin(2.2 * along[:, 0] * np.pi) + rng.normal(0, 1.2, 60)
        cv2.polylines(mask, [line.round().astype(np.int32)], False, 1, width)
    return np.asarray(mask > 0)


def main(picture: Path) -> None:
    """Read the picture, damage it, write both TIFFs."""
    with Image.open(picture) as image:
        info = dict(image.info)
        pixels = np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))
    rng = np.random.default_rng(1690)
    cracks = (craquelure(rng, HEIGHT, WIDTH, 62) > 0) & aged_area(rng)
    lost, scratched = flakes(rng), scratches(rng)
    painting = pixels.astype(np.float32)
    # A crack is a shadow with a lit edge, a loss shows the warm chalk ground, a scratch is pale.
    shadow = cv2.GaussianBlur(cracks.astype(np.float32), (0, 0), 0.7)[..., None]
    painting *= 1 - 0.75 * np.clip(shadow * 1.6, 0, 1)
    ground = np.array([206.0, 192.0, 164.0]) + 5 * smooth_noise(rng, 3)[..., None]
    ground += 7 * smooth_noise(rng, 40)[..., None]
    soft = cv2.GaussianBlur(lost.astype(np.float32), (0, 0), 0.8)[..., None]
    painting = painting * (1 - soft) + ground.astype(np.float32) * soft
    pale = cv2.GaussianBlur(scratched.astype(np.float32), (0, 0), 0.6)[..., None]
    painting = painting * (1 - 0.8 * pale) + 215 * 0.8 * pale
    master = np.clip(painting.round(), 0, 255).astype(np.uint8)
    damage = (shadow > 0.02) | (soft > 0.02) | (pale > 0.02)
    mask = damage[..., 0].astype(np.uint8) * 255
    common = {"compression": "zlib", "predictor": True, "resolution": (300, 300), "software": ""}
    extra = [(34675, "B", len(info["icc_profile"]), info["icc_profile"], True)]
    if "xmp" in info:
        extra.append((700, "B", len(info["xmp"]), info["xmp"], True))
    extra += [
        (315, "s", 0, "Henri Mauperche", True),
        (33432, "s", 0, "Public domain (The Metropolitan Museum of Art, Open Access)", True),
    ]
    tifffile.imwrite(
        HERE / "classical_landscape.tif", master, photometric="rgb", rowsperstrip=64,
        resolutionunit="INCH", description="Classical Landscape with Figures; simulated damage",
        metadata=None, extratags=extra, compressionargs={"level": 9}, **common,
    )  # fmt: skip
    tifffile.imwrite(
        HERE / "classical_landscape.mask.tif", mask, photometric="minisblack", metadata=None,
        compression="zlib", tile=(512, 512), software="",
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
