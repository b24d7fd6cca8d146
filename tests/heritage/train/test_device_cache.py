"""What the device cuts is what the CPU would cut. The device here is the CPU: the path is one."""

import dataclasses

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.train.augment import Augmentation
from heritage.train.device_cache import PictureCache
from heritage.train.device_draws import Draws
from heritage.train.device_frames import Frames, choose_frames
from heritage.train.frames import Frame, framed
from heritage.train.sources import Held, open_sources

CPU = torch.device("cpu")
SIDE = 64


def picture(seed, height, width):
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3))
    image = Image.fromarray(small.astype(np.uint8))
    return np.array(image.resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def pictures():
    return [picture(1, 180, 300), picture(2, 260, 200), picture(3, 200, 200)]


@pytest.fixture(scope="module")
def cache(pictures):
    return PictureCache([Held(each) for each in pictures], CPU)


def frames(chosen, y, x, outer, size, angle=0.0, quarters=0, flip=False):
    values = (chosen, y, x, outer, size, angle + 90.0 * quarters, bool(angle), flip)
    return Frames(*(torch.tensor([value]) for value in values))


@pytest.mark.parametrize(
    ("size", "angle", "quarters", "flip", "least"),
    [
        (64, 0, 0, False, 100),
        (64, 0, 1, False, 100),
        (64, 0, 2, True, 100),
        (64, 0, 3, True, 100),
        (48, 0, 0, False, 45),
        (50, 0, 1, True, 45),
        (80, 0, 3, False, 38),
        (128, 0, 0, False, 45),
        (150, 0, 2, True, 38),
        (64, 5, 0, False, 45),
        (60, -4, 1, True, 45),
        (100, 5, 3, True, 33),
    ],
)
def test_a_window_is_the_one_that_the_cpu_cuts(cache, pictures, size, angle, quarters, flip, least):
    turn = np.deg2rad(abs(angle))
    outer = int(np.ceil(size * (np.cos(turn) + np.sin(turn))))
    box = Box(20, 30, 20 + outer, 30 + outer)
    expected = framed(pictures[1][box.slices], Frame(box, size, angle), SIDE)
    expected = np.rot90(expected, quarters)
    expected = (expected[:, ::-1] if flip else expected) / 255
    made = cache.windows(frames(1, 20, 30, outer, size, angle, quarters, flip), SIDE)
    error = np.mean((made[0].permute(1, 2, 0).numpy() - expected) ** 2)
    assert -10 * np.log10(error + 1e-12) > least


def test_a_batch_is_its_windows_one_by_one(cache):
    draws = Draws(1, 2, 0, 24)
    chosen = draws.below(3)
    how = Augmentation(rotation=0.4)
    batch = choose_frames(
        draws, chosen, cache.heights[chosen], cache.widths[chosen], SIDE, 0.4, how
    )
    made = cache.windows(batch, SIDE)
    assert made.shape == (24, 3, SIDE, SIDE)
    assert made.dtype == torch.float32
    assert 0 <= float(made.min()) <= float(made.max()) <= 1
    for item in range(24):
        one = Frames(*(getattr(batch, f.name)[item : item + 1] for f in dataclasses.fields(batch)))
        assert torch.allclose(cache.windows(one, SIDE)[0], made[item], atol=1e-6)


def test_frames_are_chosen_as_for_single_windows():
    heights, widths = torch.full((4000,), 300), torch.full((4000,), 500)
    how = Augmentation(rotation=0.5, degrees=10)
    made = choose_frames(Draws(1, 0, 0, 4000), heights * 0, heights, widths, SIDE, 0.4, how)
    assert float((made.size == SIDE).double().mean()) == pytest.approx(0.41, abs=0.03)
    assert (int(made.size.min()), int(made.size.max())) == (48, 159)
    assert bool(((made.y >= 0) & (made.y + made.outer <= 300)).all())
    assert bool(((made.x >= 0) & (made.x + made.outer <= 500)).all())
    assert float(made.small.double().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(made.flip.double().mean()) == pytest.approx(0.5, abs=0.03)
    quarters = ((made.degrees + 45) // 90).long().bincount(minlength=4) / 4000
    assert torch.allclose(quarters, torch.full((4,), 0.25), atol=0.03)


def test_the_draws_of_a_step_are_its_own():
    assert torch.equal(Draws(1, 2, 0, 4).uniform(0, 1, 3), Draws(1, 2, 0, 4).uniform(0, 1, 3))
    others = [Draws(2, 2, 0, 4), Draws(1, 3, 0, 4), Draws(1, 2, 1, 4)]
    mine = Draws(1, 2, 0, 4).uniform(0, 1)
    assert not any(torch.equal(mine, other.uniform(0, 1)) for other in others)


def test_masters_are_kept_as_bytes_and_the_unreadable_left_out(tmp_path, caplog):
    levels = np.random.default_rng(1).integers(0, 2**16, (90, 80, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="rgb", tile=(32, 32))
    (tmp_path / "b.png").write_bytes(b"no picture")
    Image.fromarray(picture(1, 80, 72)).save(tmp_path / "c.png")
    truncated = tmp_path / "d.png"
    Image.fromarray(picture(2, 80, 72)).save(truncated)
    truncated.write_bytes(truncated.read_bytes()[:400])
    cache = PictureCache(open_sources(tmp_path, SIDE, 1 << 20, hold=False), CPU)
    assert cache.readable.tolist() == [0, 2]
    assert "b.png" in caplog.text
    assert "d.png" in caplog.text
    made = cache.windows(frames(0, 3, 5, SIDE, SIDE), SIDE)[0].permute(1, 2, 0) * 255
    assert np.array_equal(made.round().numpy(), np.rint(levels[3:67, 5:69] / 257))


def test_nothing_readable_is_an_error(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture(1, 80, 72)).save(path)
    sources = open_sources(tmp_path, SIDE, 0, hold=False)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(HeritageError, match="none of the 1 training pictures can be read"):
        PictureCache(sources, CPU)
