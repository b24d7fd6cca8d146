import numpy as np
import pytest
import torch
from torch import nn

from heritage.evaluate.distributions import frechet_distance, kernel_distance, samples_of
from heritage.evaluate.metrics import feature_maps
from models.features.squeezenet import SqueezeNetFeatures


class AsGiven(nn.Identity):
    num_features = 24


@pytest.mark.parametrize("count", [10, 200])
def test_the_frechet_distance_is_that_of_torchmetrics(count):
    from torchmetrics.image.fid import FrechetInceptionDistance

    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, (count, 24)).astype(np.float32)
    filled = (rng.normal(0.2, 1.5, (count, 24))).astype(np.float32)
    metric = FrechetInceptionDistance(feature=AsGiven())
    metric.update(torch.from_numpy(truth).double(), real=True)
    metric.update(torch.from_numpy(filled).double(), real=False)
    assert frechet_distance(filled, truth) == pytest.approx(float(metric.compute()), rel=1e-4)


def test_the_same_crowd_has_no_distance():
    crowd = np.random.default_rng(1).normal(size=(50, 24)).astype(np.float32)
    assert frechet_distance(crowd, crowd) == pytest.approx(0, abs=1e-6)
    assert kernel_distance(crowd, crowd) == pytest.approx(0, abs=1e-9)


def test_another_crowd_has():
    rng = np.random.default_rng(2)
    crowd, other, moved = (rng.normal(shift, 1, (300, 24)) for shift in (0, 0, 1))
    assert kernel_distance(moved, crowd) > 10 * abs(kernel_distance(other, crowd))
    assert frechet_distance(moved, crowd) > 5 * frechet_distance(other, crowd)


def test_one_sample_is_no_crowd():
    alone = np.zeros((1, 24), np.float32)
    assert frechet_distance(alone, alone) is None
    assert kernel_distance(alone, alone) is None


def test_samples_are_taken_where_the_hole_is(picture, hole):
    deepest = feature_maps(picture, SqueezeNetFeatures())[-1]
    some = samples_of(deepest, hole)
    everything = samples_of(deepest, np.ones_like(hole))
    assert 0 < len(some) <= len(everything)
    assert some.shape[1] == 512
    assert np.all(np.linalg.norm(everything, axis=1) <= np.sqrt(512) * 1.001)
    assert len(samples_of(deepest, np.zeros_like(hole))) == 0
