import numpy as np
import pytest
import torch

from heritage.damage.simulate import FAMILIES
from heritage.errors import HeritageError
from heritage.train.pictures import Windows, load_masks, load_pictures

MIX = dict.fromkeys(FAMILIES, 1.0)


def windows(recipe, seed=1):
    pictures = load_pictures(recipe.pictures, smallest=96)
    return Windows(pictures, [], 96, 3, MIX, 0.5, seed)


def test_a_step_depends_on_seed_and_number_alone(recipe):
    one, two = windows(recipe), windows(recipe)
    two.step(1)
    for a, b in zip(one.step(7), two.step(7), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.step(7)[0], one.step(8)[0])
    assert not torch.equal(one.step(7)[0], windows(recipe, seed=2).step(7)[0])


def test_batches_ahead_are_the_same_as_step_by_step(recipe):
    made = windows(recipe)
    ahead = made.from_step(5)
    for number in (5, 6, 7, 8):
        assert torch.equal(next(ahead)[0], made.step(number)[0])
    ahead.close()


def test_shapes_and_ranges(recipe):
    image, mask, label = windows(recipe).step(0)
    assert image.shape == (3, 3, 96, 96)
    assert mask.shape == (3, 1, 96, 96)
    assert label.tolist() == [-1, -1, -1]
    assert image.dtype == mask.dtype == torch.float32
    assert 0 <= float(image.min()) <= float(image.max()) <= 1
    assert set(np.unique(mask.numpy())) == {0, 1}


def test_small_pictures_are_enlarged_to_the_window(recipe):
    assert all(min(p.shape[:2]) >= 500 for p in load_pictures(recipe.pictures, smallest=500))


def test_a_folder_without_pictures_says_so(tmp_path):
    with pytest.raises(HeritageError, match="holds no pictures"):
        load_pictures(tmp_path)


def test_no_masks_folder_means_no_real_masks():
    assert load_masks(None) == []


def test_a_hole_in_the_centre_replaces_simulated_damage(recipe):
    pictures = load_pictures(recipe.pictures, smallest=64)
    made = Windows(pictures, [], 64, 2, MIX, 0.5, 1, centre=24)
    _, mask, _ = made.step(3)
    expected = torch.zeros(2, 1, 64, 64)
    expected[..., 20:44, 20:44] = 1
    assert torch.equal(mask, expected)


def test_labels_go_with_their_pictures(recipe):
    pictures = [np.full((96, 96, 3), 10 * i, np.uint8) for i in range(4)]
    made = Windows(pictures, [], 96, 8, MIX, 1.0, 1, labels=[3, 2, 1, 0])
    image, _, label = made.step(0)
    plain = Windows(pictures, [], 96, 8, MIX, 1.0, 1).step(0)[0]
    assert torch.equal(image, plain)
    darker = image.mean((1, 2, 3)).argsort()
    assert label[darker].tolist() == sorted(label.tolist(), reverse=True)
