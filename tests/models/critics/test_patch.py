import pytest
import torch

from models.critics.local import (
    ContextEncoderDiscriminator,
    GlobalLocalDiscriminator,
    crop_around,
)
from models.critics.patch import (
    AotDiscriminator,
    PatchDiscriminator,
    SnPatchDiscriminator,
    SpectralPatchDiscriminator,
)

TINY = {
    "lama": lambda: PatchDiscriminator(ndf=4),
    "edgeconnect": lambda: SpectralPatchDiscriminator(ndf=4),
    "aotgan": lambda: AotDiscriminator(ndf=4),
    "deepfillv2": lambda: SnPatchDiscriminator(cnum=4),
    "context-encoder": lambda: ContextEncoderDiscriminator(ndf=4),
    "global-local": lambda: GlobalLocalDiscriminator(side=32, local_side=16, ndf=4, features=8),
}
PUBLISHED = {
    "lama_disc": PatchDiscriminator,
    "edgeconnect_disc": lambda: SpectralPatchDiscriminator(channels=2),
    "context_encoder_disc": ContextEncoderDiscriminator,
}
PARAMETERS = {"lama_disc": 6962369, "edgeconnect_disc": 2762752, "context_encoder_disc": 2765568}


@pytest.fixture
def batch():
    torch.manual_seed(0)
    image, mask = torch.rand(2, 3, 64, 96), torch.zeros(2, 1, 64, 96)
    mask[:, :, 20:40, 30:70] = 1
    return image, mask


# The golden folder's own reader leaves its files to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
@pytest.mark.parametrize("name", PUBLISHED)
def test_keys_shapes_and_parameters_are_the_published_ones(golden, name):
    with torch.device("meta"):
        network = PUBLISHED[name]()
    assert golden.check_keys(name, network.state_dict()) == ([], [], [])
    assert golden.check_fill(name) == []
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", TINY)
def test_all_are_called_alike_and_give_logits_and_maps(batch, name):
    image, mask = batch
    logits, maps = TINY[name]()(image, mask)
    assert logits.dim() == 4
    assert logits.shape[0] == 2
    assert len(maps) >= 4
    assert all(m.dim() == 4 for m in maps)


@pytest.mark.parametrize("name", TINY)
def test_gradients_reach_the_hole_and_their_gradients_reach_the_weights(batch, name):
    image, mask = batch
    network = TINY[name]()
    image.requires_grad_()
    logits, maps = network(image, mask)
    total = logits.square().sum() + sum(m.square().sum() for m in maps)
    (gradient,) = torch.autograd.grad(total, image, create_graph=True)
    assert (gradient * mask).abs().sum() > 0
    gradient.square().sum().backward()  # what R1 and the gradient penalty need
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize("name", TINY)
def test_they_run_under_autocast(batch, name):
    image, mask = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, _ = TINY[name]()(image, mask)
    assert logits.isfinite().all()


@pytest.mark.parametrize(("name", "layers"), [("edgeconnect", 5), ("aotgan", 4), ("deepfillv2", 6)])
def test_under_spectral_normalisation_the_size_of_weights_does_not_matter(batch, name, layers):
    network = TINY[name]().eval()
    before = network(*batch)[0]
    normalised = [
        parameter
        for key, parameter in network.named_parameters()
        if key.endswith(("weight_orig", "weight.original"))
    ]
    assert len(normalised) == layers
    for parameter in normalised:
        parameter.data *= 1000
    torch.testing.assert_close(network(*batch)[0], before, rtol=1e-4, atol=1e-5)


def test_the_sizes_of_logits_are_the_published_ones():
    image, mask = torch.rand(1, 3, 256, 256), torch.ones(1, 1, 256, 256)
    shapes = {
        name: tuple(make()(image, mask)[0].shape)
        for name, make in TINY.items()
        if name != "global-local"
    }
    assert shapes == {
        "lama": (1, 1, 19, 19),
        "edgeconnect": (1, 1, 30, 30),
        "aotgan": (1, 1, 30, 30),
        "deepfillv2": (1, 16, 4, 4),
        "context-encoder": (1, 1, 1, 1),
    }


def test_a_published_edgeconnect_file_holds_its_first_layer_twice_and_loads():
    torch.manual_seed(0)
    network = SpectralPatchDiscriminator(ndf=4)
    state = network.state_dict()
    twice = dict(state)
    for key in state:
        if key.startswith("conv1."):
            twice[key.replace("conv1.", "features.")] = state[key]
    other = SpectralPatchDiscriminator(ndf=4)
    other.load_state_dict(twice, strict=True)
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(other.eval()(image)[0], network.eval()(image)[0])
    with pytest.raises(RuntimeError, match="feature_maps"):
        other.load_state_dict({**state, "feature_maps.0.weight": torch.zeros(1)}, strict=True)


def test_without_normalisation_edgeconnects_layers_have_biases():
    keys = SpectralPatchDiscriminator(ndf=4, normalised=False).state_dict().keys()
    assert {f"conv{i}.0.{part}" for i in range(1, 6) for part in ("weight", "bias")} == keys


