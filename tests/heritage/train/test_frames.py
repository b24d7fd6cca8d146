import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.geometry import Box
from heritage.train.augment import Augmentation
from heritage.train.frames import Frame, choose_frame, framed


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(64, 400),
    width=st.integers(64, 400),
    native=st.floats(0, 1),
    rotation=st.sampled_from([0.0, 1.0]),
)
def test_a_frame_lies_in_its_picture(seed, height, width, native, rotation):
    how = Augmentation(rotation=rotation, degrees=45)
    frame = choose_frame(np.random.default_rng(seed), height, width, 64, native, how)
    assert Box(0, 0, height, width).contains(frame.box)
    assert frame.box.height == frame.box.width >= frame.size
    assert frame.size <= min(height, width)
    assert frame.angle == 0 or frame.box.height > frame.size


def test_native_frames_are_as_large_as_the_window():
    rng = np.random.default_rng(1)
    sizes = [choose_frame(rng, 500, 500, 64, 0.4, Augmentation()).size for _ in range(2000)]
    assert np.mean(np.array(sizes) == 64) == pytest.approx(0.41, abs=0.04)
    assert min(sizes) == 48
    assert 150 < max(sizes) <= 160


def test_the_range_of_scales_is_the_augmentations():
    rng = np.random.default_rng(1)
    how = Augmentation(scales=(1.5, 2.0))
    sizes = [choose_frame(rng, 500, 500, 64, 0, how).size for _ in range(200)]
    assert 96 <= min(sizes) <= max(sizes) <= 128


def test_a_picture_smaller_than_the_window_is_taken_whole():
    frame = choose_frame(np.random.default_rng(1), 50, 50, 64, 1.0, Augmentation())
    assert frame.box.height <= 50


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize(("size", "angle"), [(64, 0), (48, 0), (150, 0), (64, 5), (120, -5)])
def test_a_window_shows_its_frame(kind, size, angle):
    """A ramp stays a ramp, as steep as scale and rotation make it."""
    outer = int(np.ceil(size * (np.cos(np.deg2rad(5)) + np.sin(np.deg2rad(5))))) if angle else size
    ramp = 40 + np.arange(outer, dtype=np.float64)[None, :, None] + np.zeros((outer, 1, 3))
    pixels = ramp.astype(np.uint8) if kind == np.uint8 else (ramp / 255).astype(np.float32)
    window = framed(pixels, Frame(Box(0, 0, outer, outer), size, angle), 64)
    assert window.shape == (64, 64, 3)
    assert window.dtype == kind
    levels = window.astype(float) * (1 if kind == np.uint8 else 255)
    across = np.diff(levels[8:-8, 8:-8, 0], axis=1).mean()
    down = np.diff(levels[8:-8, 8:-8, 0], axis=0).mean()
    assert across == pytest.approx(size / 64 * np.cos(np.deg2rad(angle)), abs=0.03)
    assert abs(down) == pytest.approx(size / 64 * abs(np.sin(np.deg2rad(angle))), abs=0.03)
    assert levels.mean() == pytest.approx(ramp.mean(), abs=1)
