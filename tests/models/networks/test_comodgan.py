import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks.comodgan import CoModGAN, config_of
from models.networks.comodgan_layout import converted
from models.networks.stylegan2 import path_length_penalty

TINY = {
    "resolution": 32,
    "channel_base": 128,
    "channel_max": 12,
    "z": 6,
    "w": 8,
    "vector": 10,
    "mapping_layers": 2,
}


def shapes_of(state):
    return {key: tuple(value.shape) for key, value in state.items()}


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    network = CoModGAN(**TINY).eval()
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):  # 0 at the start: noise would go unnoticed
            torch.nn.init.constant_(parameter, 0.3)
    network.mapping.w_avg.copy_(torch.randn(8))
    return network


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, :, 5:20, 4:15] = 1
    mask[1, :, 25:, :9] = 1
    return torch.rand(2, 3, 32, 32) * (1 - mask), mask, torch.randn(2, 6)


@pytest.mark.parametrize(
    ("resolution", "parameters", "tensors"), [(256, 79_177_378, 180), (512, 79_792_231, 204)]
)
def test_has_the_published_names_and_sizes(resolution, parameters, tensors):
    with torch.device("meta"):
        network = CoModGAN(resolution)
    shapes = shapes_of(network.state_dict())
    assert sum(each.numel() for each in network.parameters()) == parameters
    assert len(shapes) == tensors
    top = f"b{resolution}"
    width = 32768 // resolution
    expected = {
        "mapping.fc0.weight": (512, 512),
        "mapping.fc7.bias": (512,),
        "mapping.w_avg": (512,),
        f"encoder.{top}.resample_filter": (4, 4),
        f"encoder.{top}.fromrgb.weight": (width, 4, 1, 1),
        f"encoder.{top}.fromrgb.bias": (width,),
        f"encoder.{top}.conv0.weight": (width, width, 3, 3),
        f"encoder.{top}.conv1.weight": (2 * width, width, 3, 3),
        f"encoder.{top}.conv1.resample_filter": (4, 4),
        "encoder.b8.conv1.bias": (512,),
        "encoder.b4.conv.weight": (512, 512, 3, 3),
        "encoder.b4.fc.weight": (1024, 8192),
        "synthesis.b4.fc.weight": (8192, 1024),
        "synthesis.b4.conv.weight": (512, 512, 3, 3),
        "synthesis.b4.conv.resample_filter": (4, 4),
        "synthesis.b4.conv.affine.weight": (512, 1536),
        "synthesis.b4.conv.noise_const": (4, 4),
        "synthesis.b4.torgb.weight": (3, 512, 1, 1),
        "synthesis.b4.torgb.affine.bias": (512,),
        f"synthesis.{top}.resample_filter": (4, 4),
        f"synthesis.{top}.conv0.weight": (width, 2 * width, 3, 3),
        f"synthesis.{top}.conv0.resample_filter": (4, 4),
        f"synthesis.{top}.conv1.noise_const": (resolution, resolution),
        f"synthesis.{top}.conv1.noise_strength": (),
        f"synthesis.{top}.torgb.bias": (3,),
    }
    assert expected.items() <= shapes.items()
    assert f"synthesis.{top}.conv1.resample_filter" not in shapes
    assert "encoder.b8.fromrgb.weight" not in shapes


@given(
    levels=st.integers(3, 6),
    base=st.integers(64, 700),
    widest=st.integers(1, 9),
    layers=st.integers(1, 3),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
)
@settings(max_examples=20, deadline=None)
def test_the_arguments_are_told_from_the_shapes(levels, base, widest, layers, sizes):
    with torch.device("meta"):
        network = CoModGAN(2**levels, base, widest, *sizes, mapping_layers=layers)
        shapes = shapes_of(network.state_dict())
        config = config_of(shapes)
        assert config is not None
        assert shapes_of(CoModGAN(**config).state_dict()) == shapes
    assert config["resolution"] == 2**levels
    assert config["clamp"] == 256


