import numpy as np
import pytest

from heritage.tone.field import Field
from heritage.tone.fitting import fit_field
from tests.heritage.tone.conftest import page


def _even(value: float, rows: int = 5, columns: int = 6) -> Field:
    return Field((((value, value, value),) * columns,) * rows)


def test_an_even_grid_is_an_even_field() -> None:
    gain = _even(0.2).gain(np.linspace(0, 1, 31), np.linspace(0, 1, 17))
    assert gain.shape == (31, 17, 3)
    np.testing.assert_allclose(gain, np.exp(0.2), rtol=1e-12)


def test_a_field_is_smooth_and_within_its_grid() -> None:
    grid = np.zeros((6, 6, 3))
    grid[3, 3] = 0.3
    field = Field(tuple(tuple(map(tuple, row)) for row in grid.tolist()))
    gain = field.gain(np.linspace(0, 1, 500), np.linspace(0, 1, 500))[..., 0]
    assert gain.min() > 1 - 1e-12
    assert 1.05 < gain.max() <= field.largest
    assert np.abs(np.diff(gain, axis=0)).max() < 0.003  # no step that an eye could see
    assert np.abs(np.diff(gain, n=2, axis=0)).max() < 5e-5  # and no kink


@pytest.mark.parametrize("grid", [((0.0,) * 3,) * 3, ((3.0,) * 3,) * 4, ((float("inf"),) * 3,) * 4])
def test_a_grid_beyond_all_bounds_is_refused(grid) -> None:
    with pytest.raises(ValueError, match="field"):
        Field((grid,) * 4)


def test_a_stain_is_evened_out_and_ink_and_a_dark_table_are_not_followed() -> None:
    clean = page()
    rows, columns = np.linspace(0, 1, 240)[:, None], np.linspace(0, 1, 200)
    dark = 0.25 * np.exp(-((rows - 0.4) ** 2 + (columns - 0.6) ** 2) / 0.1)
    stained = clean * np.exp(-dark[..., None] * np.array((0.8, 1.0, 1.3)))
    stained[:, :25] = 0.05
    field = fit_field(stained.astype(np.float32), np.array((0.85, 0.84, 0.8)), True, 1.0, True)
    assert field is not None
    even = stained * field.gain((np.arange(240) + 0.5) / 240, (np.arange(200) + 0.5) / 200)
    paper = (clean.mean(axis=2) > 0.7) & (np.arange(200) >= 40)
    before, after = np.abs(stained - clean)[paper].mean(), np.abs(even - clean)[paper].mean()
    assert after < before / 3
    assert even[:, :25].max() < 0.075


def test_even_paper_needs_no_field() -> None:
    assert fit_field(page(), np.array((0.85, 0.84, 0.8)), True, 1.0, True) is None


def test_a_white_table_beside_the_sheet_is_not_tinted_like_it() -> None:
    sheet = page() * np.array((0.95, 0.9, 0.75))
    sheet[150:, 140:] = (0.92, 0.92, 0.91)
    rows = np.linspace(1, 0.85, 240)[:, None, None]
    field = fit_field(
        (sheet * rows).astype(np.float32), np.array((0.8, 0.75, 0.6)), True, 1.0, True
    )
    assert field is not None
    table = field.gain(np.linspace(0.7, 1, 40), np.linspace(0.8, 1, 40))
    assert table.min() > 0.9
    assert np.ptp(table, axis=2).max() < 0.06
