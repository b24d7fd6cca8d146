import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.tone.curve import Curve

steps = st.lists(st.floats(0.01, 1), min_size=1, max_size=6)


@given(steps, st.data())
def test_a_curve_rises_through_its_knots_and_has_an_inverse(wide, data) -> None:
    high = data.draw(st.lists(st.floats(0.01, 1), min_size=len(wide), max_size=len(wide)))
    x, y = np.cumsum([0, *wide]), np.cumsum([0, *high])
    y = y / y[-1]
    curve = Curve(tuple(zip(x.tolist(), [*y[:-1].tolist(), 1.0], strict=True)))
    np.testing.assert_allclose(curve(x), y, atol=1e-12)
    values = np.linspace(0, curve.end, 400)
    after = curve(values)
    assert (np.diff(after) > 0).all()
    assert after.min() >= 0
    assert after.max() <= 1
    np.testing.assert_allclose(curve(curve.inverse(after)), after, atol=1e-9)


def test_the_identity_changes_no_bit() -> None:
    values = np.random.default_rng(0).random((30, 40))
    curve = Curve(((0.0, 0.0), (1.0, 1.0)))
    assert curve.is_identity
    assert np.array_equal(curve(values), values)


@pytest.mark.parametrize(
    "knots",
    [
        ((0.0, 0.0),),
        ((0.0, 0.0), (0.5, 0.6), (0.5, 0.7), (1.0, 1.0)),
        ((0.0, 0.0), (0.5, 0.6), (0.7, 0.5), (1.0, 1.0)),
        ((0.0, 0.1), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 0.9)),
        ((0.0, 0.0), (float("nan"), 0.5), (1.0, 1.0)),
    ],
)
def test_what_is_no_rising_curve_is_refused(knots) -> None:
    with pytest.raises(ValueError, match="curve"):
        Curve(knots)
