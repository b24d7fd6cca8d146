import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cards import InpainterCard
from models.networks.context_encoder import (
    ChannelwiseConnected,
    ContextEncoder,
    ContextEncoderInpainter,
    config_of,
    inpainter,
    overlap_weights,
)

CARD = InpainterCard("x", "gan", "test")
VARIANTS = {
    "centre": {},
    "channelwise": {"bottleneck": "channelwise"},
    "free form": {"free_form": True},
    "free form, channelwise": {"free_form": True, "bottleneck": "channelwise"},
    "larger window": {"side": 64},
}


def tiny(**config):
    torch.manual_seed(0)
    sizes = {"nef": 4, "ngf": 6, "side": 32}
    if config.get("bottleneck", "dense") == "dense":
        sizes["bottleneck_channels"] = 5
    network = ContextEncoder(**sizes | config).eval()
    for name, parameter in network.named_parameters():
        if name.endswith("weight") and parameter.ndim > 1:  # outputs worth comparing
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def batch(count, side, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(count, 3, side, side, generator=generator)
    mask = torch.zeros(count, 1, side, side)
    mask[..., side // 4 + 4 : -side // 4 - 4, side // 4 + 4 : -side // 4 - 4] = 1
    return image * (1 - mask), mask


# The golden folder's own reader leaves its files to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_equals_the_official_network(golden):
    report = golden.run_golden(
        "context_encoder_tiny",
        build=lambda: ContextEncoder(bottleneck_channels=100),
        forward=lambda net, x: net.centre(x["image"]) * 2 - 1,
    )
    assert report["ok"], report
    assert report["keys"] == ([], [], [])


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_published_checkpoints_would_load_strictly(golden):
    with torch.device("meta"):
        state = ContextEncoder().state_dict()
    assert golden.check_keys("context_encoder", state) == ([], [], [])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_arguments_are_told_from_the_shapes(variant):
    network = tiny(**VARIANTS[variant])
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    config = config_of(shapes)
    again = ContextEncoder(**config)
    assert again.side == network.side
    again.load_state_dict(network.state_dict(), strict=True)


def test_the_arguments_of_the_published_network_are_the_defaults():
    with torch.device("meta"):
        state = ContextEncoder().state_dict()
    config = config_of({key: tuple(value.shape) for key, value in state.items()})
    assert (config["nef"], config["ngf"], config["side"]) == (64, 64, 128)
    assert (config["bottleneck"], config["bottleneck_channels"]) == ("dense", 4000)


def test_the_layouts_of_other_networks_are_not_taken_for_it():
    discriminator = {  # of the same port: it too begins with main.0.weight
        "main.0.weight": (64, 3, 4, 4),
        "main.2.weight": (128, 64, 4, 4),
        "main.5.weight": (256, 128, 4, 4),
        "main.8.weight": (512, 256, 4, 4),
        "main.11.weight": (1, 512, 4, 4),
    }
    longer = discriminator | {"main.17.weight": (1, 512, 4, 4)}
    assert config_of(discriminator) is None
    assert config_of(longer) is None
    assert config_of({"model.1.ffc.convl2l.weight": (64, 4, 7, 7)}) is None
    assert config_of({}) is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_reaches_every_weight(variant):
    network = tiny(**VARIANTS[variant]).train()
    image, mask = batch(2, network.side)
    picture = network.stages(image, mask)[-1]
    assert picture.shape == image.shape
    (picture - 0.5).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_the_centre_is_pasted_and_the_rest_left_alone():
    network = tiny()
    image, mask = batch(2, 32)
    with torch.no_grad():
        (picture,) = network.stages(image, mask)
        centre = network.centre(image)
    assert torch.equal(picture[..., 8:24, 8:24], centre)
    around = torch.ones(32, 32, dtype=torch.bool)
    around[8:24, 8:24] = False
    assert torch.equal(picture[..., around], image[..., around])


def test_the_network_sees_the_border_of_the_centre_but_not_what_is_erased():
    network = tiny()
    image, _ = batch(1, 32)
    erased, border = image.clone(), image.clone()
    erased[..., 12:20, 12:20] = 0.9
    border[..., 8:12, 8:24] = 0.9
    with torch.no_grad():
        assert torch.equal(network.centre(erased), network.centre(image))
        assert not torch.equal(network.centre(border), network.centre(image))


def test_a_free_form_network_sees_the_mask_but_not_what_lies_under_it():
    network = tiny(free_form=True)
    image, mask = batch(1, 32)
    with torch.no_grad():
        one = network.complete(image, mask)
        assert torch.equal(network.complete(image + 0.7 * mask, mask), one)
        assert not torch.equal(network.complete(image, torch.zeros_like(mask)), one)


def test_channels_are_connected_with_themselves_alone():
    layer = ChannelwiseConnected(2, 2)
    swap = torch.eye(4).flip(0)
    layer.load_state_dict({"weight": torch.stack([torch.eye(4), swap])})
    x = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert torch.equal(layer(x)[0, 0], x[0, 0])
    assert torch.equal(layer(x)[0, 1], x[0, 1].flip(0, 1))
    assert layer.weight.numel() == 2 * 2**4  # m n^4


def test_the_overlap_counts_tenfold():
    assert overlap_weights(4, 1)[0, 0].tolist() == [
        [10, 10, 10, 10],
        [10, 1, 1, 10],
        [10, 1, 1, 10],
        [10, 10, 10, 10],
    ]


class Completing(torch.nn.Module):
    """What an exported file computes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image, mask):
        return self.network.complete(image, mask)


@pytest.mark.parametrize("variant", ["centre", "free form, channelwise"])
def test_the_graph_can_be_exported(variant):
    network = Completing(tiny(**VARIANTS[variant])).eval()
    any_count = {0: torch.export.Dim.DYNAMIC}
    graph = torch.export.export(network, batch(2, 32), dynamic_shapes=(any_count,) * 2).module()
    with torch.no_grad():
        torch.testing.assert_close(graph(*batch(3, 32)), network(*batch(3, 32)))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"side": 48}, "side"),
        ({"side": 16}, "side"),
        ({"bottleneck": "wide"}, "bottleneck"),
        ({"overlap": 8}, "overlap"),
    ],
)
def test_an_impossible_network_is_refused(config, said):
    with pytest.raises(ValueError, match=said):
        tiny(**config)


def test_a_picture_has_more_levels_than_eight_bits_under_autocast():
    network = tiny(side=64)
    image, mask = batch(1, 64)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        centre = network.complete(image, mask)[..., 16:48, 16:48]
    assert centre.dtype == torch.float32
    assert centre.unique().numel() > 256


@pytest.fixture(scope="module")
def restore():
    return inpainter(tiny(), CARD, "cpu")


@settings(max_examples=6, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 999))
def test_any_size_goes_and_known_pixels_come_back_exactly(restore, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(2, 3, height, width, generator=generator)
    mask = torch.rand(2, 1, height, width, generator=generator) > 0.9
    filled = restore(image, mask)
    known = ~mask.expand_as(image)
    assert torch.equal(filled[known], image[known])
    assert 0 <= float(filled.min()) <= float(filled.max()) <= 1
    assert torch.equal(restore(torch.where(mask, torch.nan, image), mask), filled)


class Counting(ContextEncoder):
    """Predicts the mean of the context, and remembers how much it was asked."""

    def __init__(self):
        super().__init__(nef=4, ngf=4, bottleneck_channels=4, side=32)
        self.asked = []

    def centre(self, windows):
        self.asked.append(len(windows))
        mean = windows[..., :8, :].mean((2, 3), keepdim=True)
        return mean.expand(-1, -1, 16, 16)


def test_a_hole_larger_than_a_centre_is_covered_wholly():
    image = torch.full((1, 3, 90, 70), 0.3)
    mask = torch.zeros(1, 1, 90, 70)
    mask[..., 10:80, 20:65] = 1
    filled = ContextEncoderInpainter(Counting(), CARD, "cpu")(image, mask)
    torch.testing.assert_close(filled, image, atol=1e-5, rtol=0)


def test_only_windows_that_touch_damage_are_computed_a_bounded_number_at_once():
    network = Counting()
    counted = ContextEncoderInpainter(network, CARD, "cpu")
    image, mask = torch.rand(1, 3, 400, 400), torch.zeros(1, 1, 400, 400)
    mask[..., 200, 200] = 1
    counted(image, mask)
    assert 1 <= sum(network.asked) <= 4
    network.asked.clear()
    counted(image[..., :100, :100], torch.ones(1, 1, 100, 100) - mask[..., 150:250, 150:250])
    assert len(network.asked) > 1
    assert max(network.asked) <= 16


def test_items_of_a_batch_do_not_matter_to_each_other(restore):
    image = torch.rand(3, 3, 50, 40, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(3, 1, 50, 40)
    mask[0, :, 5:9], mask[1, :, :, 30:], mask[2, :, 20:45, 10:35] = 1, 1, 1
    alone = torch.cat([restore(image[i : i + 1], mask[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(restore(image, mask), alone, atol=1e-5, rtol=0)


def test_a_free_form_network_is_tiled_like_any_other():
    tiled = inpainter(tiny(free_form=True), CARD, "cpu")
    assert not isinstance(tiled, ContextEncoderInpainter)
    image = torch.rand(1, 3, 40, 50)
    mask = (torch.rand(1, 1, 40, 50) > 0.9).float()
    filled = tiled(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(filled[known], image[known])
