import dataclasses

import pytest
import torch

from models.critics.patch import Discriminator, PatchDiscriminator
from models.device import one_thread
from models.features.squeezenet import SqueezeNetFeatures
from models.network import InpaintingNetwork
from models.networks.lama import LaMa
from models.testing import CONFIGS, tiny_network
from models.training import regularisers
from models.training.adversarial import KINDS, AdversarialStep, Filled, plain, touched_patches
from models.training.distillation import Teacher
from models.training.migan_training import MIGANTraining
from models.training.objectives import LossWeights, Objective
from models.training.subjects import Batch


@pytest.fixture(autouse=True)
def _quick():
    """Networks this small are done sooner by one thread, several times so on a busy machine."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def features():
    return SqueezeNetFeatures()


@pytest.fixture(params=KINDS)
def step(request, features):
    torch.manual_seed(0)
    network = LaMa(ngf=8, n_downsampling=2, n_blocks=1, activation="none", shuffle=2)
    critic = PatchDiscriminator(ndf=8, n_layers=3)
    return AdversarialStep(network, critic, Objective(LossWeights(), features), request.param)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 20:44, 16:40] = 1
    return Batch(torch.rand(2, 3, 64, 64), mask)


class Sum(Discriminator):
    """Its logits are twice the sum over channels, its only map the picture."""

    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(2.0))
        self.masks = []

    def forward(self, image, mask=None):
        self.masks.append(mask)
        return self.gain * image.sum(1, keepdim=True), [image]


class Constant(InpaintingNetwork):
    """Two stages, both of one value."""

    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))

    def stages(self, image, mask, latent=None, truncation=1.0):
        made = self.value.expand_as(image)
        return [made / 2, made]


def only(**weights):
    silent = {field.name: 0.0 for field in dataclasses.fields(LossWeights)}
    kept = {"gamma": 0.99, "band": 7, "matching_absolute": False}
    return LossWeights(**silent | kept | weights)


def test_completion_leaves_known_pixels_alone(step, batch):
    filled = step.fill(batch)
    known = (batch.mask == 0).expand_as(batch.image)
    assert torch.equal(filled.picture[known], batch.image[known])
    assert torch.equal(filled.picture[~known], filled.stages[-1][~known])


def test_the_generator_is_never_shown_what_is_missing(step, batch):
    other = Batch(torch.where(batch.mask != 0, 0.9, batch.image), batch.mask)
    assert torch.equal(step.fill(batch).picture, step.fill(other).picture)


def test_touched_patches_are_those_that_hold_a_missing_pixel():
    mask = torch.zeros(1, 1, 8, 8)
    mask[0, 0, 0, 7] = 1
    found = touched_patches(mask, torch.zeros(1, 1, 2, 2))
    assert found.tolist() == [[[[0, 1], [0, 0]]]]


def test_each_loss_reaches_its_own_network_only(step, batch):
    filled = step.fill(batch)
    loss, terms = step.discriminator_loss(batch, filled, penalise=True)
    loss.backward()
    assert {"discriminator", "real", "fake", "r1"} <= set(terms)
    assert all(p.grad is None for p in step.generator.parameters())
    assert any(p.grad.any() for p in step.discriminator.parameters() if p.grad is not None)
    loss, terms = step.generator_loss(batch, filled, adversarial=True)
    loss.backward()
    assert set(terms) == {"l1", "perceptual", "adversarial", "matching"}
    assert any(p.grad.any() for p in step.generator.parameters() if p.grad is not None)


def test_a_discriminator_step_lowers_its_loss(step, batch):
    with torch.no_grad():
        filled = step.fill(batch)
    optimiser = torch.optim.Adam(step.discriminator.parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        loss, _ = step.discriminator_loss(batch, filled, penalise=False)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_terms_are_weighed_and_reported_unweighed(batch):
    objective = Objective(only(hole=1.0, adversarial=3.0, matching=5.0))
    step = AdversarialStep(Constant(0.25), Sum(), objective, "hinge")
    filled = step.fill(batch)
    loss, terms = step.generator_loss(batch, filled, adversarial=True)
    # Every channel of the hole is 0.25, so that logits there are 2 * 0.75.
    assert terms["adversarial"].item() == pytest.approx(-1.5)
    difference = (filled.picture - batch.image).square().mean()
    assert terms["matching"].item() == pytest.approx(difference.item())
    expected = terms["l1"] + 3 * terms["adversarial"] + 5 * terms["matching"]
    assert loss.item() == pytest.approx(expected.item())


def test_before_the_discriminator_has_a_say_only_the_picture_counts(batch):
    step = AdversarialStep(Constant(0.25), Sum(), Objective(only(hole=1.0, adversarial=3.0)))
    _, terms = step.generator_loss(batch, step.fill(batch), adversarial=False)
    assert set(terms) == {"l1"}


def test_a_step_without_any_term_changes_nothing(batch):
    network = Constant(0.25)
    step = AdversarialStep(network, Sum(), Objective(only(adversarial=3.0)))
    loss, _ = step.generator_loss(batch, step.fill(batch), adversarial=False)
    loss.backward()
    assert loss.item() == 0
    assert network.value.grad.item() == 0


def test_r1_is_the_squared_gradient_at_real_pictures(batch):
    step = AdversarialStep(Constant(0.25), Sum(), Objective(only(adversarial=1.0, r1=0.5)))
    filled = step.fill(batch)
    plain_loss, _ = step.discriminator_loss(batch, filled, penalise=False)
    loss, terms = step.discriminator_loss(batch, filled, penalise=True)
    # Each of 3 x 64 x 64 values has a slope of 2.
    assert terms["r1"].item() == pytest.approx(4 * 3 * 64 * 64)
    assert (loss - plain_loss).item() == pytest.approx(0.5 * terms["r1"].item(), rel=1e-5)


def test_a_gradient_penalty_counts_the_hole_alone(batch):
    weights = only(adversarial=1.0, gradient_penalty=1.0)
    step = AdversarialStep(Constant(0.25), Sum(), Objective(weights), "wasserstein")
    _, terms = step.discriminator_loss(batch, step.fill(batch), penalise=True)
    # A picture's score is the mean of 64 x 64 logits; 3 x 24 x 24 values in the hole, slope 2.
    norm = (3 * 24 * 24) ** 0.5 * 2 / 64**2
    assert terms["gradient_penalty"].item() == pytest.approx((norm - 1) ** 2, rel=1e-4)


def test_the_discriminator_is_told_the_mask_with_real_and_filled(batch):
    critic = Sum()
    step = AdversarialStep(Constant(0.25), critic, Objective(only(adversarial=1.0, r1=1.0)))
    filled = step.fill(batch)
    step.discriminator_loss(batch, filled, penalise=True)
    step.generator_loss(batch, filled, adversarial=True)
    assert len(critic.masks) == 4
    assert all(torch.equal(mask, batch.mask) for mask in critic.masks)


def test_orthogonal_regularisation_is_of_the_generator(batch, features):
    network = LaMa(ngf=8, n_downsampling=2, n_blocks=1)
    step = AdversarialStep(network, Sum(), Objective(only(orthogonal=1e-4)))
    _, terms = step.generator_loss(batch, Filled([batch.image], batch.image), adversarial=False)
    assert terms["orthogonal"].item() == pytest.approx(regularisers.orthogonal(network).item())


def test_a_student_that_adds_what_its_teacher_adds_has_nothing_to_learn(batch):
    teacher = Teacher(tiny_network("comodgan"))
    student = tiny_network("comodgan")
    torch.manual_seed(3)
    latent = torch.randn(2, student.latent)
    told = Batch(batch.image, batch.mask, latent)
    step = AdversarialStep(student, Sum(), Objective(only(distillation=1.0)), teacher=teacher)
    filled = step.fill(told)
    torch.manual_seed(3)  # the teacher draws the same vector
    _, terms = step.generator_loss(told, filled, adversarial=False)
    assert terms["distillation"].item() == pytest.approx(0, abs=1e-6)
    torch.manual_seed(4)
    _, terms = step.generator_loss(told, filled, adversarial=False)
    assert terms["distillation"].item() > 1e-4


def test_a_migan_learns_at_every_size_from_32_on(batch):
    teacher = Teacher(tiny_network("comodgan"))
    student = MIGANTraining(**CONFIGS["migan"])
    step = AdversarialStep(student, Sum(), Objective(only(distillation=1.0)), teacher=teacher)
    filled = step.fill(batch)
    assert [part.shape[-1] for part in filled.increments] == [4, 8, 16, 32, 64]
    loss, _ = step.generator_loss(batch, filled, adversarial=False)
    loss.backward()
    paint = {n: student.get_submodule(f"synthesis.b{n}.torgb").bias.grad for n in (16, 32, 64)}
    assert paint[32].any()
    assert paint[64].any()
    assert paint[16] is None


def test_nobody_watches_once_the_step_is_over(batch):
    student = MIGANTraining(**CONFIGS["migan"])
    teacher = Teacher(tiny_network("comodgan"))
    step = AdversarialStep(student, Sum(), Objective(only(distillation=1.0)), teacher=teacher)
    step.fill(batch)
    assert not any(module._forward_hooks for module in student.modules())


def test_distillation_needs_a_teacher():
    with pytest.raises(ValueError, match="teacher"):
        AdversarialStep(Constant(0.5), Sum(), Objective(only(distillation=1.0)))


def test_an_unknown_adversarial_loss_is_refused():
    with pytest.raises(ValueError, match="unknown adversarial loss 'logistic'"):
        AdversarialStep(Constant(0.5), Sum(), Objective(only(hole=1.0)), "logistic")


def test_a_wrapper_is_taken_off():
    network = Constant(0.5)
    wrapped = torch.nn.Module()
    wrapped.module = network
    assert plain(wrapped) is network
    assert plain(network) is network