def test_other_networks_are_not_taken_for_this_one(tiny):
    shapes = shapes_of(tiny.state_dict())
    assert config_of({}) is None
    assert config_of({k: s for k, s in shapes.items() if not k.startswith("mapping")}) is None
    assert config_of({k: s for k, s in shapes.items() if not k.startswith("encoder")}) is None


@pytest.mark.parametrize("resolution", [4, 96])
def test_a_resolution_that_cannot_be_halved_down_to_4_is_refused(resolution):
    with pytest.raises(ValueError, match=f"not {resolution}"):
        CoModGAN(resolution)


def test_says_what_a_caller_must_know(tiny):
    assert (tiny.side, tiny.multiple, tiny.least, tiny.latent) == (32, 32, 32, 6)


def test_stages_speak_to_the_published_forward_in_its_own_terms(tiny, batch):
    image, mask, z = batch
    known = mask == 0
    x = torch.cat([torch.where(known, 0.5, -0.5), torch.where(known, 2 * image - 1, 0.0)], dim=1)
    (picture,) = tiny.stages(image, mask, z, 0.6)
    torch.testing.assert_close(2 * picture - 1, tiny(x, z, 0.6, "const"))
    assert torch.equal(tiny.complete(image, mask, z, 0.6), picture)


def test_what_lies_under_the_mask_does_not_matter(tiny, batch):
    image, mask, z = batch
    other = torch.where(mask != 0, torch.rand_like(image), image)
    assert torch.equal(tiny.complete(image, mask, z), tiny.complete(other, mask, z))


def test_completion_repeats_itself_and_depends_on_what_is_known(tiny, batch):
    image, mask, z = batch
    once = tiny.complete(image, mask, z)
    assert torch.equal(once, tiny.complete(image, mask, z))
    assert not torch.allclose(once, tiny.complete(image.flip(1), mask, z), atol=1e-2)
    assert not torch.allclose(once, tiny.complete(image * (1 - mask.flip(0)), mask, z), atol=1e-2)


def test_pictures_of_a_batch_do_not_mix(tiny, batch):
    image, mask, z = batch
    together = tiny.complete(image, mask, z, 0.7)
    alone = [tiny.complete(image[i : i + 1], mask[i : i + 1], z[i : i + 1], 0.7) for i in range(2)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-4)


def test_other_random_vectors_give_other_proposals_until_truncation_makes_them_one(tiny, batch):
    image, mask, z = (each[:1].expand(3, *each.shape[1:]) for each in batch)
    z = torch.randn(3, 6)

    def spread(truncation):
        return tiny.complete(image, mask, z, truncation).std(0).mean().item()

    assert spread(1.0) > spread(0.5) > spread(0.1) > 1e-4
    assert spread(0.0) < 1e-5


def test_without_a_random_vector_the_average_is_taken(tiny, batch):
    image, mask, z = batch
    assert torch.equal(tiny.complete(image, mask), tiny.complete(image, mask, z, 0.0))


def test_stored_noise_matters_and_new_noise_differs(tiny, batch):
    image, mask, z = batch
    x = torch.cat([0.5 - mask, (2 * image - 1) * (1 - mask)], dim=1)
    kinds = [tiny(x, z, 1.0, kind) for kind in ("const", "none", "random", "random")]
    for i, one in enumerate(kinds):
        for two in kinds[:i]:
            assert not torch.allclose(one, two, atol=1e-3)


def test_training_draws_noise_drops_and_follows_the_average(tiny, batch):
    image, mask, z = batch
    before = tiny.mapping.w_avg.clone()
    tiny.train()
    assert not torch.equal(tiny.complete(image, mask, z), tiny.complete(image, mask, z))
    assert not torch.equal(tiny.mapping.w_avg, before)
    vectors = tiny.encoder(torch.randn(1, 4, 32, 32).expand(64, -1, -1, -1))[0]
    assert 0.4 < float((vectors == 0).float().mean()) < 0.6


