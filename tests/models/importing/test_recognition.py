"""Checkpoints are known by what is in them, and what does not fit is named."""

import json

import pytest
import torch

import models
from models.importing.published import published_as
from models.importing.recognition import recognise

TINY = {"ngf": 8, "n_downsampling": 2, "n_blocks": 2}


def lama(**config):
    torch.manual_seed(0)
    return {
        key: tensor.clone() for key, tensor in models.create("lama", **config).state_dict().items()
    }


def under(prefix, tensors):
    return {f"{prefix}.{key}": tensor for key, tensor in tensors.items()}


def refusal(tensors):
    with pytest.raises(models.WeightsRefused) as refused:
        recognise(tensors)
    return str(refused.value)


@pytest.fixture
def published(shared):
    """``published("lama_big")``: all its tensors in full size; they take no memory."""

    def load(name):
        manifest = shared / "golden" / name / "manifest.json"
        if not manifest.is_file():
            pytest.skip("the layouts of the official networks are not here")
        return {
            key: torch.zeros((), dtype=getattr(torch, dtype)).expand(shape)
            for key, shape, dtype, *_ in json.loads(manifest.read_text())["state_dict"]
        }

    return load


@pytest.mark.parametrize(
    ("layout", "prefix", "architecture", "key"),
    [
        ("context_encoder", "state_dict", "context-encoder", "context-encoder"),
        ("context_encoder_tiny", "state_dict", "context-encoder", None),
        ("edgeconnect_edge", "generator", "edgeconnect-edge", None),
        ("edgeconnect_edge", "generator.module", "edgeconnect-edge", None),
        ("edgeconnect_inpaint", "generator", "edgeconnect-inpaint", None),
        ("edgeconnect_inpaint", "generator.module", "edgeconnect-inpaint", None),
        ("deepfillv2", "G", "deepfillv2", "deepfillv2"),
        ("deepfillv2_tf", "G", "deepfillv2-tf", "deepfillv2-tf"),
        ("lama_big", "state_dict.generator", "lama", "big-lama"),
        ("lama_big", "model.generator", "lama", "big-lama"),
        ("lama_fourier", "state_dict.generator", "lama", "lama-fourier"),
        ("lama_tiny", "generator", "lama", None),
        ("aotgan", "", "aotgan", "aot-gan"),
        ("aotgan", "netG.module", "aotgan", "aot-gan"),
        ("migan_256", "", "migan", "migan-256"),
        ("migan_512", "G_ema", "migan", "migan-512"),
    ],
)
def test_every_published_layout_is_known_under_its_wrapper(
    published, layout, prefix, architecture, key
):
    tensors = published(layout)
    found = recognise(under(prefix, tensors) if prefix else tensors)
    assert (found.architecture, found.prefix) == (architecture, prefix)
    assert found.tensors.keys() == tensors.keys()
    assert found.adjusted == []
    entry = published_as(found.architecture, found.parameters)
    assert (None if entry is None else entry.key) == key


@pytest.mark.parametrize("layout", ["context_encoder_disc", "edgeconnect_disc", "lama_disc"])
@pytest.mark.parametrize("prefix", ["", "discriminator", "module"])
def test_a_discriminator_alone_is_refused_as_one(published, layout, prefix):
    tensors = published(layout)
    said = refusal(under(prefix, tensors) if prefix else tensors)
    assert "a discriminator" in said
    assert "the generator" in said


def test_a_feature_network_is_refused_as_one():
    vgg = {f"features.{i}.weight": torch.zeros(64, 3, 3, 3) for i in (0, 2, 5)}
    resnet = {"conv1.weight": torch.zeros(64, 3, 7, 7), "layer1.0.conv1.weight": torch.zeros(1)}
    assert "feature network" in refusal(vgg)
    assert "feature network" in refusal(under("encoder", resnet))


def test_an_optimiser_is_refused_as_one():
    state = {
        f"optimG.state.{i}.{name}": torch.zeros(1) for i in (0, 1) for name in ("exp_avg", "step")
    }
    assert "an optimiser" in refusal(state)


def test_what_is_unknown_is_told_with_what_is_known_and_its_first_names():
    said = refusal({f"layer{i}.weight": torch.zeros(2, 2) for i in range(9)})
    assert "lama" in said
    assert "edgeconnect" in said
    assert "layer0.weight, layer1.weight, layer2.weight" in said
    assert "layer3" not in said


def test_companions_in_a_training_checkpoint_are_passed_over_and_named():
    generator = lama(**TINY)
    others = {
        "state_dict.discriminator.model0.0.weight": torch.zeros(1),
        "state_dict.discriminator.model1.0.weight": torch.zeros(1),
        "state_dict.loss_resnet_pl.impl.conv1.weight": torch.zeros(1),
        "state_dict.val_evaluator.scores.fid.weight": torch.zeros(1),
        "optimizer_states.0.state.0.exp_avg": torch.zeros(1),
    }
    found = recognise(others | under("state_dict.generator", generator))
    assert found.ignored == [
        "optimizer_states",
        "state_dict.discriminator",
        "state_dict.loss_resnet_pl",
        "state_dict.val_evaluator",
    ]
    assert all(torch.equal(found.tensors[key], generator[key]) for key in generator)


