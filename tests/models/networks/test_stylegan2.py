import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from models.critics.stylegan2 import StyleGAN2Discriminator, minibatch_deviation
from models.networks.stylegan2 import Conv, Dense, Mapping, activate, path_length_penalty
from models.networks.stylegan2_filter import downsampled, filtered, fir, upsampled
from models.networks.stylegan2_modulation import StyledConv, ToRGB, modulated_convolution

TAPS = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
LOPSIDED = torch.arange(16.0).reshape(4, 4)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def enlarged_by_hand(picture):
    """Zeros between the pixels, none after the last."""
    wide = np.zeros((2 * picture.shape[0] - 1, 2 * picture.shape[1] - 1))
    wide[::2, ::2] = picture
    return wide


def scaled_weights(weight, style, demodulate):
    scaled = weight * style[None, :, None, None]
    if demodulate:
        scaled = scaled / scaled.square().sum((1, 2, 3), keepdim=True).sqrt()
    return scaled


@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("side", [1, 3])
@given(batch=st.integers(1, 4), ins=st.integers(1, 5), outs=st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_modulation_is_a_plain_convolution_with_scaled_weights_for_every_picture(
    demodulate, side, batch, ins, outs
):
    x, style = torch.randn(batch, ins, 6, 5), torch.rand(batch, ins) + 0.5
    weight = torch.randn(outs, ins, side, side)
    expected = [
        F.conv2d(x[i : i + 1], scaled_weights(weight, style[i], demodulate), padding=side // 2)
        for i in range(batch)
    ]
    got = modulated_convolution(x, weight, style, demodulate)
    torch.testing.assert_close(got, torch.cat(expected), atol=2e-5, rtol=1e-4)


def test_an_enlarging_modulated_convolution_is_zeros_between_weights_then_filter():
    x, weight, style = torch.randn(2, 2, 5, 4), torch.randn(3, 2, 3, 3), torch.rand(2, 2) + 0.5
    got = modulated_convolution(x, weight, style, kernel=fir())
    assert got.shape == (2, 3, 10, 8)
    for i in range(2):
        scaled = scaled_weights(weight, style[i], True).numpy()
        for o in range(3):
            wide = sum(
                signal.convolve2d(enlarged_by_hand(x[i, c].numpy()), scaled[o, c]) for c in range(2)
            )
            expected = signal.convolve2d(np.pad(wide, 1), 4 * TAPS, mode="valid")
            np.testing.assert_allclose(got[i, o].numpy(), expected, atol=2e-5)


def test_demodulated_outputs_have_unit_variance():
    x, weight = torch.randn(4, 32, 48, 48), torch.randn(16, 32, 3, 3)
    y = modulated_convolution(x, weight, 100 * torch.rand(4, 32) + 1)
    assert float(y[..., 1:-1, 1:-1].var()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kernel", [None, fir()], ids=["same size", "enlarged"])
def test_demodulation_undoes_the_length_of_a_style(kernel):
    x, weight, style = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3), torch.rand(2, 3) + 0.5
    once = modulated_convolution(x, weight, style, kernel=kernel)
    torch.testing.assert_close(modulated_convolution(x, weight, 50 * style, kernel=kernel), once)


def test_dead_styles_and_dead_filters_give_zeros_not_nonsense():
    x, weight = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 3, 3)
    weight[0] = 0
    style = torch.tensor([[0.0, 0, 0], [1, 1, 1]])
    y = modulated_convolution(x, weight, style)
    assert not y[0].any()
    assert not y[1, 0].any()
    assert y[1, 1].any()


def test_pictures_of_a_batch_do_not_mix():
    x, weight, style = torch.randn(3, 4, 6, 6), torch.randn(5, 4, 3, 3), torch.randn(3, 4)
    style[2] *= 1e3
    together = modulated_convolution(x, weight, style)
    alone = torch.cat(
        [modulated_convolution(x[i : i + 1], weight, style[i : i + 1]) for i in range(3)]
    )
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)