def test_every_layer_may_have_a_style_of_its_own(tiny, batch):
    image, mask, z = batch
    vector, maps = tiny.encoder(torch.cat([0.5 - mask, 2 * image - 1], dim=1))
    w = tiny.mapping(z)
    assert tiny.synthesis.layers == 8  # as published: 16 at a resolution of 512
    each = w[:, None].repeat(1, 8, 1)
    one = tiny.synthesis(vector, maps, w)
    assert torch.equal(tiny.synthesis(vector, maps, each), one)
    for layer in range(8):
        mixed = each.clone()
        mixed[:, layer] = -w
        assert not torch.allclose(tiny.synthesis(vector, maps, mixed), one, atol=1e-4), layer


def test_the_encoders_maps_of_every_size_enter_the_picture(tiny, batch):
    image, mask, z = batch
    vector, maps = tiny.encoder(torch.cat([0.5 - mask, 2 * image - 1], dim=1))
    assert [each.shape[-1] for each in maps] == [4, 8, 16, 32]
    w = tiny.mapping(z)
    whole = tiny.synthesis(vector, maps, w)
    for i in range(4):
        fewer = [torch.zeros_like(each) if i == j else each for j, each in enumerate(maps)]
        assert not torch.allclose(tiny.synthesis(vector, fewer, w), whole, atol=1e-3), i


def test_every_parameter_learns(tiny, batch):
    image, mask, z = batch
    tiny.complete(image, mask, z).square().sum().backward()
    assert [name for name, each in tiny.named_parameters() if not each.grad.any()] == []


def test_path_lengths_reach_the_generator(tiny, batch):
    image, mask, z = batch
    vector, maps = tiny.encoder(torch.cat([0.5 - mask, 2 * image - 1], dim=1))
    w = tiny.mapping(z)
    picture = tiny.synthesis(vector, maps, w)
    noise = torch.randn_like(picture)
    penalty, average = path_length_penalty(picture, w, torch.tensor(0.0), noise)
    penalty.backward()
    assert float(average) > 0
    assert tiny.synthesis.b16.conv0.weight.grad.any()
    assert tiny.synthesis.b32.torgb.affine.weight.grad.any()


def test_autocast_gives_a_fine_picture_close_to_the_exact_one(tiny, batch):
    image, mask, z = batch
    exact = tiny.complete(image, mask, z)
    with torch.autocast("cpu", torch.bfloat16):
        picture = tiny.complete(image, mask, z)
    assert picture.dtype == torch.float32
    assert picture.unique().numel() > 0.9 * picture.numel()  # bfloat16 has 128 levels an octave
    assert 0 < (picture - exact).abs().mean().item() < 0.02 * exact.std().item()


def test_memory_layout_does_not_matter(tiny, batch):
    image, mask, z = batch
    exact = tiny.complete(image, mask, z)
    tiny.to(memory_format=torch.channels_last)
    torch.testing.assert_close(tiny.complete(image, mask, z), exact, atol=1e-4, rtol=1e-4)


def test_exports_as_one_graph_for_batches_of_any_size():
    network = CoModGAN(8, 32, 4, 3, 4, 5, mapping_layers=1).eval()
    size = {0: torch.export.Dim("batch", min=1, max=64)}
    arguments = (torch.randn(2, 4, 8, 8), torch.randn(2, 3), 0.7, "const")
    program = torch.export.export(network, arguments, dynamic_shapes=(size, size, None, None))
    other = (torch.randn(3, 4, 8, 8), torch.randn(3, 3), 0.7, "const")
    exported = program.module()(*other)
    torch.testing.assert_close(exported, network(*other), atol=1e-5, rtol=1e-4)


# --- checkpoints of the port that was converted from TensorFlow ---------------------------------


