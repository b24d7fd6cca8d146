"""Twenty thousand pixels square: found, planned and never whole in memory."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

SIDE = 20_000

RUN = """
import json, re, sys, time
from pathlib import Path
import cv2, rasterio, scipy.sparse.csgraph, tifffile
from heritage.damage.masks import import_mask, open_mask
from heritage.damage.regions import find_regions
from heritage.restore.plan import make_plan

# getrusage's peak survives exec, so it would show that of the test run; this one does not.
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before, start = peak(), time.perf_counter()
source, target, side = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
info = import_mask(source, target, side, side)
imported = time.perf_counter()
with open_mask(target) as mask:
    regions = find_regions(mask)
    found = time.perf_counter()
    plan = make_plan(regions, side, side, mask.read)
planned = time.perf_counter()
print(json.dumps({
    "bytes": peak() - before, "share": info.pixels / side**2, "regions": len(regions),
    "windows": len(plan.windows), "levels": plan.levels, "import_s": imported - start,
    "regions_s": found - imported, "plan_s": planned - found, "plan_bytes": len(plan.to_json()),
}))
"""


def damage_of_one_percent(band, top, rng):
    """Blots, cracks and specks whose count follows the band's height."""
    import cv2

    height, width = band.shape
    for _ in range(height * 5 // 8):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        cv2.circle(band, (x, y), int(rng.integers(2, 18)), 255, -1)
        turn = rng.integers(-60, 60, 2)
        cv2.line(band, (x, y), (int(x + turn[0]), int(y + turn[1])), 255, 2)
    if top == 4096:
        cv2.circle(band, (9000, 256), 250, 255, -1)
    band[:, 12_000:12_003] = 255


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.tif"
    rng = np.random.default_rng(7)
    layout = {"driver": "GTiff", "count": 1, "dtype": "uint8", "compress": "deflate", "zlevel": 1}
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.Env(GDAL_CACHEMAX=32 << 20),
        rasterio.open(path, "w", height=SIDE, width=SIDE, blockysize=64, **layout) as raster,
    ):
        for top in range(0, SIDE, 512):
            band = np.zeros((min(512, SIDE - top), SIDE), np.uint8)
            damage_of_one_percent(band, top, rng)
            raster.write(band, 1, window=Window(0, top, SIDE, band.shape[0]))
    return path


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_a_mask_of_400_megapixels_is_imported_and_planned_in_300_megabytes(mask):
    command = [sys.executable, "-c", RUN, mask, mask.with_name("kept.tif"), str(SIDE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    print(said)
    assert 0.005 < said["share"] < 0.03
    assert said["regions"] > 5000
    assert said["levels"] >= 2
    assert 10e6 < said["bytes"] < 300e6