def test_modulation_can_be_differentiated_twice():
    x, weight = torch.randn(1, 2, 2, 2), torch.randn(1, 2, 3, 3)
    style = torch.rand(1, 2) + 0.5
    inputs = [each.double().requires_grad_() for each in (x, weight, style)]
    kernel = fir().double()
    assert torch.autograd.gradgradcheck(
        lambda a, b, c: modulated_convolution(a, b, c, kernel=kernel), inputs, fast_mode=True
    )


def test_the_filter_is_binomial_with_sum_1():
    np.testing.assert_allclose(fir().numpy(), TAPS, atol=1e-7)
    assert float(fir((1.0, 2.0, 1.0)).sum()) == pytest.approx(1)


@given(
    height=st.integers(2, 7), width=st.integers(2, 7), before=st.integers(0, 3), stride=st.just(2)
)
@settings(max_examples=20, deadline=None)
def test_filtering_is_convolution_of_every_channel(height, width, before, stride):
    x = torch.randn(2, 3, height, width)
    got = filtered(x, LOPSIDED, (before, 3), stride, gain=0.5).numpy()
    for i, c in np.ndindex(2, 3):
        padded = np.pad(x[i, c].numpy(), (before, 3))
        expected = 0.5 * signal.convolve2d(padded, LOPSIDED.numpy(), mode="valid")
        np.testing.assert_allclose(got[i, c], expected[::stride, ::stride], atol=1e-4)


def test_upsampling_is_zeros_between_then_filter_at_gain_4():
    x = torch.randn(1, 2, 5, 3)
    got = upsampled(x, LOPSIDED).numpy()
    assert got.shape == (1, 2, 10, 6)
    for c in range(2):
        wide = np.zeros((10, 6))
        wide[::2, ::2] = x[0, c].numpy()
        full = signal.convolve2d(wide, 4 * LOPSIDED.numpy())
        np.testing.assert_allclose(got[0, c], full[1:11, 1:7], atol=1e-4)


def test_a_flat_picture_stays_flat_when_resized():
    flat = torch.full((1, 1, 8, 8), 0.7)
    torch.testing.assert_close(
        upsampled(flat, fir())[..., 2:-2, 2:-2], torch.full((1, 1, 12, 12), 0.7)
    )
    torch.testing.assert_close(
        downsampled(flat, fir())[..., 1:-1, 1:-1], torch.full((1, 1, 2, 2), 0.7)
    )


def test_halving_a_1x1_convolution_equals_halving_its_outcome():
    conv = Conv(2, 3, 1, down=True, active=False)
    x = torch.randn(1, 2, 8, 8)
    whole = F.conv2d(x, conv.weight / math.sqrt(2))
    torch.testing.assert_close(conv(x, gain=0.5), 0.5 * downsampled(whole, fir()))


def test_a_halving_3x3_convolution_keeps_every_second_pixel_of_the_filtered_map():
    conv = Conv(1, 1, 3, down=True)
    torch.nn.init.constant_(conv.bias, 0.3)
    x = torch.randn(1, 1, 8, 6)
    got = conv(x)
    soft = signal.convolve2d(np.pad(x[0, 0].numpy(), 2), TAPS, mode="valid")
    weight = conv.weight[0, 0].detach().numpy() / 3
    y = signal.correlate2d(soft, weight, mode="valid")[::2, ::2] + 0.3
    expected = np.where(y > 0, y, 0.2 * y) * math.sqrt(2)
    np.testing.assert_allclose(got[0, 0].detach().numpy(), expected, atol=1e-5)


def test_activation_is_scaled_and_clamped():
    x = torch.tensor([-10.0, -1, 0, 1, 10])
    root = math.sqrt(2)
    expected = torch.tensor([-2 * root, -0.2 * root, 0, root, 3])
    torch.testing.assert_close(activate(x, clamp=3.0), expected)
    torch.testing.assert_close(activate(x, clamp=3.0, gain=0.5), expected / 2)
    assert float(activate(x, clamp=None)[-1]) == pytest.approx(10 * root)


