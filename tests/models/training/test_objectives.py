import dataclasses

import pytest
import torch

from models.device import one_thread
from models.features.resnet_dilated import DilatedResNet50
from models.features.squeezenet import SqueezeNetFeatures
from models.features.vgg import PERCEPTUAL, STYLE, VggFeatures
from models.training.objectives import LossWeights, Objective, total
from models.training.perceptual import perceptual_l1, style_l1

MASK = torch.zeros(1, 1, 32, 32)
MASK[..., 8:16, 8:16] = 1


@pytest.fixture(autouse=True)
def _quick():
    """Networks this small are done sooner by one thread, several times so on a busy machine."""
    with one_thread():
        yield


def only(**weights):
    silent = {field.name: 0.0 for field in dataclasses.fields(LossWeights)}
    kept = {"gamma": 0.99, "band": 7, "matching_absolute": False}
    return LossWeights(**silent | kept | weights)


def values(objective, made, target, stages=None):
    """Terms of a picture that is ``made`` inside the hole."""
    filled = torch.where(MASK != 0, made, target)
    return objective([*(stages or []), made], filled, target, MASK)


def test_hole_and_known_are_means_over_their_own_pixels():
    made = torch.where(MASK != 0, 0.5, 0.1).expand(1, 3, 32, 32)
    terms = values(Objective(only(hole=2.0, known=3.0)), made, torch.zeros(1, 3, 32, 32))
    assert terms["l1"][1].item() == pytest.approx(2 * 0.5 + 3 * 0.1)
    assert total(terms).item() == pytest.approx(1.3)


def test_earlier_stages_count_as_much_as_their_weight_says():
    target = torch.zeros(1, 3, 32, 32)
    stages = [target + 0.2, target + 0.4]
    objective = Objective(only(hole=1.0, stages=0.5))
    terms = values(objective, target + 0.1, target, stages)
    assert total(terms).item() == pytest.approx(0.1 + 0.5 * (0.2 + 0.4))
    assert "stages" not in values(objective, target + 0.1, target)


def test_the_discount_is_the_recipes():
    target = torch.zeros(1, 3, 32, 32)
    mild, harsh = (
        total(values(Objective(only(discounted=1.0, gamma=gamma)), target + 1, target))
        for gamma in (1.0, 0.5)
    )
    assert mild.item() == pytest.approx(1)
    assert 0 < harsh < 0.5


def test_the_overlap_lies_around_the_hole_and_counts_tenfold():
    target = torch.zeros(1, 3, 32, 32)
    terms = values(Objective(only(overlap_l2=1.0, band=2)), target + 1, target)
    inside, around = 8 * 8, 12 * 12 - 8 * 8
    expected = (inside + 10 * around) / (inside + around)
    assert terms["overlap_l2"][1].item() == pytest.approx(expected)


def test_total_variation_is_of_the_filled_picture():
    flat = torch.full((1, 3, 32, 32), 0.5)
    objective = Objective(only(total_variation=1.0))
    assert total(values(objective, flat, flat)) == 0
    assert total(values(objective, flat + 0.1, flat)) > 0


def test_features_of_vgg_are_split_between_perceptual_and_style():
    torch.manual_seed(0)
    network = VggFeatures(layers=PERCEPTUAL + STYLE, width=4)
    target, made = torch.rand(2, 1, 3, 32, 32)
    terms = values(Objective(only(perceptual=1.0, style=1.0), network), made, target)
    ours, theirs = network(torch.where(MASK != 0, made, target)), network(target)
    cut = len(PERCEPTUAL)
    assert torch.equal(terms["perceptual"][1], perceptual_l1(ours[:cut], theirs[:cut]))
    assert torch.equal(terms["style"][1], style_l1(ours[cut:], theirs[cut:]))


def test_style_alone_is_possible():
    target, made = torch.rand(2, 1, 3, 32, 32)
    terms = values(Objective(only(style=1.0), SqueezeNetFeatures()), made, target)
    assert set(terms) == {"style"}
    assert total(terms) > 0


def test_the_high_receptive_field_is_of_the_segmentation_network():
    torch.manual_seed(0)
    network = DilatedResNet50(width=4, blocks=(1, 1, 1, 1))
    objective = Objective(only(high_receptive_field=30.0), segmentation=network)
    target, made = torch.rand(2, 1, 3, 32, 32)
    assert total(values(objective, target, target)) == 0
    made.requires_grad_()
    total(values(objective, made, target)).backward()
    hole = (MASK != 0).expand_as(made)
    assert made.grad[hole].any()
    assert not made.grad[~hole].any()


@pytest.mark.parametrize("name", ["perceptual", "style", "high_receptive_field"])
def test_terms_that_need_a_network_say_so(name):
    with pytest.raises(ValueError, match="network"):
        Objective(only(**{name: 1.0}))
