import pytest
import torch

from models.networks.migan import MIGAN, network_input
from models.training.migan_training import MergedBranches, MIGANTraining, distillation_loss

TINY = {"resolution": 16, "channel_base": 128, "channel_max": 16}


@pytest.fixture
def training():
    torch.manual_seed(0)
    network = MIGANTraining(**TINY)
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            if key.endswith(("bias", "noise_strength")):
                parameter.normal_(std=0.2)
    return network


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, 5:10, 4:15] = 1
    mask[1, :, 12:, :9] = 1
    return torch.rand(2, 3, 16, 16) * (1 - mask), mask


def test_the_merged_network_is_the_plain_one_and_gives_the_same_pictures(training, batch):
    optimizer = torch.optim.SGD((p for p in training.parameters() if p.requires_grad), lr=0.05)
    for _ in range(2):  # away from where it started
        optimizer.zero_grad()
        (training.complete(*batch) - batch[0]).square().mean().backward()
        optimizer.step()
    training.eval()
    merged = training.merged()
    assert type(merged) is MIGAN
    assert not merged.training
    plain = MIGAN(**TINY)
    plain.load_state_dict(merged.state_dict(), strict=True)
    expected = training.complete(*batch)
    assert expected.std() > 0.01
    torch.testing.assert_close(plain.eval().complete(*batch), expected, rtol=0, atol=1e-5)


def test_merging_gives_a_network_of_its_own(training, batch):
    merged = training.eval().merged()
    before = merged.complete(*batch)
    with torch.no_grad():
        for parameter in training.parameters():
            parameter.zero_()
    assert torch.equal(merged.complete(*batch), before)


def test_a_merged_weight_equals_the_branches_run_apart_and_summed():
    torch.manual_seed(0)
    branches = torch.randn(3, 5, 2, 3, 3)
    x = torch.randn(1, 2, 7, 7)
    apart = sum(torch.nn.functional.conv2d(x, branch) for branch in branches)
    length = branches.sum(0).flatten(1).norm(dim=1).reshape(1, 5, 1, 1)
    together = torch.nn.functional.conv2d(x, MergedBranches(3)(*branches))
    torch.testing.assert_close(together, apart / length)


@pytest.mark.parametrize("count", [1, 4])
def test_branches_start_along_the_weight_they_replace_and_apart_from_each_other(count):
    torch.manual_seed(0)
    weight = torch.randn(4, 2, 3, 3)
    merge = MergedBranches(count)
    branches = merge.right_inverse(weight)
    assert len(branches) == count
    direction = weight / weight.flatten(1).norm(dim=1).reshape(4, 1, 1, 1)
    torch.testing.assert_close(merge(*branches), direction)
    for i in range(1, count):
        assert not torch.allclose(branches[0], branches[i], atol=0.1)


def test_every_convolution_but_the_first_has_its_branches_and_the_filters_have_none(training):
    keys = set(training.state_dict())
    prefix = "encoder.b16.fromrgb.parametrizations.weight.original"
    assert {key for key in keys if key.startswith(prefix)} == {f"{prefix}0"}
    for place in ("encoder.b16.conv1.conv1", "encoder.b4.conv2.conv2", "synthesis.b4.torgb"):
        prefix = f"{place}.parametrizations.weight.original"
        assert {f"{prefix}{i}" for i in range(4)} <= keys
    assert "encoder.b16.conv2.downsample.filter.weight" in keys


def test_every_branch_learns(training, batch):
    training.complete(*batch).square().mean().backward()
    for key, parameter in training.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.any(), key


def test_noise_is_fresh_in_training_and_stored_in_evaluation(training, batch):
    image, mask = (x[:1].expand(2, -1, -1, -1) for x in batch)
    learning = training.complete(image, mask)
    assert not torch.allclose(learning[0], learning[1], atol=1e-3)
    training.eval()
    settled = training.complete(image, mask)
    assert torch.equal(settled, training.complete(image, mask))
    torch.testing.assert_close(settled[0], settled[1], rtol=0, atol=1e-6)


def test_distillation_counts_holes_only_and_adds_the_sizes():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1  # half of either size
    student = [torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 8, 8)]
    teacher = [torch.full((1, 3, 4, 4), 2.0), torch.full((1, 3, 8, 8), -3.0)]
    assert distillation_loss(student, teacher, mask).item() == pytest.approx(2 / 2 + 3 / 2)
    assert distillation_loss(student, teacher, mask, least=8).item() == pytest.approx(3 / 2)
    assert distillation_loss(teacher, teacher, mask).item() == 0
    assert distillation_loss(student, teacher, 1 - mask).item() == pytest.approx(5 / 2)
    outside = [torch.where(mask[..., ::2, ::2] != 0, 0.0, teacher[0]), student[1]]
    assert distillation_loss(outside, student, mask).item() == 0


def test_distillation_teaches_the_student_alone(training, batch):
    x = network_input(*batch)
    teacher = MIGAN(**TINY)
    theirs = teacher.increments(x)
    distillation_loss(training.increments(x), theirs, batch[1]).backward()
    assert training.synthesis.b16.torgb.bias.grad.any()
    assert all(p.grad is None for p in teacher.parameters())
