import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.networks.gated import GatedConv, GatedUpsample, PictureConv, adopt, run, same_padding


@pytest.mark.parametrize(
    ("axis", "zeros"),
    [
        ((8, 3, 1), (1, 1)),
        ((8, 5, 1), (2, 2)),
        ((8, 3, 2), (0, 1)),  # the trap: symmetric padding would be (1, 1)
        ((7, 3, 2), (1, 1)),
        ((8, 5, 2), (1, 2)),
        ((8, 3, 1, 16), (16, 16)),
        ((5, 1, 2), (0, 0)),
    ],
)
def test_zeros_lie_where_tensorflow_puts_them(axis, zeros):
    assert same_padding(*axis) == zeros


@given(st.integers(1, 99), st.integers(1, 7), st.integers(1, 4), st.integers(1, 16))
def test_same_padding_leaves_one_place_per_stride(size, kernel, stride, dilation):
    before, after = same_padding(size, kernel, stride, dilation)
    extent = (kernel - 1) * dilation + 1
    assert (size + before + after - extent) // stride + 1 == math.ceil(size / stride)
    assert before <= after <= before + 1


def pointwise(feature, gate, **options):
    """A layer whose features are ``feature * x`` and whose gates are ``gate * x``."""
    layer = GatedConv(1, 1, 1, **options)
    layer.conv.weight.data = torch.tensor([feature, gate]).reshape(2, 1, 1, 1)
    return layer


def test_features_are_activated_and_weighted_by_the_gate():
    x = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 1, 1, 3)
    got = pointwise(2.0, 3.0)(x).flatten()
    sigmoid = [1 / (1 + math.exp(-3 * value)) for value in (-1, 0, 1)]
    torch.testing.assert_close(
        got, torch.tensor([(math.exp(-2) - 1) * sigmoid[0], 0.0, 2 * sigmoid[2]])
    )


def test_the_activation_can_be_relu():
    x = torch.tensor([-1.0, 1.0]).reshape(1, 1, 1, 2)
    assert pointwise(2.0, 0.0, activation="relu")(x).flatten().tolist() == [0.0, 1.0]


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="'tanh'"):
        GatedConv(1, 1, activation="tanh")


@pytest.mark.parametrize(("same", "centres"), [(False, [0, 2, 4]), (True, [1, 3, 5])])
def test_a_strided_layer_looks_where_its_framework_does(same, centres):
    layer = GatedConv(1, 1, 3, stride=2, same=same)
    nn.init.zeros_(layer.conv.weight)
    layer.conv.weight.data[0, 0, 1, 1] = 1  # what lies under the kernel's middle; gates at a half
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    assert torch.equal(layer(x)[0, 0], x[0, 0][centres][:, centres] / 2)


@given(st.integers(3, 20), st.integers(3, 20), st.sampled_from([1, 2, 4]))
@settings(max_examples=20, deadline=None)
def test_without_a_stride_both_paddings_are_one(height, width, dilation):
    one, other = (GatedConv(2, 2, 3, dilation=dilation, same=same) for same in (False, True))
    other.load_state_dict(one.state_dict())
    x = torch.rand(1, 2, height, width)
    assert torch.equal(one(x), other(x))
    assert one(x).shape == x.shape


def test_same_padding_equals_a_convolution_over_explicit_zeros():
    layer = GatedConv(3, 4, 3, stride=2, same=True)
    x = torch.rand(2, 3, 8, 6)
    features, gate = F.conv2d(
        F.pad(x, (0, 1, 0, 1)), layer.conv.weight, layer.conv.bias, stride=2
    ).split(4, dim=1)
    torch.testing.assert_close(layer(x), F.elu(features) * torch.sigmoid(gate))


def test_upsampling_repeats_pixels_before_it_convolves():
    layer = GatedUpsample(1, 1)
    nn.init.zeros_(layer.conv.conv.weight)
    layer.conv.conv.weight.data[0, 0, 1, 1] = 2
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    assert torch.equal(layer(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_the_picture_is_made_in_float32_under_autocast():
    layer = PictureConv(4, 3)
    x = torch.randn(1, 4, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        got = layer(x)
    assert got.dtype == torch.float32
    assert torch.equal(got, torch.tanh(layer.conv(x)))


def test_layers_start_without_bias_and_with_the_variance_of_their_outputs():
    torch.manual_seed(0)
    layer = GatedConv(32, 64, 3)
    assert not layer.conv.bias.any()
    wanted = math.sqrt(2 / (128 * 9))  # He et al., ICCV 2015, over the fan out
    assert abs(float(layer.conv.weight.detach().std()) / wanted - 1) < 0.02


def test_adopted_layers_keep_their_names_and_run_in_the_order_given():
    owner = nn.Module()
    names = adopt(owner, {"halve": pointwise(0.5, 0.0), "shrink": PictureConv(1, 1)})
    assert names == ("halve", "shrink")
    assert set(owner.state_dict()) == {
        f"{name}.conv.{part}" for name in names for part in ("weight", "bias")
    }
    x = torch.rand(1, 1, 4, 4)
    assert torch.equal(run(owner, names, x), owner.shrink(owner.halve(x)))
    assert run(owner, (), x) is x
