from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.restore.windows import cuts, fits, window_box

drawn = settings(max_examples=300, deadline=None)


@given(limit=st.integers(1, 3000), data=st.data())
@drawn
def test_cuts_cover_overlap_and_fit(limit, data):
    lo = data.draw(st.integers(0, limit - 1))
    hi = data.draw(st.integers(lo + 1, limit))
    size, context, overlap = data.draw(st.sampled_from([(512, 64, 64), (128, 16, 16), (96, 8, 40)]))
    found = cuts(lo, hi, limit, size, context, overlap)
    assert found[0][0] == lo
    assert found[-1][1] == hi
    assert all(fits(a, b, limit, size, context) for a, b in found)
    for (_, end), (start, _) in pairwise(found):
        assert end - start >= overlap


@given(height=st.integers(1, 900), width=st.integers(1, 900), data=st.data())
@drawn
def test_a_window_holds_core_and_context_inside_the_raster(height, width, data):
    size, context = data.draw(st.sampled_from([(512, 64), (128, 16), (100, 10)]))
    y0, x0 = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    y1 = data.draw(st.integers(y0 + 1, min(height, y0 + size - 2 * context)))
    x1 = data.draw(st.integers(x0 + 1, min(width, x0 + size - 2 * context)))
    core = Box(y0, x0, y1, x1)
    box = window_box(core, height, width, size, context)
    assert Box(0, 0, height, width).contains(box)
    assert box.contains(core.grown(context).clipped(height, width))
    assert box.height <= size
    assert box.height % 64 == 0 or box.height in (height, size)
    assert box.width % 64 == 0 or box.width in (width, size)
