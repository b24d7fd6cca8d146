"""What is recorded of a restoration besides its files."""

import json

import numpy as np
import tifffile

from flows.records import BESIDE, beside_protected
from heritage.damage.regions import Region
from heritage.geometry import Box

FACTS = {"height": 900, "width": 6000}
REGIONS = [
    Region(1, Box(10, 10, 20, 20), 100, 5.0),
    Region(2, Box(10, 200 - BESIDE, 20, 210 - BESIDE), 100, 5.0),
    Region(3, Box(500, 0, 510, 6000), 60_000, 5.0),
]


def test_regions_beside_what_is_protected_are_told(tmp_path):
    master = tmp_path / "mill.tif"
    assert beside_protected(master, FACTS, REGIONS) == set()
    ring = [[205, 5], [300, 5], [300, 60], [205, 60], [205, 5]]
    face = {"type": "Polygon", "coordinates": [ring]}
    (tmp_path / "mill.protect.geojson").write_text(json.dumps(face))
    assert beside_protected(master, FACTS, REGIONS) == {2}


def test_areas_given_as_a_mask_count_as_well(tmp_path):
    areas = np.zeros((900, 6000), np.uint8)
    areas[515:520, 5900:5910] = 255
    tifffile.imwrite(tmp_path / "mill.protect.tif", areas)
    assert beside_protected(tmp_path / "mill.tif", FACTS, REGIONS) == {3}


def test_areas_that_cannot_be_read_are_none(tmp_path):
    (tmp_path / "mill.protect.geojson").write_text("{")
    assert beside_protected(tmp_path / "mill.tif", FACTS, REGIONS) == set()
