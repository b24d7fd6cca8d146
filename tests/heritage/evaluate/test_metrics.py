import numpy as np
import pytest

from heritage.evaluate.metrics import perceptual, psnr, ssim, texture_energy
from models.features.squeezenet import SqueezeNetFeatures


@pytest.fixture
def picture():
    return np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)


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
