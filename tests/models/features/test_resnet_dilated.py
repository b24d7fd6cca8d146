import pytest
import torch
from torch import nn

from models.errors import WeightsRefused
from models.features.resnet_dilated import DilatedResNet50


@pytest.fixture(scope="module")
def layout():
    """Keys and shapes of the full network."""
    with torch.device("meta"):
        network = DilatedResNet50()
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def tiny():
    torch.manual_seed(0)
    network = DilatedResNet50(width=4, blocks=(2, 2, 2, 2))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network


def test_it_has_the_parameters_of_a_resnet_50_but_for_its_stem():
    with torch.device("meta"):
        network = DilatedResNet50()
    plain = 23_508_032  # without the classifier
    stem = (3 * 64 + 64 * 64 + 64 * 128) * 9 + 2 * (64 + 64 + 128) - (3 * 64 * 49 + 2 * 64)
    wider = 64 * 64 + 64 * 256  # the first bottleneck sees 128 channels instead of 64
    assert sum(p.numel() for p in network.parameters()) == plain + stem + wider == 23_631_808


def test_the_keys_are_those_of_the_published_encoder(layout):
    # 55 convolutions, each with scale, shift, mean, variance and a counter
    assert len(layout) == 55 * 6
    assert layout["conv1.weight"] == (64, 3, 3, 3)
    assert layout["conv3.weight"] == (128, 64, 3, 3)
    assert layout["bn3.running_var"] == (128,)
    assert layout["layer1.0.conv1.weight"] == (64, 128, 1, 1)
    assert layout["layer1.0.downsample.0.weight"] == (256, 128, 1, 1)
    assert layout["layer1.0.downsample.1.bias"] == (256,)
    assert layout["layer3.5.conv2.weight"] == (256, 256, 3, 3)
    assert layout["layer4.2.bn3.weight"] == (2048,)
    assert "layer1.1.downsample.0.weight" not in layout


def test_the_maps_are_a_quarter_and_three_times_an_eighth():
    shapes = [tuple(m.shape) for m in tiny()(torch.rand(2, 3, 64, 96))]
    assert shapes == [(2, 16, 16, 24), (2, 32, 8, 12), (2, 64, 8, 12), (2, 128, 8, 12)]


def test_dilations_are_those_of_the_publication():
    with torch.device("meta"):
        network = DilatedResNet50()
    seen = [
        [(block.conv2.stride[0], block.conv2.dilation[0]) for block in stage]
        for stage in (network.layer1, network.layer2, network.layer3, network.layer4)
    ]
    assert seen == [
        [(1, 1)] * 3,
        [(2, 1)] + [(1, 1)] * 3,
        [(1, 1)] + [(1, 2)] * 5,
        [(1, 2)] + [(1, 4)] * 2,
    ]


def test_every_second_pixel_of_a_dilated_stage_is_what_the_strided_one_gives():
    dilated, strided = tiny().layer3, tiny().layer3
    first = strided[0]
    first.conv2.stride = first.downsample[0].stride = (2, 2)
    for block in strided:
        block.conv2.dilation = block.conv2.padding = (1, 1)
    x = torch.rand(1, 32, 12, 16)
    torch.testing.assert_close(dilated(x)[..., ::2, ::2], strided(x))


def test_the_published_file_with_its_leftovers_loads(tmp_path):
    state = {
        key: torch.full_like(value, 0.25)
        for key, value in tiny().state_dict().items()
        if not key.endswith("num_batches_tracked")  # it is older than these
    }
    for key in [key for key in state if key.endswith("running_mean")]:
        state[key.replace("running_mean", "_tmp_running_mean")] = state[key]
        state[key.replace("running_mean", "_tmp_running_var")] = state[key]
    path = tmp_path / "encoder_epoch_20.pth"
    torch.save(state, path)
    network = DilatedResNet50(path, width=4, blocks=(2, 2, 2, 2))
    assert (network.layer4[1].bn3.running_var == 0.25).all()


def test_a_file_of_another_depth_is_refused(tmp_path):
    path = tmp_path / "encoder_epoch_20.pth"
    torch.save(tiny().state_dict(), path)
    with pytest.raises(WeightsRefused, match=r"layer1\.2\.conv1"):
        DilatedResNet50(path, width=4, blocks=(3, 2, 2, 2))


def test_training_around_it_does_not_move_its_statistics():
    network = nn.ModuleDict({"features": tiny()}).train()["features"]
    before = network.bn1.running_mean.clone()
    network(torch.rand(2, 3, 32, 32))
    assert not network.training
    assert torch.equal(network.bn1.running_mean, before)
