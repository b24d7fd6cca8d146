import pytest
import torch

from models.adversarial import AdversarialStep, LossWeights, complete, touched_patches
from models.discriminators import PatchDiscriminator
from models.features import SqueezeNetFeatures
from models.lama import LaMa
from models.prefill import prefill


@pytest.fixture(params=["non-saturating", "least-squares"])
def step(request):
    torch.manual_seed(0)
    network = LaMa(ngf=8, n_downsampling=2, n_blocks=1, activation="none", shuffle=2)
    critic = PatchDiscriminator(ndf=8, n_layers=3)
    return AdversarialStep(network, critic, SqueezeNetFeatures(), LossWeights(), request.param)


@pytest.fixture
def batch():
    image = torch.rand(2, 3, 64, 64)
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 20:44, 16:40] = 1
    return image, mask


def test_completion_leaves_known_pixels_alone(step, batch):
    image, mask = batch
    filled = complete(step.generator, image, mask, prefill(image, mask))
    known = (mask == 0).expand_as(image)
    assert torch.equal(filled[known], image[known])


def test_touched_patches_are_those_that_hold_a_missing_pixel():
    mask = torch.zeros(1, 1, 8, 8)
    mask[0, 0, 0, 7] = 1
    found = touched_patches(mask, torch.zeros(1, 1, 2, 2))
    assert found.tolist() == [[[[0, 1], [0, 0]]]]


def test_each_loss_reaches_its_own_network_only(step, batch):
    image, mask = batch
    filled = step.fill(image, mask)
    loss, terms = step.discriminator_loss(image, mask, filled, penalise=True)
    loss.backward()
    assert {"discriminator", "real", "fake", "r1"} <= set(terms)
    assert all(p.grad is None for p in step.generator.parameters())
    assert any(p.grad.any() for p in step.discriminator.parameters() if p.grad is not None)
    loss, terms = step.generator_loss(image, mask, filled, adversarial=True)
    loss.backward()
    assert set(terms) == {"l1", "perceptual", "adversarial", "matching"}
    assert any(p.grad.any() for p in step.generator.parameters() if p.grad is not None)


def test_a_discriminator_step_lowers_its_loss(step, batch):
    image, mask = batch
    filled = step.fill(image, mask).detach()
    optimiser = torch.optim.Adam(step.discriminator.parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        loss, _ = step.discriminator_loss(image, mask, filled, penalise=False)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_an_unknown_adversarial_loss_is_refused():
    with pytest.raises(ValueError, match="hinge"):
        AdversarialStep(
            LaMa(8, 2, 1), PatchDiscriminator(8, 2), torch.nn.Identity(), LossWeights(), "hinge"
        )