def as_the_port_has_it(network):
    """The weights of a network under the port's names and in its shapes, written out by hand."""
    own, port = network.state_dict(), {}

    def move(ours, theirs, change=lambda t: t):
        port[theirs] = change(own[ours])

    for i in range(2):
        for part in ("weight", "bias"):
            move(f"mapping.fc{i}.{part}", f"G_mapping.G_mapping.Dense{i}.{part}")
    for part, place in (("weight", 0), ("bias", 1)):
        theirs = f"G_synthesis.E.32x32_0.FromRGB.{place}.{part}"
        move(f"encoder.b32.fromrgb.{part}", theirs)
        move(f"encoder.b4.conv.{part}", f"G_synthesis.E.4x4.Conv.{place}.{part}")
        move(f"encoder.b4.fc.{part}", f"G_synthesis.E.4x4.Dense0.{part}")
        move(f"synthesis.b4.fc.{part}", f"G_synthesis.G_4x4.Dense.{part}")
    for side in (8, 16, 32):
        theirs = f"G_synthesis.E.{side}x{side}"
        move(f"encoder.b{side}.conv0.weight", f"{theirs}.Conv0.0.weight")
        move(f"encoder.b{side}.conv0.bias", f"{theirs}.Conv0.1.bias")
        move(f"encoder.b{side}.conv1.resample_filter", f"{theirs}.Conv1_down.0.kernel")
        move(f"encoder.b{side}.conv1.weight", f"{theirs}.Conv1_down.1.weight")
        move(f"encoder.b{side}.conv1.bias", f"{theirs}.Conv1_down.2.bias")
    for side in (4, 8, 16, 32):
        layers = {"conv": "Conv"} if side == 4 else {"conv0": "Conv0_up", "conv1": "Conv1"}
        for layer, name in (layers | {"torgb": "ToRGB"}).items():
            ours, theirs = f"synthesis.b{side}.{layer}", f"G_synthesis.G_{side}x{side}.{name}"
            move(f"{ours}.weight", f"{theirs}.conv.weight", lambda t: t[None])
            move(f"{ours}.affine.weight", f"{theirs}.conv.modulation.weight")
            move(f"{ours}.affine.bias", f"{theirs}.conv.modulation.bias")
            if layer == "torgb":
                move(f"{ours}.bias", f"{theirs}.bias", lambda t: t.reshape(1, 3, 1, 1))
            else:
                move(f"{ours}.bias", f"{theirs}.activate.bias")
                move(f"{ours}.noise_strength", f"{theirs}.noise.weight", lambda t: t.reshape(1))
        if side > 4:
            theirs = f"G_synthesis.G_{side}x{side}"
            up = f"synthesis.b{side}.conv0.resample_filter"
            move(up, f"{theirs}.Conv0_up.conv.blur.kernel", lambda t: 4 * t)
            ours = f"synthesis.b{side}.resample_filter"
            move(ours, f"{theirs}.ToRGB.upsample.kernel", lambda t: 4 * t)
    return port


def test_the_ports_checkpoints_load_strictly_with_the_same_weights(tiny):
    port = as_the_port_has_it(tiny)
    config = config_of(shapes_of(port))
    assert config == TINY | {"clamp": None}
    network = CoModGAN(**config)
    network.load_state_dict(converted(port), strict=True)
    for key, value in tiny.state_dict().items():
        if key.endswith(("noise_const", "w_avg")):
            continue  # the port has none
        torch.testing.assert_close(network.state_dict()[key], value, msg=key)


def test_what_the_port_lacks_is_made_up_the_same_every_time(tiny):
    port = as_the_port_has_it(tiny)
    one, two = converted(port), converted(port)
    assert all(torch.equal(one[key], two[key]) for key in one)
    noise = one["synthesis.b32.conv1.noise_const"]
    assert float(noise.std()) == pytest.approx(1, abs=0.1)
    assert not torch.equal(noise, one["synthesis.b32.conv0.noise_const"])
    draws = tiny.mapping(torch.randn(20_000, 6)).mean(0)
    torch.testing.assert_close(one["mapping.w_avg"], draws.detach(), atol=0.05, rtol=0)


def test_conversion_leaves_alone_what_it_does_not_know(tiny):
    own = tiny.state_dict()
    assert converted(own) == dict(own)
    port = as_the_port_has_it(tiny) | {"G_synthesis.G_4x4.Surprise.weight": torch.zeros(1)}
    with pytest.raises(RuntimeError, match="Surprise"):
        tiny.load_state_dict(converted(port))
