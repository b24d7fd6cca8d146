"""The completion network in BigGAN's manner, and its judge."""

from itertools import pairwise

import pytest
import torch
from torch import nn

import models
from models.cards import InpainterCard
from models.critics.biggan import ProjectionDiscriminator
from models.device import one_thread
from models.networks.biggan import CLASSES, BigGAN, OfClass, config_of, inpainter
from models.networks.biggan_blocks import DownBlock, bound_spectrum, fold_spectrum, start_orthogonal
from models.networks.conditional_norm import ConditionalNorm, class_vectors
from models.prefill import prefill

TINY = {
    "width": 8,
    "n_down": 2,
    "n_middle": 1,
    "max_width": 16,
    "chunk": 3,
    "embedding": 4,
}


@pytest.fixture(autouse=True)
def _calm():
    """Tiny networks are quickest on one thread."""
    with one_thread():
        yield


def tiny(seed=0, **config):
    """A network whose layers all do something, as after training."""
    torch.manual_seed(seed)
    network = BigGAN(**TINY | config).eval()
    nn.init.normal_(network.head.weight, std=0.05)
    nn.init.constant_(network.attention.gain, 0.5)
    return network


def damaged(count=2, height=32, width=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(count, 1, height, width)
    mask[..., 8:20, 6:16] = 1
    return torch.rand(count, 3, height, width, generator=generator) * (1 - mask), mask


def drawn(network, count, seed=0):
    return torch.randn(count, network.latent, generator=torch.Generator().manual_seed(seed))


# the network


def test_untrained_it_fills_smoothly():
    network, (image, mask) = BigGAN(**TINY), damaged()
    filled = network.complete(image, mask, drawn(network, 2))
    assert torch.equal(filled, prefill(image, mask))


@pytest.mark.parametrize("size", [(16, 16), (16, 48), (36, 20)])
def test_any_multiple_of_its_stride_goes(size):
    network = tiny()
    assert network.multiple == 4
    assert network.least == 16
    assert network.complete(torch.rand(1, 3, *size), torch.ones(1, 1, *size)).shape == (1, 3, *size)


def test_the_random_vector_has_a_chunk_for_every_block():
    assert BigGAN(**TINY).latent == 3 * (1 + 2)
    with torch.device("meta"):
        assert BigGAN().latent == 120


def test_a_chunk_changes_its_own_block_and_those_above_it_only():
    network, (image, mask) = tiny(), damaged(1)
    seen = {}
    blocks = [*network.middle, *network.decoder]
    for number, block in enumerate(blocks):
        block.register_forward_hook(lambda _, __, out, number=number: seen.update({number: out}))

    def outputs(latent):
        network.complete(image, mask, latent)
        return dict(seen)

    plain = outputs(torch.zeros(1, network.latent))
    for chunk in range(len(blocks)):
        latent = torch.zeros(1, network.latent)
        latent[:, 3 * chunk : 3 * chunk + 3] = 1
        moved = outputs(latent)
        same = [torch.equal(plain[i], moved[i]) for i in range(len(blocks))]
        assert same == [i < chunk for i in range(len(blocks))]


def test_without_a_vector_it_gives_the_most_typical_completion():
    network, (image, mask) = tiny(), damaged()
    typical = network.complete(image, mask)
    assert torch.equal(typical, network.complete(image, mask, torch.zeros(2, network.latent)))
    assert torch.equal(typical, network.complete(image, mask, drawn(network, 2), truncation=0.0))


def test_truncation_trades_variety_for_fidelity():
    network, (image, mask) = tiny(), damaged(1)
    many, image, mask = 16, image.expand(16, -1, -1, -1), mask.expand(16, -1, -1, -1)
    latent = drawn(network, many)
    with torch.no_grad():
        spread = [
            float(network.complete(image, mask, latent, t).std(dim=0)[:, mask[0, 0] > 0].mean())
            for t in (1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0.0)
        ]
    assert all(wider > narrower for wider, narrower in pairwise(spread))
    assert spread[0] > 1e-3
    assert spread[-1] < 1e-7


def test_other_items_of_the_batch_do_not_matter():
    network, (image, mask) = tiny().train(), damaged(3)
    latent = drawn(network, 3)
    together = network.complete(image, mask, latent)
    alone = network.complete(image[1:2], mask[1:2], latent[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-5, atol=1e-5)
    assert not list(network.buffers())  # nothing is remembered from one batch to the next


def test_the_hole_learns_from_everywhere():
    network, (image, mask) = tiny(), damaged(1, 64, 64)
    image.requires_grad_()
    (slope,) = torch.autograd.grad(network.complete(image, mask)[..., 12, 10].sum(), image)
    assert float(slope[..., -4:, -4:].abs().max()) > 0


def test_it_can_be_trained_through_its_picture_its_vector_and_all_its_weights():
    network, (image, mask) = tiny(), damaged()
    latent = drawn(network, 2).requires_grad_()
    label = torch.tensor([1, -1])
    network.stages(image, mask, latent, 0.8, label)[-1].square().sum().backward()
    assert bool(latent.grad.abs().sum(0).all())
    lazy = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert lazy == []


def test_thirty_steps_on_one_picture_bring_it_nearer():
    torch.manual_seed(0)
    network = BigGAN(**TINY).bounded()
    ramp = torch.linspace(0, 12, 32)
    target = (0.5 + 0.4 * torch.sin(ramp + ramp[:, None])).expand(1, 3, 32, 32)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    losses = []
    for _ in range(30):
        filled = network.complete(target * (1 - mask), mask)
        loss = ((filled - target).abs() * mask).sum() / mask.sum() / 3
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    assert all(bool(p.isfinite().all()) for p in network.parameters())


def test_in_bfloat16_the_picture_keeps_more_levels_than_eight_bits():
    network = tiny()
    row = torch.linspace(0.2, 0.8, 64)
    image = (row + 0.05 * row[:, None]).expand(1, 3, 64, 64)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 8:56, 8:56] = 1
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        quick = network.complete(image * (1 - mask), mask, drawn(network, 1))
    assert quick.dtype == torch.float32
    assert quick[0, 0].unique().numel() > 1000
    with torch.no_grad():
        plain = network.complete(image * (1 - mask), mask, drawn(network, 1))
    assert float((quick - plain).abs().max()) < 0.05


# kinds of object


def test_an_unknown_kind_is_the_mean_of_all():
    table = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    mean, first, last = [2.0, 4.0], [1.0, 2.0], [3.0, 6.0]
    assert class_vectors(table, None, 2).tolist() == [mean, mean]
    assert class_vectors(table, torch.tensor([1, -1, 0]), 3).tolist() == [last, mean, first]


def test_the_kind_of_object_changes_the_manner():
    network, (image, mask) = tiny(), damaged()
    unknown = network.stages(image, mask)[-1]
    mural = network.stages(image, mask, label="mural")[-1]
    assert not torch.allclose(unknown, mural, atol=1e-4)
    by_number = network.stages(image, mask, label=torch.tensor([1, -1]))[-1]
    torch.testing.assert_close(by_number[0], mural[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(by_number[1], unknown[1], rtol=1e-5, atol=1e-5)


def test_a_kind_that_is_not_known_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'fresco'.*painting, mural"):
        tiny().stages(*damaged(), label="fresco")


def test_a_card_may_fix_the_kind():
    network, (image, mask) = tiny(), damaged(1)
    known = OfClass(network, "print")
    assert (known.multiple, known.least, known.latent) == (4, 16, network.latent)
    expected = network.stages(image, mask, label="print")[-1]
    assert torch.equal(known.complete(image, mask), expected)

    def filled(**details):
        card = InpainterCard("x", "gan", "test", details=details)
        return inpainter(network, card, "cpu", "float32")(image, mask.bool(), truncation=0.0)

    inside = mask.expand_as(image) > 0
    torch.testing.assert_close(
        filled(**{"class": "print"})[inside], expected.detach().clamp(0, 1)[inside]
    )
    assert not torch.equal(filled(**{"class": "print"}), filled())


def test_a_card_with_a_kind_the_network_does_not_know_is_refused():
    card = InpainterCard("x", "gan", "test", details={"class": "fresco"})
    with pytest.raises(models.WeightsRefused, match=r"x: .*'fresco'.*manuscript"):
        inpainter(tiny(), card, "cpu")


def test_alternatives_come_through_the_common_call():
    image, mask = damaged(1, 21, 30)
    call = inpainter(tiny(), InpainterCard("x", "gan", "test"), "cpu")
    several = call(image, mask, proposals=3)
    assert several.shape == (3, 1, 3, 21, 30)
    assert not torch.equal(several[0], several[1])


# conditional normalisation


def test_gains_and_biases_are_linear_in_the_condition():
    norm = ConditionalNorm(2, 2)
    with torch.no_grad():
        norm.gain.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        norm.bias.weight.copy_(torch.tensor([[0.0, 3.0], [0.5, 0.0]]))
        norm.gain.bias.zero_()
        norm.bias.bias.zero_()
    # one group of mean 2 and variance 5: values -3 / sqrt 5, -1 / sqrt 5, 1 / sqrt 5, 3 / sqrt 5
    x = torch.tensor([[[[-1.0, 1.0]], [[3.0, 5.0]]]])
    out = norm(x, torch.tensor([[2.0, -1.0]]))
    s = 5**-0.5
    first = [-3 * s * 3 - 3, -1 * s * 3 - 3]  # gain 1 + 2, bias -3
    second = [1 * s * -1 + 1, 3 * s * -1 + 1]  # gain 1 - 2, bias 1
    torch.testing.assert_close(out, torch.tensor([[[first], [second]]]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "groups"), [(8, 1), (64, 8), (12, 1)])
def test_channels_are_normalised_in_eights(channels, groups):
    assert ConditionalNorm(channels, 3).groups == groups


# weights


def test_it_starts_with_orthogonal_weights_and_a_silent_head():
    network = BigGAN(**TINY)
    assert not network.head.weight.any()
    rows = network.encoder[1].conv2.weight.detach().flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(16), rtol=1e-4, atol=1e-5)


def test_orthogonal_weights_are_not_changed_by_the_bound():
    network = tiny()
    latent = drawn(network, 2)
    before = network.complete(*damaged(), latent)
    after = network.bounded().complete(*damaged(), latent)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_bounded_weights_have_singular_values_up_to_one():
    layer = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Linear(5, 3), nn.Embedding(4, 3))
    spared = nn.Conv2d(2, 2, 1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(7)
    layer.append(spared)
    bound_spectrum(layer, spare=(spared,))
    for part in layer[:3]:
        for _ in range(100):
            weight = part.weight.detach().flatten(1)
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-3)
    assert set(spared.state_dict()) == {"weight", "bias"}


def test_folded_weights_are_plain_and_compute_the_same():
    network = tiny().bounded().train()
    for step in range(2):  # away from the orthogonal start, where the bound does nothing
        network.complete(*damaged(seed=step)).square().sum().backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(parameter.grad, alpha=-1e-3)
    network.eval()
    expected = network.complete(*damaged(), drawn(network, 2))
    folded = network.folded()
    torch.testing.assert_close(folded.complete(*damaged(), drawn(network, 2)), expected)
    fresh = BigGAN(**TINY).eval()
    fresh.load_state_dict(folded.state_dict(), strict=True)
    torch.testing.assert_close(fresh.complete(*damaged(), drawn(network, 2)), expected)
    assert any("parametrizations" in key for key in network.state_dict())  # goes on training


def test_folding_a_plain_network_changes_nothing():
    network = tiny()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fold_spectrum(network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    "config",
    [
        {},
        TINY,
        {"width": 8, "n_down": 1, "n_middle": 0, "chunk": 1, "embedding": 2, "classes": ("a", "b")},
        {"width": 12, "n_down": 3, "max_width": 24, "n_middle": 3},
    ],
)
def test_its_shapes_tell_how_to_build_it_again(config):
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in BigGAN(**config).state_dict().items()}
        found = config_of(shapes)
        assert {k: tuple(v.shape) for k, v in BigGAN(**found).state_dict().items()} == shapes
    for name in ("width", "n_down", "n_middle", "chunk", "embedding"):
        assert found[name] == config.get(name, found[name])
    assert len(found["classes"]) == len(config.get("classes", CLASSES))


