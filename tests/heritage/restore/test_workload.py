"""Work of batches: everything is counted, and what is shared is counted at the end."""

import numpy as np
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.damage.masks import import_mask, open_mask
from heritage.damage.regions import find_regions
from heritage.restore.plan import make_plan
from heritage.restore.workload import Load, loads


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_all_damage_and_all_regions_are_somewhere(tmp_path_factory, damage, measures, data):
    mask = data.draw(damage.filter(lambda mask: not mask.all()))
    size, context, overlap, batch = data.draw(measures)
    place = tmp_path_factory.mktemp("mask")
    tifffile.imwrite(place / "given.tif", mask.astype(np.uint8))
    import_mask(place / "given.tif", place / "mask.tif", *mask.shape)
    with open_mask(place / "mask.tif") as reader:
        regions = find_regions(reader)
        plan = make_plan(regions, *mask.shape, reader.read, size, context, overlap, batch)
        found = loads(plan, reader, len(regions))
    assert len(found) == len(plan.batches)
    whole = sum(found, Load())
    assert whole.regions == len(regions)
    assert whole.damaged >= mask.sum()
    assert whole.shown >= whole.damaged
    assert whole.computed == sum(window.box.area for window in plan.windows)