def test_a_dense_layer_scales_its_weights_by_fan_in_and_rate():
    dense = Dense(4, 1, bias=50.0, rate=0.01)
    torch.nn.init.constant_(dense.weight, 100.0)
    # 100 * 0.01 / sqrt(4) * (1 + 2 + 3 + 4) + 50 * 0.01
    assert dense(torch.tensor([[1.0, 2, 3, 4]])).item() == pytest.approx(5.5)


def test_noise_of_no_strength_is_no_noise():
    layer = StyledConv(3, 4, 5, 8)
    x, w = torch.randn(2, 3, 8, 8), torch.randn(2, 5)
    assert torch.equal(layer(x, w, "const"), layer(x, w, "none"))
    assert torch.equal(layer(x, w, "random"), layer(x, w, "none"))


def test_stored_noise_repeats_and_drawn_noise_does_not():
    layer = StyledConv(3, 4, 5, 8)
    torch.nn.init.constant_(layer.noise_strength, 0.5)
    x, w = torch.zeros(2, 3, 8, 8), torch.randn(2, 5)
    expected = activate(0.5 * layer.noise_const.expand(2, 4, 8, 8), None)
    torch.testing.assert_close(layer(x, w, "const"), expected)
    one, two = layer(x, w, "random"), layer(x, w, "random")
    assert not torch.equal(one, two)
    assert not torch.equal(one[0], one[1])


def test_a_picture_layer_is_a_weighted_sum_without_demodulation():
    layer = ToRGB(4, 3, 5)
    torch.nn.init.zeros_(layer.affine.weight)
    torch.nn.init.constant_(layer.affine.bias, 2.0)
    x = torch.randn(2, 4, 3, 3)
    expected = torch.einsum("oi,bihw->bohw", layer.weight[:, :, 0, 0], 2 * x) / 2
    torch.testing.assert_close(layer(x, torch.randn(2, 5)), expected)


def test_the_mapping_ignores_the_length_of_z():
    mapping = Mapping(6, 8, 3).eval()
    z = torch.randn(4, 6)
    torch.testing.assert_close(mapping(z), mapping(25 * z))
    assert not torch.allclose(mapping(z), mapping(-z))


def test_truncation_leads_to_the_average_of_w():
    mapping = Mapping(6, 8, 3).eval()
    mapping.w_avg.copy_(torch.randn(8))
    z = torch.randn(4, 6)
    w = mapping(z)
    torch.testing.assert_close(mapping(z, 0.0), mapping.w_avg.expand(4, 8))
    torch.testing.assert_close(mapping(z, 0.25), 0.75 * mapping.w_avg + 0.25 * w)
    assert torch.equal(mapping(z, 1.0), w)


def test_the_average_of_w_follows_in_training_only():
    mapping = Mapping(6, 8, 2, beta=0.9)
    z = torch.randn(4, 6)
    w = mapping(z)
    torch.testing.assert_close(mapping.w_avg, 0.1 * w.detach().mean(0))
    before = mapping.w_avg.clone()
    mapping.eval()(z)
    assert torch.equal(mapping.w_avg, before)


def test_path_lengths_of_a_linear_painter_are_those_of_its_matrix():
    matrix = torch.randn(12, 5, requires_grad=True)  # 3 channels of 2x2 pixels
    w = torch.randn(2, 5, requires_grad=True)
    noise = torch.randn(2, 3, 2, 2)
    image = (w @ matrix.t()).reshape(2, 3, 2, 2)
    penalty, average = path_length_penalty(image, w, torch.tensor(3.0), noise, decay=0.25)
    lengths = (noise.flatten(1) @ matrix).norm(dim=1) / 2  # sqrt(4 pixels)
    expected = 0.75 * 3 + 0.25 * float(lengths.detach().mean())
    assert float(average) == pytest.approx(expected, rel=1e-5)
    assert penalty.item() == pytest.approx(
        float((lengths.detach() - expected).square().mean()), rel=1e-4
    )
    assert not average.requires_grad
    penalty.backward()
    assert matrix.grad is not None
    assert matrix.grad.any()


