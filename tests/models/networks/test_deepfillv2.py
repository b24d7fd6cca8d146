import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks import deepfillv2, deepfillv2_tf
from models.networks.deepfillv2 import DeepFillV2, paste
from models.networks.deepfillv2_tf import DeepFillV2TF, tf_names

VARIANTS = [DeepFillV2, DeepFillV2TF]
PLACES = {DeepFillV2: deepfillv2, DeepFillV2TF: deepfillv2_tf}
# The golden folder's own reader leaves its files to the garbage collector.
leaky = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


def tiny(variant, **options):
    torch.manual_seed(0)
    network = variant(cnum=8, **options).eval()
    for parameter in network.parameters():  # strong enough that every part is heard
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network


def windows(items=2, height=32, width=48):
    torch.manual_seed(1)
    mask = torch.zeros(items, 1, height, width)
    for item in range(items):
        mask[item, :, 8 : 20 + item, 4 + 8 * item : 28 + 8 * item] = 1
    return torch.rand(items, 3, height, width) * (1 - mask), mask


def shapes(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


@leaky
def test_both_stages_equal_the_official_network(golden):
    def forward(network, x):
        picture = (2 * x["image"] - 1) * (1 - x["mask"])
        seen = torch.cat([picture, torch.ones_like(x["mask"]), x["mask"]], 1)
        return dict(zip(("stage1", "out"), network(seen, x["mask"]), strict=True))

    report = golden.run_golden("deepfillv2", build=DeepFillV2, forward=forward)
    assert report["ok"], report
    assert report["keys"] == ([], [], [])
    assert len(report["cases"]) == 2
    assert report["params"][0] == report["params"][1]


@leaky
@pytest.mark.parametrize(
    ("name", "variant"), [("deepfillv2", DeepFillV2), ("deepfillv2_tf", DeepFillV2TF)]
)
def test_published_checkpoints_would_load_strictly(golden, name, variant):
    with torch.device("meta"):
        network = variant()
    assert golden.check_keys(name, network.state_dict()) == ([], [], [])
    assert PLACES[variant].config_of(shapes(network)) == {"cnum_in": 5, "cnum_out": 3, "cnum": 48}


@pytest.mark.parametrize("variant", VARIANTS)
def test_stages_are_the_published_forward_in_our_terms(variant):
    network = tiny(variant)
    image, mask = windows()
    seen = torch.cat([(2 * image - 1) * (1 - mask), torch.ones_like(mask), mask], dim=1)
    with torch.no_grad():
        published = network(seen, mask)
        ours = network.stages(image, mask)
    assert len(ours) == 2
    for stage, raw in zip(ours, published, strict=True):
        torch.testing.assert_close(stage, (raw + 1) / 2)
        assert stage.shape == image.shape
        assert stage.dtype == torch.float32
        assert 0 <= float(stage.min()) <= float(stage.max()) <= 1
    with torch.no_grad():
        assert torch.equal(network.complete(image, mask), ours[-1])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_value_under_a_hole_does_not_matter(variant):
    network = tiny(variant)
    image, mask = windows()
    with torch.no_grad():
        one = network.complete(image, mask)
        assert torch.equal(one, network.complete(image + 0.3 * mask, mask))
        assert not torch.equal(one, network.complete(image + 0.3 * (1 - mask), mask))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_batch_gives_what_its_items_give_alone(variant):
    network = tiny(variant)
    image, mask = windows(3)
    with torch.no_grad():
        together = network.complete(image, mask)
        alone = [network.complete(image[i : i + 1], mask[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4))
@settings(max_examples=4, deadline=None)
def test_every_multiple_of_eight_is_a_size_it_takes(variant, rows, columns):
    network = tiny(variant)
    size = (1, 3, network.multiple * rows, network.multiple * columns)
    mask = (torch.rand(1, 1, *size[2:]) > 0.9).float()
    with torch.no_grad():
        assert network.complete(torch.rand(size) * (1 - mask), mask).shape == size
    assert network.least <= network.multiple == 8


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_refined_picture_teaches_every_layer(variant):
    network = tiny(variant)
    network.complete(*windows()).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_under_autocast_the_picture_is_still_float32(variant):
    network = tiny(variant)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        coarse, fine = network.stages(*windows())
    assert coarse.dtype == fine.dtype == torch.float32
    assert len(fine.unique()) > 1000  # bfloat16 has 256 values between 0.5 and 1 and few below


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_exported_graph_takes_other_batches_and_sizes(variant):
    network = tiny(variant)

    class Complete(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, image, mask):
            return self.network.complete(image, mask)

    batch, rows, columns = (torch.export.Dim(name, min=2, max=64) for name in "bhw")
    dynamic = {0: batch, 2: 8 * rows, 3: 8 * columns}
    with torch.no_grad():
        graph = torch.export.export(Complete(), windows(), dynamic_shapes=(dynamic, dynamic))
        other = windows(3, 40, 32)
        torch.testing.assert_close(
            graph.module()(*other), network.complete(*other), rtol=1e-4, atol=1e-5
        )


def test_the_second_stage_sees_the_coarse_picture_only_in_the_holes():
    coarse, x = torch.full((1, 3, 1, 2), 0.25), torch.full((1, 5, 1, 2), -0.5)
    mask = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    assert paste(coarse, x, mask)[0, :, 0].tolist() == [[0.25, -0.5]] * 3


def test_only_the_strided_layers_of_the_tensorflow_variant_pad_unevenly():
    network = tiny(DeepFillV2TF)
    strided = {
        name.removesuffix(".conv"): layer.padding
        for name, layer in network.named_modules()
        if getattr(layer, "stride", None) == (2, 2)
    }
    assert strided == {
        f"{branch}conv{index}_downsample": (0, 0) for branch in ("", "x", "pm") for index in (2, 4)
    }  # padded by the gated layer instead
    assert network.contextual_attention.corners
    assert not network.contextual_attention.fuse
    assert tiny(DeepFillV2).stage2.contextual_attention.fuse


def test_both_variants_have_the_same_layers_but_not_the_same_arithmetic():
    one, other = tiny(DeepFillV2), tiny(DeepFillV2TF)
    own = [value for key, value in one.state_dict().items() if "fuse_weight" not in key]
    sizes = sorted(tuple(value.shape) for value in own)
    assert sizes == sorted(tuple(value.shape) for value in other.state_dict().values())
    names = ["conv1", "down_block1.conv1_downsample", "down_block1.conv2"]
    tensorflow = ["conv1", "conv2_downsample", "conv3"]
    x = torch.rand(1, 5, 16, 16)
    results = []
    for mine, theirs in zip(names, tensorflow, strict=True):
        other.get_submodule(theirs).load_state_dict(one.stage1.get_submodule(mine).state_dict())
    for network, layers in ((one.stage1, names), (other, tensorflow)):
        y = x
        for layer in layers:
            y = network.get_submodule(layer)(y)
        results.append(y)
    assert results[0].shape == results[1].shape
    assert not torch.allclose(*results, atol=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "config",
    [{"cnum_in": 5, "cnum_out": 3, "cnum": 8}, {"cnum_in": 3, "cnum_out": 1, "cnum": 12}],
)
def test_a_configuration_can_be_read_from_the_shapes(variant, config):
    with torch.device("meta"):
        state = shapes(variant(**config))
    assert PLACES[variant].config_of(state) == config


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_layout_is_not_taken_for_this_one(variant):
    with torch.device("meta"):
        state = shapes(variant(cnum=8))
    for place in PLACES.values():
        assert place.config_of({}) is None
        assert (place.config_of(state) is None) == (place is not PLACES[variant])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cnum", [0, 2, 10])
def test_a_width_that_cannot_be_halved_twice_is_refused(variant, cnum):
    with pytest.raises(ValueError, match="multiple of 4"):
        variant(cnum=cnum)


def test_tensorflow_names_cover_every_key_exactly_once():
    names = tf_names()
    keys = list(shapes(tiny(DeepFillV2TF)))
    assert sorted(names.values()) == sorted(keys)
    assert len(set(names)) == len(keys) == 84
    assert names["inpaint_net/conv1/kernel"] == "conv1.conv.weight"
    assert names["inpaint_net/xconv10_atrous/bias"] == "xconv10_atrous.conv.bias"
    for chain in ("conv13", "conv15", "allconv13", "allconv15"):
        scope = f"inpaint_net/{chain}_upsample/{chain}_upsample_conv"
        assert names[f"{scope}/kernel"] == f"{chain}_upsample.conv.conv.weight"
        assert names[f"{scope}/bias"] == f"{chain}_upsample.conv.conv.bias"


def test_tensorflow_variables_load_after_their_axes_are_turned():
    network, copy = tiny(DeepFillV2TF), DeepFillV2TF(cnum=8).eval()
    state = network.state_dict()
    variables = {
        name: state[key].permute(2, 3, 1, 0) if name.endswith("/kernel") else state[key]
        for name, key in tf_names().items()
    }
    assert variables["inpaint_net/conv1/kernel"].shape == (5, 5, 5, 8)
    names = tf_names()
    copy.load_state_dict(
        {
            names[name]: value.permute(3, 2, 0, 1) if value.ndim == 4 else value
            for name, value in variables.items()
        }
    )
    with torch.no_grad():
        assert torch.equal(copy.complete(*windows()), network.complete(*windows()))