def test_companions_beside_a_bare_generator_are_passed_over_and_named():
    generator = lama(**TINY)
    extra = {"discriminator.model0.0.weight": torch.zeros(1)}
    found = recognise(generator | extra)
    assert found.ignored == ["discriminator"]
    assert found.tensors.keys() == generator.keys()


@pytest.mark.parametrize("order", [("G", "G_ema"), ("G_ema", "G")])
def test_averaged_weights_are_taken_before_raw_ones(order):
    raw, averaged = lama(**TINY), lama(**TINY)
    averaged["model.1.ffc.convl2l.weight"] += 1
    sets = {"G": raw, "G_ema": averaged}
    found = recognise({k: v for name in order for k, v in under(name, sets[name]).items()})
    assert found.prefix == "G_ema"
    assert torch.equal(
        found.tensors["model.1.ffc.convl2l.weight"], averaged["model.1.ffc.convl2l.weight"]
    )
    assert found.ignored == ["G"]


def test_counters_that_old_torch_did_not_keep_are_supplied_and_told():
    generator = lama(**TINY)
    old = {key: t for key, t in generator.items() if not key.endswith("num_batches_tracked")}
    found = recognise(old)
    assert found.tensors.keys() == generator.keys()
    assert "counters" in found.adjusted[0]


@pytest.mark.parametrize("divided", [True, False])
def test_singular_vectors_that_old_torch_did_not_keep_are_supplied_and_told(divided):
    torch.manual_seed(1)
    network = models.create("edgeconnect-edge", width=2, blocks=1)
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():  # until u and v belong together, as after a training
        for _ in range(50):
            network(x)
    state = {key: tensor.clone() for key, tensor in network.eval().state_dict().items()}
    old = {key: tensor for key, tensor in state.items() if not key.endswith("weight_v")}
    if divided:
        network(x)
        old |= {
            f"{name}.weight": layer.weight.detach().clone()
            for name, layer in network.named_modules()
            if f"{name}.weight_orig" in old
        }
    found = recognise(old)
    assert found.tensors.keys() == state.keys()
    assert "singular" in found.adjusted[0]
    again = models.create("edgeconnect-edge", width=2, blocks=1).eval()
    again.load_state_dict(found.tensors)
    assert torch.allclose(again(x), network(x), atol=1e-5 if divided else 1e-2)


def test_a_missing_a_strange_and_a_misshapen_tensor_are_named():
    generator = lama(**TINY)
    del generator["model.2.ffc.convl2l.weight"]  # without it there is one halving fewer
    said = refusal(generator)
    assert "lama" in said
    assert "does not fit" in said

    generator = lama(**TINY)
    del generator["model.4.conv2.bn_l.weight"]
    generator["model.4.conv2.bn_l.gamma"] = torch.zeros(1)
    generator["model.1.bn_l.bias"] = torch.zeros(9)
    said = refusal(under("generator", generator))
    assert "under 'generator'" in said
    assert "model.4.conv2.bn_l.weight is missing" in said
    assert "model.4.conv2.bn_l.gamma is unknown to the network" in said
    assert "model.1.bn_l.bias has shape (9,), the network wants (8,)" in said


def test_only_three_misfits_are_named_and_the_others_counted():
    generator = lama(**TINY)
    gone = [key for key in generator if key.startswith("model.4.conv2.bn_")][:5]
    said = refusal({key: tensor for key, tensor in generator.items() if key not in gone})
    assert said.count("is missing") == 3
    assert "; and 1 more" in said  # four of the five: the fifth is a counter


def test_numbers_that_are_not_finite_are_refused():
    generator = lama(**TINY)
    generator["model.1.bn_l.bias"][0] = torch.nan
    assert "model.1.bn_l.bias holds values that are not finite" in refusal(generator)


def test_no_tensor_can_be_left_out_unnoticed():
    generator = lama(ngf=4, n_downsampling=1, n_blocks=1)
    for left_out in generator:
        rest = {key: tensor for key, tensor in generator.items() if key != left_out}
        if left_out.endswith("num_batches_tracked"):
            assert recognise(rest).adjusted
        else:
            refusal(rest)


def test_tensorflow_variables_become_ours(monkeypatch):
    from models.networks.deepfillv2_tf import tf_names

    torch.manual_seed(0)
    state = models.create("deepfillv2-tf", cnum=8).state_dict()
    variables = {
        name: state[key].permute(2, 3, 1, 0).contiguous() if state[key].ndim == 4 else state[key]
        for name, key in tf_names().items()
    }
    aside = {"discriminator/conv1/kernel": torch.zeros(5, 5, 4, 8), "beta1_power": torch.zeros(())}
    found = recognise(variables | aside)
    assert found.architecture == "deepfillv2-tf"
    assert found.ignored == ["beta1_power", "discriminator"]
    assert found.tensors.keys() == state.keys()
    assert all(torch.equal(found.tensors[key], state[key]) for key in state)