def test_path_lengths_average_over_layers():
    w = torch.zeros(1, 2, 1, requires_grad=True)
    image = torch.ones(1, 3, 1, 1) * (3 * w[:, 0] + 4 * w[:, 1])[..., None, None]
    noise = torch.zeros(1, 3, 1, 1)
    noise[0, 0] = 1.0
    penalty, _ = path_length_penalty(image, w, torch.tensor(0.0), noise, decay=0.0)
    assert penalty.item() == pytest.approx((9 + 16) / 2)


def test_minibatch_deviation_of_two_pictures_is_half_their_distance():
    x = torch.zeros(2, 2, 2, 2)
    x[1, 0], x[1, 1] = 4.0, 2.0
    y = minibatch_deviation(x)
    assert y.shape == (2, 3, 2, 2)
    torch.testing.assert_close(y[:, 2], torch.full((2, 2, 2), (2.0 + 1.0) / 2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("batch", [1, 3, 4, 6])
def test_the_discriminator_judges_batches_of_any_size(batch):
    network = StyleGAN2Discriminator(16, channel_base=64, channel_max=8)
    assert network(torch.randn(batch, 4, 16, 16)).shape == (batch, 1)


def test_pictures_are_compared_within_their_group_only():
    x = torch.randn(8, 2, 2, 2)
    expected = minibatch_deviation(torch.stack([x[0], x[2], x[4], x[6]]))[0, -1]
    torch.testing.assert_close(minibatch_deviation(x)[0, -1], expected)


def test_the_discriminator_has_the_published_names():
    state = StyleGAN2Discriminator(8, channel_base=64, channel_max=8).state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == {
        "b8.resample_filter": (4, 4),
        "b8.fromrgb.weight": (8, 4, 1, 1),
        "b8.fromrgb.bias": (8,),
        "b8.conv0.weight": (8, 8, 3, 3),
        "b8.conv0.bias": (8,),
        "b8.conv1.weight": (8, 8, 3, 3),
        "b8.conv1.bias": (8,),
        "b8.conv1.resample_filter": (4, 4),
        "b8.skip.weight": (8, 8, 1, 1),
        "b8.skip.resample_filter": (4, 4),
        "b4.conv.weight": (8, 9, 3, 3),
        "b4.conv.bias": (8,),
        "b4.fc.weight": (8, 128),
        "b4.fc.bias": (8,),
        "b4.out.weight": (1, 8),
        "b4.out.bias": (1,),
    }


def test_the_discriminator_sees_the_mask_as_known_minus_a_half_before_the_picture():
    network = StyleGAN2Discriminator(8, channel_base=64, channel_max=8)
    image, mask = torch.rand(2, 3, 8, 8), (torch.rand(2, 1, 8, 8) > 0.5).float()
    seen = torch.cat([(1 - mask) - 0.5, image * 2 - 1], dim=1)
    torch.testing.assert_close(network.judge(image, mask), network(seen))


def test_r1_reaches_the_discriminators_weights():
    network = StyleGAN2Discriminator(8, channel_base=64, channel_max=8)
    real = torch.rand(2, 3, 8, 8, requires_grad=True)
    logits = network.judge(real, torch.zeros(2, 1, 8, 8))
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    gradient.square().sum().backward()
    assert network.b8.conv1.weight.grad.any()
    assert network.b8.skip.weight.grad.any()


@pytest.mark.parametrize("resolution", [4, 24])
def test_a_resolution_that_cannot_be_halved_down_to_4_is_refused(resolution):
    with pytest.raises(ValueError, match=f"not {resolution}"):
        StyleGAN2Discriminator(resolution)


def test_autocast_lowers_features_but_neither_filters_nor_demodulation():
    layer = StyledConv(3, 4, 5, 8, up=True)
    x, w = torch.randn(2, 3, 4, 4), torch.randn(2, 5)
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x.bfloat16(), w)
        raw = modulated_convolution(x.bfloat16(), layer.weight, layer.affine(w), kernel=fir())
        assert layer.affine(w).dtype == torch.float32
    assert low.dtype == torch.bfloat16
    assert raw.dtype == torch.float32
    torch.testing.assert_close(low.float(), layer(x, w), atol=0.05, rtol=0.05)
