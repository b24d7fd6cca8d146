import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks.migan import MIGAN, Separable, _Double, _Halve, config_of, network_input

TINY = {"resolution": 16, "channel_base": 128, "channel_max": 16}


def shapes_of(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    network = MIGAN(**TINY).eval()
    for module in network.modules():
        if isinstance(module, Separable) and module.noisy:
            torch.nn.init.constant_(module.noise_strength, 0.3)
    return network


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, 5:10, 4:15] = 1
    mask[1, :, 12:, :9] = 1
    return torch.rand(2, 3, 16, 16) * (1 - mask), mask


# The golden folder's own reader leaves its files to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_equals_the_official_network(golden):
    def forward(network, x):
        known = 1 - x["mask"]
        return network(torch.cat([known - 0.5, (2 * x["image"] - 1) * known], 1))

    report = golden.run_golden("migan_256", build=MIGAN, forward=forward)
    assert report["cases"]
    assert report["ok"], report
    assert report["keys"] == ([], [], [])
    assert report["params"] == (5_943_617, 5_943_617)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_complete_gives_the_official_picture_between_0_and_1(golden):
    report = golden.run_golden(
        "migan_256",
        build=MIGAN,
        forward=lambda net, x: 2 * net.complete(x["image"] * (1 - x["mask"]), x["mask"]) - 1,
    )
    assert report["cases"]
    assert report["ok"], report


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_the_published_512_checkpoint_would_load_strictly(golden):
    with torch.device("meta"):
        network = MIGAN(resolution=512)
    assert golden.check_keys("migan_512", network.state_dict()) == ([], [], [])
    assert sum(p.numel() for p in network.parameters()) == 5_973_366


def test_doubling_equals_zeros_between_the_pixels_and_a_low_pass():
    double = _Double(2, 8)
    kernel = torch.rand(2, 1, 4, 4)  # of no symmetry, so that a flipped kernel shows
    double.filter.weight.data = kernel
    x = torch.randn(3, 2, 4, 4)
    spread = F.interpolate(x, scale_factor=2.0, mode="nearest") * double.filter_const
    slow = F.conv2d(F.pad(spread, (2, 1, 2, 1)), kernel, groups=2)
    torch.testing.assert_close(double(x), slow)


def test_both_low_passes_keep_a_flat_picture():
    flat = torch.full((1, 3, 8, 8), 0.7)
    assert torch.allclose(_Halve(3)(flat)[..., 1:-1, 1:-1], torch.tensor(0.7))
    assert torch.allclose(_Double(3, 16)(flat)[..., 1:-1, 1:-1], torch.tensor(0.7))