def test_weights_of_another_network_are_not_taken_for_its_own():
    lama = models.create("lama", ngf=8, n_downsampling=2, n_blocks=1)
    assert config_of({k: tuple(v.shape) for k, v in lama.state_dict().items()}) is None
    judge = ProjectionDiscriminator(8, 2)
    assert config_of({k: tuple(v.shape) for k, v in judge.state_dict().items()}) is None


# the discriminator


def judge(seed=0, **config):
    torch.manual_seed(seed)
    return ProjectionDiscriminator(**{"width": 8, "n_down": 2, "classes": 3} | config)


@pytest.mark.parametrize("size", [(8, 8), (32, 20)])
def test_every_patch_is_judged(size):
    logits, maps = judge()(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, size[0] // 4, size[1] // 4)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (8, size[0] // 2, size[1] // 2),
        (16, size[0] // 4, size[1] // 4),
    ]


def test_the_kind_of_object_enters_by_projection():
    network, image = judge().eval(), torch.rand(2, 3, 16, 16)
    label = torch.tensor([2, 0])
    logits, maps = network(image, None, label)
    features = torch.relu(maps[-1])
    pooled = features.mean((2, 3))
    projection = (network.embedding.weight[label] * pooled).sum(1)
    expected = (
        network.local(features) + (network.whole(pooled)[:, 0] + projection)[:, None, None, None]
    )
    torch.testing.assert_close(logits, expected)
    other, _ = network(image, None, torch.tensor([2, 1]))
    difference = (other - logits).detach()
    assert not difference[0].any()
    assert float(difference[1].std()) < 1e-6 < float(difference[1].abs().min())


def test_of_an_unknown_kind_the_mean_judges():
    network, image = judge().eval(), torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        unknown = network(image)[0]
        each = [network(image, None, torch.tensor([kind]))[0] for kind in range(3)]
    torch.testing.assert_close(unknown, torch.stack(each).mean(0), rtol=1e-4, atol=1e-5)


def test_the_mask_is_seen():
    network, image = judge().eval(), torch.rand(1, 3, 16, 16)
    bare = network(image)[0]
    assert torch.equal(bare, network(image, torch.zeros(1, 1, 16, 16))[0])
    assert not torch.allclose(bare, network(image, torch.ones(1, 1, 16, 16))[0], atol=1e-4)


def test_the_judge_does_not_compare_items_of_a_batch():
    network, image = judge().eval(), torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(network(image)[0][2:], network(image[2:])[0], rtol=1e-4, atol=1e-5)


def test_every_layer_of_the_judge_is_bounded():
    network = judge(n_down=3)
    nn.init.constant_(network.attention.gain, 1.0)
    plain = [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.Embedding))
        and not hasattr(layer, "parametrizations")
    ]
    assert plain == []