def test_the_keys_of_aotgans_are_numbered_through_its_activations():
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in AotDiscriminator().state_dict().items()}
    assert shapes["conv.0.weight_orig"] == (64, 3, 4, 4)
    assert shapes["conv.6.weight_orig"] == (512, 256, 4, 4)
    assert shapes["conv.6.weight_v"] == (256 * 16,)
    assert shapes["conv.8.weight"] == (1, 512, 4, 4)
    assert shapes["conv.8.bias"] == (1,)
    assert len(shapes) == 4 * 3 + 2


def test_the_keys_of_the_sn_patchgan_are_the_ports():
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in SnPatchDiscriminator().state_dict().items()}
    layer = {k.removeprefix("conv1.conv_sn."): v for k, v in shapes.items() if "conv1." in k}
    assert layer == {
        "bias": (64,),
        "parametrizations.weight.original": (64, 4, 5, 5),
        "parametrizations.weight.0._u": (64,),
        "parametrizations.weight.0._v": (100,),
    }
    assert shapes["conv6.conv_sn.parametrizations.weight.original"] == (256, 256, 5, 5)
    assert len(shapes) == 6 * 4


def test_older_files_of_the_sn_patchgan_load_strictly():
    torch.manual_seed(0)
    network = SnPatchDiscriminator(cnum=4).eval()
    old = {}
    for i in range(1, 7):
        layer = network.get_submodule(f"conv{i}.conv_sn")
        weight = layer.parametrizations.weight.original.detach()
        left, values, _ = torch.linalg.svd(weight.flatten(1), full_matrices=False)
        old[f"conv{i}.conv_sn.weight"] = weight / values[0]  # was divided in place
        old[f"conv{i}.conv_sn.weight_u"] = left[:, :1]
        old[f"conv{i}.conv_sn.bias"] = layer.bias.detach()
    other = SnPatchDiscriminator(cnum=4).eval()
    other.load_state_dict(old, strict=True)
    for i in range(1, 7):
        found = other.get_submodule(f"conv{i}.conv_sn").weight
        torch.testing.assert_close(found, old[f"conv{i}.conv_sn.weight"])


@pytest.mark.parametrize("name", ["deepfillv2", "global-local"])
def test_those_that_need_the_mask_say_so(batch, name):
    with pytest.raises(ValueError, match="mask"):
        TINY[name]()(batch[0])


def test_the_sn_patchgan_sees_the_mask(batch):
    image, mask = batch
    network = TINY["deepfillv2"]().eval()
    assert not torch.equal(network(image, mask)[0], network(image, 1 - mask)[0])


def test_the_context_encoders_looks_at_the_hole_only():
    torch.manual_seed(0)
    network = ContextEncoderDiscriminator(ndf=4).eval()
    image, mask = torch.rand(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 32:96, 32:96] = 1
    logits = network(image, mask)[0]
    torch.testing.assert_close(network(image[..., 32:96, 32:96])[0], logits)
    torch.testing.assert_close(network(image * mask, mask)[0], logits)
    with pytest.raises(ValueError, match="64 x 64"):
        network(image)


def test_crops_follow_each_pictures_hole_and_stay_inside():
    image = torch.arange(2 * 8 * 10, dtype=torch.float32).view(2, 1, 8, 10)
    mask = torch.zeros(2, 1, 8, 10)
    mask[0, 0, 3:5, 6:8] = 1  # its middle is (4, 7)
    mask[1, 0, 0, 0] = 1  # in the corner
    crops = crop_around(image, mask, 4)
    assert torch.equal(crops[0], image[0, :, 2:6, 5:9])
    assert torch.equal(crops[1], image[1, :, 0:4, 0:4])
    assert torch.equal(crop_around(image, torch.zeros(2, 1, 8, 10), 4), image[..., 2:6, 3:7])
    with pytest.raises(ValueError, match="does not fit"):
        crop_around(image, mask, 9)


def test_the_global_one_joins_both_views(batch):
    image, mask = batch
    network = TINY["global-local"]().eval()
    logits, maps = network(image, mask)
    assert logits.shape == (2, 1, 1, 1)
    assert [m.shape[-1] for m in maps] == [16, 8, 4, 8, 4]
    far, near = image.clone(), image.clone()
    far[..., :8, :8] = 0  # outside the square around the hole
    near[..., 28:32, 48:52] = 0
    local = [network(x, mask)[1][3] for x in (image, far, near)]
    assert torch.equal(local[0], local[1])
    assert not torch.equal(local[0], local[2])
    assert not torch.equal(network(far, mask)[0], logits)


def test_published_sides_give_the_published_layers():
    with torch.device("meta"):
        network = GlobalLocalDiscriminator()
    widths = [block[0].out_channels for block in network.whole.convolutions]
    assert widths == [64, 128, 256, 512, 512, 512]
    widths = [block[0].out_channels for block in network.local.convolutions]
    assert widths == [64, 128, 256, 512, 512]
    with pytest.raises(ValueError, match="power of two"):
        GlobalLocalDiscriminator(side=100)