def test_the_low_passes_are_not_trained():
    network = MIGAN(**TINY)
    frozen = {key for key, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {key for key in network.state_dict() if key.endswith("filter.weight")}


def test_the_input_is_known_less_a_half_then_the_picture_emptied():
    image = torch.tensor([1.0, 0.25]).reshape(1, 1, 1, 2).expand(1, 3, 1, 2)
    mask = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    expected = torch.tensor([[0.5, -0.5], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert torch.equal(network_input(image, mask), expected.reshape(1, 4, 1, 2))


def test_activations_keep_their_scale_and_never_overflow():
    separable = Separable(1, 1)
    with torch.no_grad():
        for parameter in separable.parameters():
            parameter.zero_()
        separable.conv1.weight[..., 1, 1] = 1.0
        separable.conv2.weight.fill_(1.0)
        x = torch.tensor([1.0, -1.0, 1e4, -1e4]).reshape(1, 1, 2, 2)
        # twice: leaky by 0.2, times the root of 2, within 256
        expected = torch.tensor([2.0, -0.08, 256.0, -0.2 * 256 * 2**0.5]).reshape(1, 1, 2, 2)
        torch.testing.assert_close(separable(x), expected)


def test_noise_is_the_stored_one_for_every_picture_of_a_batch(tiny):
    x = torch.randn(1, 16, 8, 8)
    separable = tiny.synthesis.b8.conv2
    once = separable(torch.cat([x, x]))
    assert torch.equal(once[0], once[1])
    with torch.no_grad():
        separable.noise_const.neg_()
        assert not torch.allclose(separable(x), once[:1])


def test_the_picture_is_the_sum_of_what_every_size_adds(tiny, batch):
    x = network_input(*batch)
    parts = tiny.increments(x)
    assert [part.shape[-1] for part in parts] == [4, 8, 16]
    expected = parts[0]
    for side, part in ((8, parts[1]), (16, parts[2])):
        expected = _Double(3, side)(expected) + part
    torch.testing.assert_close(tiny(x), expected)


def test_what_lies_under_the_mask_does_not_matter(tiny, batch):
    image, mask = batch
    other = torch.where(mask != 0, torch.rand_like(image), image)
    one, two = tiny.complete(image, mask), tiny.complete(other, mask)
    assert one.std() > 0.01
    assert torch.equal(one, two)


def test_the_mask_matters(tiny, batch):
    image, mask = batch
    assert not torch.allclose(
        tiny.complete(image, mask), tiny.complete(image, torch.zeros_like(mask)), atol=1e-3
    )


def test_batch_items_do_not_influence_each_other(tiny, batch):
    together = tiny.complete(*batch)
    for i in range(2):
        alone = tiny.complete(*(x[i : i + 1] for x in batch))
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-5)


def test_every_trained_parameter_learns(tiny, batch):
    (picture,) = tiny.stages(*batch)
    picture.square().mean().backward()
    for key, parameter in tiny.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.any(), key
        else:
            assert parameter.grad is None, key


def test_bfloat16_autocast_still_gives_float32_pictures(tiny, batch):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        picture = tiny.complete(*batch)
    assert picture.dtype == torch.float32
    torch.testing.assert_close(picture, tiny.complete(*batch), rtol=0, atol=0.1)
    assert len(picture.unique()) > picture.numel() * 0.9


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (16, 32)])
def test_another_size_is_refused(tiny, size):
    with pytest.raises(ValueError, match="works at 16 x 16"):
        tiny(torch.zeros(1, 4, *size))


@pytest.mark.parametrize("resolution", [0, 4, 24, 100])
def test_a_resolution_that_is_no_power_of_two_is_refused(resolution):
    with pytest.raises(ValueError, match="power of two"):
        MIGAN(resolution=resolution)


@pytest.mark.parametrize("widths", [{"channel_base": 8}, {"channel_max": 0}])
def test_a_size_without_channels_is_refused(widths):
    with pytest.raises(ValueError, match="no channels"):
        MIGAN(**{**TINY, **widths})


@pytest.mark.parametrize("resolution", [256, 512])
def test_the_published_configurations_are_read_from_the_shapes(resolution):
    with torch.device("meta"):
        shapes = shapes_of(MIGAN(resolution=resolution))
    expected = {"resolution": resolution, "channel_base": 32768, "channel_max": 512}
    assert config_of(shapes) == expected


def test_a_tiny_configuration_is_read_from_the_shapes():
    assert config_of(shapes_of(MIGAN(**TINY))) == TINY


@settings(max_examples=30, deadline=None)
@given(
    resolution=st.sampled_from([8, 16, 64]),
    channel_base=st.integers(64, 5000),
    channel_max=st.integers(1, 700),
)
def test_any_configuration_is_read_from_the_shapes_or_one_of_the_same_network(
    resolution, channel_base, channel_max
):
    with torch.device("meta"):
        shapes = shapes_of(MIGAN(resolution, channel_base, channel_max))
        config = config_of(shapes)
        assert config is not None
        assert shapes_of(MIGAN(**config)) == shapes


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"model.1.ffc.convl2l.weight": (64, 4, 7, 7)},
        {"encoder.b256.fromrgb.weight": (128, 4, 1, 1), "encoder.b4.conv1.weight": (512, 512, 3)},
    ],
)
def test_other_networks_are_not_taken_for_this_one(shapes):
    assert config_of(shapes) is None