def test_the_judge_has_the_gradient_penalty_that_training_asks_for():
    network = judge()
    nn.init.constant_(network.attention.gain, 1.0)
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    logits, _ = network(image, None, torch.tensor([0, -1]))
    (slope,) = torch.autograd.grad(logits.sum(), image, create_graph=True)
    slope.square().sum().backward()
    assert float(network.attention.gain.grad.abs()) > 0


def test_the_judge_learns_to_tell_noise_from_a_smooth_picture():
    network = judge()
    ramp = torch.linspace(0, 1, 16).expand(4, 3, 16, 16)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        noise = torch.rand(4, 3, 16, 16, generator=generator)
        loss = torch.relu(1 - network(ramp)[0]).mean() + torch.relu(1 + network(noise)[0]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 1


def test_a_down_block_is_pooled_convolutions_around_a_pooled_shortcut():
    block = DownBlock(2, 2)
    with torch.no_grad():
        for conv in (block.conv1, block.conv2, block.shortcut):
            nn.init.dirac_(conv.weight)
            conv.bias.zero_()
    x = torch.tensor([1.0, -3.0, 5.0, 1.0]).reshape(1, 1, 2, 2).expand(1, 2, 2, 2)
    # branch: mean of the positive parts, 7 / 4; shortcut: mean of all, 4 / 4
    torch.testing.assert_close(block(x), torch.full((1, 2, 1, 1), 2.75))


def test_orthogonal_weights_come_without_bias():
    layer = nn.Conv2d(4, 4, 1)
    start_orthogonal(layer)
    assert not layer.bias.any()
    square = layer.weight.detach().flatten(1)
    torch.testing.assert_close(square @ square.T, torch.eye(4), rtol=1e-4, atol=1e-5)
