import hashlib
import itertools
import logging

import numpy as np
import pytest
import torch

from heritage.damage.simulate import FAMILIES
from heritage.errors import HeritageError
from heritage.train.augment import Augmentation
from heritage.train.pictures import load_pictures
from heritage.train.sources import Held, open_sources
from heritage.train.workers import Windows

EARLIER = "09daed1339d610c91968c72b2ee3df8ee251093e567866de2e550ccd137bf80a"
MIX = {"thick": 1.0, "medium": 1.0, "rectangle": 1.0}


def windows(recipe, seed=1, **more):
    return Windows(load_pictures(recipe.pictures, smallest=96), [], 96, 3, MIX, 0.5, seed, **more)


def test_a_step_depends_on_seed_and_number_alone(recipe):
    one, two = windows(recipe), windows(recipe)
    two.step(1)
    for a, b in zip(one.step(7), two.step(7), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.step(7)[0], one.step(8)[0])
    assert not torch.equal(one.step(7)[0], windows(recipe, seed=2).step(7)[0])


@pytest.mark.parametrize("workers", [1, 4])
def test_batches_ahead_are_the_same_as_step_by_step(recipe, workers):
    made = windows(recipe, workers=workers)
    ahead = made.from_step(5)
    for number in range(5, 12):
        assert all(map(torch.equal, next(ahead), made.step(number)))
    ahead.close()


def test_no_more_is_made_ahead_than_the_workers_can_hold(recipe):
    made = windows(recipe, workers=2)
    asked = []
    step = made.step
    made.step = lambda number: asked.append(number) or step(number)
    ahead = made.from_step(0)
    next(ahead)
    ahead.close()
    assert len(asked) <= 4


def test_windows_are_the_same_wherever_their_pictures_are(recipe):
    held = open_sources(recipe.pictures, 96, 1 << 30)
    files = open_sources(recipe.pictures, 96, 0)
    assert all(isinstance(source, Held) for source in held)
    assert not any(isinstance(source, Held) for source in files)
    both = [Windows(sources, [], 96, 4, MIX, 0.5, 1).step(3) for sources in (held, files)]
    assert all(map(torch.equal, *both))


def test_shapes_and_ranges(recipe):
    pictures = load_pictures(recipe.pictures, smallest=96)
    image, mask, label = Windows(pictures, [], 96, 3, dict.fromkeys(FAMILIES, 1.0), 0.5, 1).step(0)
    assert image.shape == (3, 3, 96, 96)
    assert mask.shape == (3, 1, 96, 96)
    assert label.tolist() == [-1, -1, -1]
    assert label.dtype == torch.int64
    assert image.dtype == mask.dtype == torch.float32
    assert 0 <= float(image.min()) <= float(image.max()) <= 1
    assert set(np.unique(mask.numpy())) == {0, 1}


def test_a_training_begun_with_an_earlier_version_goes_on_with_the_same_windows():
    picture = np.random.default_rng(5).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    mix = {"thick": 1.0, "medium": 1.0}
    image, mask, _ = Windows([picture], [], 64, 8, mix, 1.0, 1).step(7)
    levels = (image.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    digest = hashlib.sha256(levels.tobytes() + mask.byte().numpy().tobytes()).hexdigest()
    assert digest == EARLIER  # made before there was an Augmentation


def test_a_hole_in_the_centre_replaces_simulated_damage(recipe):
    pictures = load_pictures(recipe.pictures, smallest=64)
    _, mask, _ = Windows(pictures, [], 64, 2, MIX, 0.5, 1, centre=24).step(3)
    expected = torch.zeros(2, 1, 64, 64)
    expected[..., 20:44, 20:44] = 1
    assert torch.equal(mask, expected)


def test_labels_go_with_their_pictures():
    pictures = [np.full((96, 96, 3), 10 * i, np.uint8) for i in range(4)]
    made = Windows(pictures, [], 96, 8, MIX, 1.0, 1, labels=[3, 2, 1, 0])
    image, _, label = made.step(0)
    plain = Windows(pictures, [], 96, 8, MIX, 1.0, 1).step(0)[0]
    assert torch.equal(image, plain)
    darker = image.mean((1, 2, 3)).argsort()
    assert label[darker].tolist() == sorted(label.tolist(), reverse=True)


def test_ranks_share_the_windows_of_a_larger_batch(recipe):
    one = windows(recipe)
    one.batch = 6
    ranks = [windows(recipe, rank=rank).step(4) for rank in (0, 1)]
    for whole, *parts in zip(one.step(4), *ranks, strict=True):
        assert torch.equal(whole, torch.cat(parts))


def test_what_may_happen_to_a_window_is_the_augmentations_business():
    picture = np.random.default_rng(5).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    still = Augmentation(flip=0, turns=False, tone=0)
    image = Windows([picture], [], 96, 2, MIX, 1.0, 1, augmentation=still).step(0)[0]
    expected = torch.from_numpy(picture).permute(2, 0, 1) / 255
    assert torch.allclose(image, expected.expand(2, -1, -1, -1))


def test_another_picture_takes_the_place_of_an_unreadable_one(recipe, caplog):
    broken = recipe.pictures / "2.png"
    broken.write_bytes(broken.read_bytes()[:300])
    held = open_sources(recipe.pictures, 96, 1 << 30)
    files = open_sources(recipe.pictures, 96, 0)
    with caplog.at_level(logging.WARNING):
        made = [Windows(sources, [], 96, 8, MIX, 0.5, 1) for sources in (held, files)]
        steps = [[each.step(number) for number in range(4)] for each in made]
    for one, two in zip(*steps, strict=True):
        assert all(map(torch.equal, one, two))
    told = [r.getMessage() for r in caplog.records if str(broken) in r.getMessage()]
    assert len(told) == 2  # once when it was opened, once where that had not decoded it


def test_the_windows_of_other_pictures_stay_when_one_breaks(recipe):
    before = Windows(open_sources(recipe.pictures, 96, 0), [], 96, 16, MIX, 0.5, 1).step(0)[0]
    (recipe.pictures / "1.png").write_bytes(b"no picture")
    after = Windows(open_sources(recipe.pictures, 96, 0), [], 96, 16, MIX, 0.5, 1).step(0)[0]
    same = [torch.equal(a, b) for a, b in itertools.zip_longest(before, after)]
    assert 8 <= sum(same) < 16


def test_pictures_that_all_break_during_a_training_end_it(recipe):
    sources = open_sources(recipe.pictures, 96, 0)
    for path in recipe.pictures.iterdir():
        path.unlink()
    with pytest.raises(HeritageError, match="none could be read"):
        Windows(sources, [], 96, 2, MIX, 0.5, 1).step(0)
