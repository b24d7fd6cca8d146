"""How much memory and time it takes to search a large master for damage.

    python benchmarks/search.py [--side 32768] [--detectors cracks,scratches,losses] [--out FILE]

Makes an 8-bit RGB master from tiles of the example painting, every tenth of them cracked, searches
it in a process of its own and prints megapixels per second and peak resident memory.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from heritage.damage.simulate import render

EXAMPLE = Path(__file__).parents[1] / "examples" / "classical_landscape.tif"
TILE = 512
CRACKED = 10  # one tile of so many

RUN = """
import json, resource, sys, time
from pathlib import Path
from heritage.damage.propose import named_detectors
from heritage.damage.detect.search import search
master, folder = Path(sys.argv[1]), Path(sys.argv[2])
detectors = named_detectors(sys.argv[3].split(","))
begun = time.monotonic()
found = search(master, folder, "m", detectors, preview=True)
print(json.dumps({
    "seconds": round(time.monotonic() - begun, 1),
    "megapixels": found.height * found.width / 1e6,
    "regions": len(found.regions),
    "damaged": found.pixels,
    "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
}))
"""


def tiles(count: int) -> Iterator[np.ndarray]:
    """Tiles of the example, one after the other and again, some of them cracked."""
    picture = tifffile.imread(EXAMPLE)[..., :3]
    rows, columns = picture.shape[0] // TILE, picture.shape[1] // TILE
    cuts = [
        np.ascontiguousarray(picture[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE])
        for y in range(rows)
        for x in range(columns)
    ]
    cracked = []
    for number, cut in enumerate(cuts):
        rng = np.random.default_rng(number)
        made = render(rng, cut.astype(np.float32) / 255, {"cracks": 1.0, "scratches": 0.3})
        cracked.append(np.rint(made.picture * 255).astype(np.uint8))
    for number in range(count):
        yield (cuts if number % CRACKED else cracked)[number % len(cuts)]


def main() -> None:
    """Make, search, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--side", type=int, default=32768)
    parser.add_argument("--detectors", default="cracks,scratches,losses")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    side = given.side // TILE * TILE
    with tempfile.TemporaryDirectory() as scratch:
        master = Path(scratch) / "m.tif"
        tifffile.imwrite(
            master,
            tiles((side // TILE) ** 2),
            shape=(side, side, 3),
            dtype=np.uint8,
            tile=(TILE, TILE),
            photometric="rgb",
            bigtiff=True,
        )
        command = [sys.executable, "-c", RUN, str(master), f"{scratch}/out", given.detectors]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout) | {"detectors": given.detectors, "machine": platform.machine()}
    said["megapixels_per_second"] = round(said["megapixels"] / said["seconds"], 2)
    print(json.dumps(said, indent=1))
    if given.out:
        given.out.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
