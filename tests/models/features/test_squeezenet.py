import pytest
import torch

from models.features.squeezenet import SqueezeNetFeatures, perceptual_distance


@pytest.fixture(scope="module")
def features():
    return SqueezeNetFeatures()


def test_seven_maps_of_the_published_widths(features):
    maps = features(torch.rand(1, 3, 64, 64))
    assert [m.shape[1] for m in maps] == [64, 128, 256, 384, 384, 512, 512]


def test_distance_is_zero_for_the_same_picture_and_grows_with_blur(features):
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 64, 64)
    slight = torch.nn.functional.avg_pool2d(picture, 3, 1, 1)
    strong = torch.nn.functional.avg_pool2d(picture, 9, 1, 4)
    truth = features(picture)
    distances = [float(perceptual_distance(features(p), truth)) for p in (picture, slight, strong)]
    assert distances[0] == 0
    assert 0 < distances[1] < distances[2]


def test_features_are_frozen(features):
    assert not any(p.requires_grad for p in features.parameters())
