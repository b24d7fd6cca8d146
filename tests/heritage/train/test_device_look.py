"""The device changes windows as the CPU does, with the same chances."""

import cv2
import numpy as np
import pytest
import torch

from heritage.train.augment import Augmentation, augment
from heritage.train.device_draws import Draws
from heritage.train.device_jpeg import through_jpeg
from heritage.train.device_look import DeviceLook

CPU = torch.device("cpu")
SIDE = 48
STILL = {"flip": 0.0, "turns": False, "tone": 0.0}
# With the ends of a range together, nothing but the change itself is left to compare.
FIXED = {
    "colour": {"saturation": (0.6, 0.6), "hue": 0.0, "contrast": (1.2, 1.2)},
    "tone": {"gain": (0.9, 0.9), "gamma": (1.2, 1.2)},
}


def picture():
    levels = cv2.resize(
        np.random.default_rng(7).integers(0, 256, (6, 6, 3), dtype=np.uint8), (SIDE, SIDE)
    )
    return (levels / 255).astype(np.float32)


def batch(count):
    return torch.from_numpy(picture()).permute(2, 0, 1).expand(count, -1, -1, -1).clone()


def changed(how, count=4, number=1):
    return DeviceLook(how, SIDE, 1, CPU)(batch(count), Draws(1, number, 0, count))


@pytest.mark.parametrize("name", FIXED)
def test_a_change_is_that_of_a_single_window(name):
    how = Augmentation(**(STILL | {name: 1.0} | FIXED[name]))
    expected = augment(np.random.default_rng(1), picture(), how)
    for made in changed(how):
        assert np.allclose(made.permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_tints_are_those_of_single_windows():
    how = Augmentation(**STILL, tint=1, tint_strength=(0.4, 0.4))
    there = {augment(np.random.default_rng(n), picture(), how).tobytes() for n in range(60)}
    expected = [np.frombuffer(window, np.float32) for window in there]
    for made in changed(how, 16):
        flat = made.permute(1, 2, 0).numpy().ravel()
        assert any(np.allclose(flat, each, atol=1e-5) for each in expected)


def test_grain_is_that_of_single_windows():
    how = Augmentation(**STILL, grain=1, grain_strength=(0.02, 0.02), grain_size=(1, 1))
    grey = torch.full((6, 3, SIDE, SIDE), 0.5)
    noise = DeviceLook(how, SIDE, 1, CPU)(grey.clone(), Draws(1, 1, 0, 6)) - grey
    alone = augment(np.random.default_rng(1), np.full((256, 256, 3), 0.5, np.float32), how) - 0.5
    assert float(noise.std()) == pytest.approx(alone.std(), rel=0.1)
    beside = float((noise[..., 1:] * noise[..., :-1]).mean() / noise.var())
    assert beside == pytest.approx((alone[:, 1:] * alone[:, :-1]).mean() / alone.var(), abs=0.05)
    assert not torch.equal(noise[0], noise[1])


@pytest.mark.parametrize("quality", [15, 50, 75, 92])
def test_a_jpeg_loses_what_libjpeg_loses(quality):
    rng = np.random.default_rng(1)
    textured = np.clip(picture() * 255 + rng.normal(0, 12, (SIDE, SIDE, 3)), 0, 255)
    levels = textured.round().astype(np.uint8)
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(levels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done
    expected = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1] / 255.0
    given = torch.from_numpy(levels).permute(2, 0, 1)[None].float() / 255
    made = through_jpeg(given, torch.tensor([quality]))[0].permute(1, 2, 0).numpy()
    lost = np.mean((expected - levels / 255) ** 2)
    assert np.mean((made - expected) ** 2) < lost / 10


def test_every_window_of_a_batch_has_its_own_quality():
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.05, (SIDE, SIDE)))
    given = (batch(2) + noise.float()).clamp(0, 1)
    made = through_jpeg(given, torch.tensor([10, 95]), top=3, left=9)
    alone = through_jpeg(given[:1], torch.tensor([10]), top=3, left=9)
    assert torch.allclose(made[0], alone[0], atol=1e-5)
    low, high = (made - given).abs().mean((1, 2, 3)).tolist()
    assert low > 2 * high


def test_changes_happen_as_often_as_said_and_to_no_other_window():
    how = Augmentation(**(STILL | {"tone": 0.3, "tint": 0.0}))
    made = changed(how, 400)
    same = (made == batch(400)).flatten(1).all(1)
    assert 1 - float(same.double().mean()) == pytest.approx(0.3, abs=0.07)


def test_everything_together_stays_in_range_and_is_the_same_again():
    how = Augmentation(colour=0.8, tint=0.8, tone=0.8, grain=0.8, jpeg=0.8)
    made = changed(how, 8)
    assert made.shape == (8, 3, SIDE, SIDE)
    assert 0 <= float(made.min()) <= float(made.max()) <= 1
    assert torch.equal(made, changed(how, 8))
    assert not torch.equal(made, changed(how, 8, number=2))


def test_what_never_happens_changes_nothing():
    assert torch.equal(changed(Augmentation(**STILL)), batch(4))


def test_a_step_in_which_nothing_happens_is_one_too():
    rare = dict.fromkeys(("colour", "tint", "tone", "grain", "jpeg"), 1e-9)
    assert torch.equal(changed(Augmentation(**(STILL | rare)), count=1), batch(1))
