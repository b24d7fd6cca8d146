import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from heritage.evaluate.structure import gradient_similarity, ms_ssim, similarity_maps, ssim


@pytest.fixture
def filled(picture):
    noise = np.random.default_rng(3).normal(0, 0.1, picture.shape)
    return np.clip(picture + noise, 0, 1).astype(np.float32)


def _tensors(*pictures):
    return [torch.from_numpy(p).permute(2, 0, 1)[None].double() for p in pictures]


def test_ssim_is_that_of_scikit_image(picture, filled):
    whole, local = structural_similarity(
        filled, picture, channel_axis=2, data_range=1.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    where = np.zeros(picture.shape[:2], bool)
    where[20:90, 30:120] = True
    assert ssim(filled, picture) == pytest.approx(whole, abs=1e-5)
    assert ssim(filled, picture, where) == pytest.approx(local[where].mean(), abs=1e-5)


def test_both_are_those_of_torchmetrics(picture, filled):
    pair = _tensors(filled, picture)
    theirs = multiscale_structural_similarity_index_measure(*pair, data_range=1.0)
    assert ms_ssim(filled, picture) == pytest.approx(float(theirs), abs=1e-5)
    # torchmetrics counts the windows that reach over the edge, scikit-image and we do not.
    single = structural_similarity_index_measure(*pair, data_range=1.0)
    assert similarity_maps(filled, picture)[0].mean() == pytest.approx(float(single), abs=1e-5)


def test_ms_ssim_in_the_hole_sees_only_what_is_near_the_hole(picture, hole):
    filled = picture.copy()
    filled[hole] = 0.5
    far = np.zeros_like(hole)
    far[:16, :16] = True
    assert ms_ssim(filled, picture, hole) < ms_ssim(filled, picture)
    assert ms_ssim(filled, picture, far) > 0.99
    assert ms_ssim(picture, picture, hole) == pytest.approx(1, abs=1e-5)


def test_small_pictures_have_no_five_scales(picture):
    small = picture[:175]
    assert ms_ssim(small, small) is None


def test_gradients_of_the_truth_are_alike_and_of_a_blur_are_not(picture, hole):
    mean, deviation = gradient_similarity(picture, picture, hole)
    assert (mean, deviation) == (pytest.approx(1), pytest.approx(0, abs=1e-6))
    flat = picture.copy()
    flat[hole] = 0.5
    mean, deviation = gradient_similarity(flat, picture, hole)
    assert mean < 0.95
    assert deviation > 0.05


def test_gradients_of_a_ramp_by_hand():
    """A step of s at half size gives s over two columns, so c = (2ab + 170)/(a² + b² + 170)."""
    steep, gentle = (
        np.repeat(np.linspace(0, slope, 64, dtype=np.float32)[None, :, None], 64, 0).repeat(3, 2)
        for slope in (1.0, 0.5)
    )
    inner = np.zeros((64, 64), bool)
    inner[16:48, 16:48] = True
    a, b = (255 * slope / 63 * 4 for slope in (1.0, 0.5))  # two pixels, twice as far apart
    expected = (2 * a * b + 170) / (a * a + b * b + 170)
    mean, deviation = gradient_similarity(gentle, steep, inner)
    assert mean == pytest.approx(expected, abs=1e-3)
    assert deviation == pytest.approx(0, abs=1e-3)
