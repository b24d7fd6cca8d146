import numpy as np
import pytest
import torch

from heritage.evaluate.metrics import (
    colour_difference,
    feature_maps,
    l1,
    perceptual,
    perceptual_of,
    psnr,
    texture_energy,
)
from heritage.evaluate.structure import ssim
from models.features.squeezenet import SqueezeNetFeatures


@pytest.fixture
def picture():
    return np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)


def test_psnr_is_that_of_torchmetrics(picture):
    from torchmetrics.functional.image import peak_signal_noise_ratio

    filled = np.clip(picture + 0.1, 0, 1)
    theirs = peak_signal_noise_ratio(*map(torch.from_numpy, (filled, picture)), data_range=1.0)
    assert psnr(filled, picture) == pytest.approx(float(theirs), abs=1e-4)


def test_psnr_by_hand():
    truth = np.zeros((8, 8, 3), np.float32)
    filled = truth.copy()
    filled[:4] = 0.1
    where = np.zeros((8, 8), bool)
    where[:4] = True
    assert psnr(filled, truth, where) == pytest.approx(20, abs=1e-4)
    assert psnr(filled, truth) == pytest.approx(20 + 10 * np.log10(2), abs=1e-4)


def test_the_truth_itself_is_perfect(picture):
    everywhere = np.ones((64, 64), bool)
    assert psnr(picture, picture) == 100
    assert ssim(picture, picture) == pytest.approx(1)
    assert perceptual(picture, picture, SqueezeNetFeatures()) == 0
    assert texture_energy(picture, picture, everywhere) == pytest.approx(1)


def test_a_flat_fill_has_no_texture_and_little_similarity(picture):
    where = np.zeros((64, 64), bool)
    where[16:48, 16:48] = True
    flat = picture.copy()
    flat[where] = picture[where].mean(0)
    inner = np.zeros_like(where)
    inner[18:46, 18:46] = True
    assert texture_energy(flat, picture, inner) < 1e-3
    assert ssim(flat, picture, inner) < 0.1
    assert ssim(flat, picture) > ssim(flat, picture, inner)


def test_l1_by_hand():
    truth = np.zeros((4, 4, 3), np.float32)
    filled = truth.copy()
    filled[0] = 0.5
    where = np.zeros((4, 4), bool)
    where[:2] = True
    assert l1(filled, truth) == pytest.approx(0.125)
    assert l1(filled, truth, where) == pytest.approx(0.25)


def test_colour_difference_counts_the_hole_alone_and_agrees_with_a_published_pair():
    # Sharma et al. 2005, table 1: pair 1 differs by 2.0425 in CIEDE2000.
    from skimage.color import lab2rgb

    pair = [lab2rgb(np.array([[[50.0, 2.6772, b]]])) for b in (-79.7751, -82.7485)]
    truth, filled = (np.tile(one, (2, 2, 1)).astype(np.float32) for one in pair)
    known = np.array([[True, False], [False, False]])
    assert colour_difference(filled, filled, known) == 0
    filled[1] = 0  # outside of the hole
    once = colour_difference(filled, truth, known)
    # The second colour of the pair lies outside sRGB and is cut to it, so the order is what holds.
    assert 0 < once < 5


def test_the_perceptual_distance_in_the_hole_does_not_dwindle_with_its_share(picture):
    features = SqueezeNetFeatures()
    large = np.tile(picture, (2, 2, 1))
    filled = large.copy()
    filled[:64, :64] = 0.5
    hole = np.zeros((128, 128), bool)
    hole[:64, :64] = True
    ours, theirs = (feature_maps(one, features) for one in (filled, large))
    whole, inside = perceptual_of(ours, theirs), perceptual_of(ours, theirs, hole)
    assert inside > 2 * whole
    everywhere = np.ones_like(hole)
    assert perceptual_of(ours, theirs, everywhere) == pytest.approx(whole, rel=1e-4)
