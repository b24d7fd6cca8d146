"""Every pixel lies in exactly one cell."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.tiff.grid import Grid

grids = st.builds(
    lambda height, width, rows, columns, tiled, band: Grid(
        height, width, rows, columns if tiled else width, tiled, 1, min(band, rows)
    ),
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 70), st.integers(1, 70),
    st.booleans(), st.integers(1, 70),
)  # fmt: skip


@settings(deadline=None)
@given(grids)
def test_cells_cover_the_page_without_overlap(grid: Grid) -> None:
    seen = np.zeros((grid.height, grid.width), int)
    for cell in grid.cells():
        seen[cell.box.slices] += 1
        assert cell.rows >= cell.box.height
        assert cell.columns >= cell.box.width
        assert grid.segment_box(cell.segment).contains(cell.box)
    assert (seen == 1).all()


@settings(deadline=None)
@given(grids, st.data())
def test_cells_of_a_box_are_those_that_touch_it(grid: Grid, data: st.DataObject) -> None:
    y0 = data.draw(st.integers(0, grid.height - 1))
    x0 = data.draw(st.integers(0, grid.width - 1))
    box = Box(
        y0,
        x0,
        data.draw(st.integers(y0 + 1, grid.height)),
        data.draw(st.integers(x0 + 1, grid.width)),
    )
    wanted = [cell for cell in grid.cells() if cell.box.overlaps(box)]
    assert sorted(grid.cells_in(box)) == sorted(wanted)
