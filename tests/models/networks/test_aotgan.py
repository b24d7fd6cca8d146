import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks.aotgan import AOTGAN, AOTBlock, config_of, spread_out

TINY = {"width": 4, "rates": (1, 2), "block_num": 2}


def shapes_of(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    network = AOTGAN(**TINY).eval()
    for parameter in network.parameters():  # the initial weights answer grey to everything
        spread = 1.5 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.05
        torch.nn.init.normal_(parameter, std=spread)
    return network


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.zeros(2, 1, 32, 24)
    mask[0, :, 5:20, 4:15] = 1
    mask[1, :, 25:, :9] = 1
    return torch.rand(2, 3, 32, 24) * (1 - mask), mask


# The golden folder's own reader leaves its files to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_equals_the_official_network(golden):
    def forward(network, x):
        picture = 2 * x["image"] - 1
        return network(picture * (1 - x["mask"]) + x["mask"], x["mask"])

    report = golden.run_golden("aotgan", build=AOTGAN, forward=forward)
    assert report["cases"]
    assert report["ok"], report
    assert report["keys"] == ([], [], [])
    assert report["params"] == (15_200_835, 15_200_835)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
def test_complete_gives_the_official_picture_between_0_and_1(golden):
    report = golden.run_golden(
        "aotgan",
        build=AOTGAN,
        forward=lambda net, x: 2 * net.complete(x["image"] * (1 - x["mask"]), x["mask"]) - 1,
    )
    assert report["cases"]
    assert report["ok"], report


def test_the_gates_normalisation_equals_values_worked_out_by_hand():
    # mean 4, deviations -3 -1 1 3, variance 20 / 3
    x = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]]])
    z = torch.tensor([[[[-3.0, -1.0], [1.0, 3.0]]]]) / (20 / 3) ** 0.5
    torch.testing.assert_close(spread_out(x), 10 * z - 5)


def test_the_gates_normalisation_survives_a_flat_map():
    assert torch.equal(spread_out(torch.full((1, 2, 3, 3), 7.0)), torch.full((1, 2, 3, 3), -5.0))


def test_a_closed_gate_passes_the_input_and_an_open_one_the_fused_branches():
    block = AOTBlock(4, (1, 2))
    x = torch.rand(1, 4, 6, 6)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        block.fuse[1].bias.fill_(9.0)
        closed = torch.sigmoid(torch.tensor(-5.0))  # a flat gate map is normalised to -5
        torch.testing.assert_close(block(x), x * (1 - closed) + 9 * closed)


def test_every_branch_sees_its_own_dilation():
    block = AOTBlock(8, (1, 3))
    x = torch.zeros(1, 8, 9, 9)
    x[..., 4, 4] = 1.0
    with torch.no_grad():
        for rate, name in ((1, "block00"), (3, "block01")):
            branch = block.get_submodule(name)
            branch[1].weight.fill_(1.0)
            branch[1].bias.zero_()
            seen = branch(x)[0, 0].nonzero().tolist()
            assert seen == [[4 + rate * i, 4 + rate * j] for i in (-1, 0, 1) for j in (-1, 0, 1)]


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
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-4)


def test_every_parameter_learns(batch):
    torch.manual_seed(0)
    network = AOTGAN(**TINY)
    (picture,) = network.stages(*batch)
    picture.square().mean().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # What is constant over the picture is taken out again by the gate's normalisation.
        if not key.endswith("gate.1.bias"):
            assert parameter.grad.any(), key


@pytest.mark.parametrize("rates", [(1,), (1, 2), (1, 2, 4, 8)])
def test_the_least_size_goes_and_a_smaller_one_does_not(rates):
    network = AOTGAN(width=4, rates=rates, block_num=1).eval()
    side = network.least
    assert network(torch.zeros(1, 3, side, side), torch.zeros(1, 1, side, side)).isfinite().all()
    side -= network.multiple
    with pytest.raises(RuntimeError, match="Padding size"):
        network(torch.zeros(1, 3, side, side), torch.zeros(1, 1, side, side))


def test_bfloat16_autocast_still_gives_float32_pictures(tiny, batch):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        picture = tiny.complete(*batch)
    assert picture.dtype == torch.float32
    torch.testing.assert_close(picture, tiny.complete(*batch), rtol=0, atol=0.1)
    assert len(picture.unique()) > picture.numel() // 2  # bfloat16 alone would leave 128 or so


def test_channels_that_cannot_be_shared_are_refused():
    with pytest.raises(ValueError, match="16 channels cannot be shared by 3"):
        AOTGAN(width=4, rates=(1, 2, 4))
    with pytest.raises(ValueError, match="cannot be shared by 0"):
        AOTGAN(width=4, rates=())


def test_the_published_configuration_is_read_from_the_shapes():
    with torch.device("meta"):
        shapes = shapes_of(AOTGAN())
    assert config_of(shapes) == {"width": 64, "rates": (1, 2, 4, 8), "block_num": 8}


@settings(max_examples=20, deadline=None)
@given(
    width=st.integers(1, 5).map(lambda n: 2 * n),
    branches=st.sampled_from([1, 2, 4, 8]),
    block_num=st.integers(1, 12),
)
def test_any_configuration_is_read_from_the_shapes(width, branches, block_num):
    config = {
        "width": width,
        "rates": tuple(2**i for i in range(branches)),
        "block_num": block_num,
    }
    with torch.device("meta"):
        assert config_of(shapes_of(AOTGAN(**config))) == config


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"model.1.ffc.convl2l.weight": (64, 4, 7, 7)},
        {"encoder.1.weight": (64, 4, 7, 7), "middle.0.conv_block.1.weight_orig": (256, 256, 3, 3)},
    ],
)
def test_other_networks_are_not_taken_for_this_one(shapes):
    assert config_of(shapes) is None
