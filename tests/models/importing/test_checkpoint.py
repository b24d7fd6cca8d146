"""Checkpoints of every published layout, under their real names and wrappers, become inpainters."""

import json
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import models
from models.cards import InpainterCard, cards_in, read_card
from models.checkpoints import sha256
from models.importing.checkpoint import NameRefused, import_checkpoint
from models.importing.reading import Contents
from models.networks.deepfillv2_tf import tf_names
from models.registry import serve

LAMA = ("lama", {"ngf": 8, "n_downsampling": 2, "n_blocks": 2})


def wrapped(*keys, **beside):
    """How a training program files a state dict: under these keys, and what lies beside it."""

    def wrap(state):
        for key in reversed(keys):
            state = {key: state}
        return state | beside

    return wrap


def spread(prefix, **beside):
    """The same in one flat dictionary."""
    return lambda state: {f"{prefix}{key}": tensor for key, tensor in state.items()} | beside


JUDGE = {"conv1.conv_sn.weight_orig": torch.zeros(4, 4, 5, 5)}
OPTIMISER = {"state": {0: {"exp_avg": torch.zeros(3), "step": 7}}, "param_groups": [{"lr": 1e-4}]}

LAYOUTS = {
    "context-encoder": (
        "context-encoder",
        {"nef": 4, "ngf": 4, "bottleneck_channels": 16},
        wrapped("state_dict", epoch=5),
    ),
    "edgeconnect completion": (
        "edgeconnect-inpaint",
        {"width": 4, "blocks": 1},
        wrapped("generator", iteration=7),
    ),
    "edgeconnect completion on several GPUs": (
        "edgeconnect-inpaint",
        {"width": 4, "blocks": 1},
        lambda state: {"iteration": 7, "generator": spread("module.")(state)},
    ),
    "deepfillv2 converted": ("deepfillv2-tf", {"cnum": 8}, wrapped("G")),
    "deepfillv2 in training": (
        "deepfillv2",
        {"cnum": 8},
        wrapped("G", D=JUDGE, G_optim=OPTIMISER, D_optim=OPTIMISER, n_iter=3),
    ),
    "lama of Lightning": (
        *LAMA,
        lambda state: {
            "epoch": 39,
            "global_step": 1000,
            "pytorch-lightning_version": "1.2.9",
            "state_dict": spread("generator.")(state)
            | {"discriminator.model0.0.weight": torch.zeros(2)}
            | {"loss_resnet_pl.impl.conv1.weight": torch.zeros(2)},
            "optimizer_states": OPTIMISER,
        },
    ),
    "aotgan": ("aotgan", {"width": 4, "block_num": 2}, wrapped()),
    "aotgan in DDP": ("aotgan", {"width": 4, "block_num": 2}, spread("module.")),
    "migan": ("migan", {"resolution": 32, "channel_base": 256, "channel_max": 16}, wrapped()),
    "comodgan": (
        "comodgan",
        {
            **{"resolution": 32, "channel_base": 256, "channel_max": 16},
            **{"z": 8, "w": 8, "vector": 16, "mapping_layers": 2},
        },
        wrapped("G_ema", D={"b4.conv.weight": torch.zeros(3)}),
    ),
}


def network_of(architecture, config):
    torch.manual_seed(0)
    return models.create(architecture, **config).eval()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def checkpoint(tmp_path):
    """A file that holds a tiny LaMa, and the network."""
    network = network_of(*LAMA)
    torch.save({"generator": network.state_dict()}, tmp_path / "any.name")
    return tmp_path / "any.name", network


def picture(side=48):
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(1, 1, side, side)
    mask[..., 20:30, 10:40] = 1
    return image, mask


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_becomes_an_inpainter_that_computes_the_same(layout, tmp_path, folder):
    architecture, config, wrap = LAYOUTS[layout]
    network = network_of(architecture, config)
    file = tmp_path / "weights of ours"
    torch.save(wrap(network.state_dict()), file)
    card = import_checkpoint([file], "ours", folder)
    whole = "edgeconnect" if architecture.startswith("edgeconnect") else architecture
    assert (card.name, card.architecture, card.lacks) == ("ours", whole, "")
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert card.weights == folder / "ours.safetensors"
    assert sha256(card.weights) == card.sha256
    (origin,) = card.details["imported_from"]
    assert origin["file"] == file.name
    assert origin["sha256"] == sha256(file)
    assert origin["bytes"] == file.stat().st_size
    assert origin["format"] == "torch"
    # In one precision: left open, a trial might find another way quicker for the one with a digest.
    loaded = models.load("ours", "cpu", folder, "float32")
    bare = InpainterCard("same", "gan", "", architecture=architecture)
    same = serve(network, bare, "cpu", "float32")
    assert torch.equal(loaded(*picture()), same(*picture()))


def test_a_torchscript_archive_becomes_an_inpainter(tmp_path, folder):
    class Traced(nn.Module):
        def __init__(self, generator):
            super().__init__()
            self.model = nn.Module()
            self.model.generator = generator

        def forward(self, image, mask):
            return self.model.generator(torch.cat([image * (1 - mask), mask], 1))

    network = network_of(*LAMA)
    with warnings.catch_warnings():  # torch calls its own format old
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(
            Traced(network), (torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64))
        )
        torch.jit.save(traced, tmp_path / "big.pt")
    card = import_checkpoint([tmp_path / "big.pt"], "scripted", folder)
    assert card.details["imported_from"][0]["format"] == "torchscript"
    state = network.state_dict()
    stored = load_file(card.weights)
    assert stored.keys() == state.keys()
    assert all(torch.equal(stored[key], state[key]) for key in state)


def test_safetensors_become_an_inpainter(tmp_path, folder):
    save_file(network_of(*LAMA).state_dict(), tmp_path / "x.bin")
    card = import_checkpoint([tmp_path / "x.bin"], None, folder)
    assert card.name == "x"
    assert card.details["imported_from"][0]["format"] == "safetensors"


def test_the_type_of_numbers_is_kept(tmp_path, folder):
    save_file(network_of(*LAMA).half().state_dict(), tmp_path / "x")
    card = import_checkpoint([tmp_path / "x"], "half", folder)
    assert load_file(card.weights)["model.1.ffc.convl2l.weight"].dtype == torch.float16


def test_tensors_that_share_memory_are_written_apart(tmp_path, folder):
    state = network_of(*LAMA).state_dict()
    state["model.1.bn_l.running_var"] = state["model.1.bn_l.weight"]
    torch.save(state, tmp_path / "x")
    assert import_checkpoint([tmp_path / "x"], "tied", folder).name == "tied"


def test_a_tensorflow_checkpoint_becomes_an_inpainter(tmp_path, folder, monkeypatch):
    network = network_of("deepfillv2-tf", {"cnum": 8})
    state = network.state_dict()
    variables = {
        name: state[key].permute(2, 3, 1, 0) if state[key].ndim == 4 else state[key]
        for name, key in tf_names().items()
    }
    variables |= {
        "discriminator/conv1/kernel": torch.zeros(5, 5, 4, 8),
        "beta1_power": torch.ones(()),
    }
    index, data = tmp_path / "snap-0.index", tmp_path / "snap-0.data-00000-of-00001"
    index.write_bytes(b"index")
    data.write_bytes(b"data")
    monkeypatch.setattr("models.importing.checkpoint.index_of", lambda path: index)
    monkeypatch.setattr(
        "models.importing.checkpoint.read_tensors",
        lambda path: Contents(variables, "tensorflow", {}),
    )
    card = import_checkpoint([index, data, tmp_path / "snap-0"], "tf", folder)
    (origin,) = card.details["imported_from"]
    assert origin["file"] == "snap-0.index"
    assert origin["data"] == {data.name: sha256(data)}
    assert origin["ignored"] == ["beta1_power", "discriminator"]
    stored = load_file(card.weights)
    assert stored.keys() == state.keys()
    assert all(torch.equal(stored[key], state[key]) for key in state)


# EdgeConnect's two files


@pytest.fixture
def halves(tmp_path):
    """Both files, and the whole network."""
    torch.manual_seed(0)
    network = models.create("edgeconnect", width=4, blocks=1, edge_width=2, edge_blocks=2).eval()
    edges, completion = tmp_path / "EdgeModel_gen.pth", tmp_path / "InpaintingModel_gen.pth"
    torch.save({"iteration": 1, "generator": network.edges.state_dict()}, edges)
    torch.save({"iteration": 2, "generator": network.completion.state_dict()}, completion)
    return edges, completion, network


def assert_whole(card, network, folder):
    assert (card.architecture, card.lacks) == ("edgeconnect", "")
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert len(card.details["imported_from"]) == 2
    bare = InpainterCard("same", "gan", "", architecture="edgeconnect")
    same = serve(network, bare, "cpu", "float32")
    assert torch.equal(models.load("ec", "cpu", folder, "float32")(*picture()), same(*picture()))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_both_halves_at_once_are_one_inpainter(halves, folder, order):
    card = import_checkpoint([halves[i] for i in order], "ec", folder)
    assert_whole(card, halves[2], folder)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_second_half_completes_the_first(halves, folder, order):
    import_checkpoint([halves[order[0]]], "ec", folder, licence="ours")
    card = import_checkpoint([halves[order[1]]], "ec", folder)
    assert card.licence == "ours"
    assert_whole(card, halves[2], folder)


def test_the_completion_network_alone_fills(halves, folder):
    card = import_checkpoint([halves[1]], "ec", folder)
    assert card.config["edge_generator"] is False
    assert models.load("ec", "cpu", folder)(*picture()).isfinite().all()


def test_the_edge_network_alone_waits_for_the_other_and_says_so(halves, folder):
    card = import_checkpoint([halves[0]], "ec", folder)
    assert "InpaintingModel_gen.pth" in card.lacks
    assert "ec" not in {card.name for card in models.available(folder)}
    assert [card.name for card in cards_in(folder, finished=False)] == ["ec"]
    with pytest.raises(models.WeightsRefused, match=r"ec is not complete.*InpaintingModel_gen"):
        models.load("ec", "cpu", folder)


def test_the_same_half_twice_is_refused(halves, folder):
    again = halves[0].with_name("again.pth")
    again.write_bytes(halves[0].read_bytes())
    with pytest.raises(models.WeightsRefused, match="both files hold edgeconnect-edge"):
        import_checkpoint([halves[0], again], "ec", folder)
    import_checkpoint([halves[0]], "ec", folder)
    with pytest.raises(models.WeightsRefused, match="already"):
        import_checkpoint([halves[0]], "ec", folder)


def test_a_half_that_has_been_altered_is_not_completed(halves, folder):
    card = import_checkpoint([halves[0]], "ec", folder)
    card.weights.write_bytes(card.weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(models.WeightsRefused, match="damaged"):
        import_checkpoint([halves[1]], "ec", folder)


def test_files_of_different_networks_are_not_joined(halves, checkpoint, folder):
    with pytest.raises(models.WeightsRefused, match="one by one"):
        import_checkpoint([halves[0], checkpoint[0]], "ec", folder)


# Names, terms, and what remains after a failure


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", ".hidden", "a b", "x" * 65, "ü", "x.json", "-x", "a\n"]
)
def test_names_that_cannot_be_files_are_refused(name, checkpoint, folder):
    with pytest.raises(NameRefused, match="cannot be a name"):
        import_checkpoint([checkpoint[0]], name, folder)


@pytest.mark.parametrize("name", ["telea", "identity", "art-small"])
@pytest.mark.parametrize("replace", [True, False])
def test_the_names_of_this_program_stay_its_own(name, replace, checkpoint, folder):
    with pytest.raises(NameRefused, match="another name"):
        import_checkpoint([checkpoint[0]], name, folder, replace=replace)


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(checkpoint, folder):
    first = import_checkpoint([checkpoint[0]], "x", folder, source="the first")
    with pytest.raises(models.WeightsRefused, match="--replace"):
        import_checkpoint([checkpoint[0]], "x", folder)
    assert read_card(folder / "x.json") == first
    second = import_checkpoint([checkpoint[0]], "x", folder, source="the second", replace=True)
    assert (second.source, read_card(folder / "x.json")) == ("the second", second)


def test_weights_without_a_card_are_not_overwritten(checkpoint, folder):
    folder.mkdir()
    (folder / "x.safetensors").write_bytes(b"somebody's")
    with pytest.raises(models.WeightsRefused, match="--replace"):
        import_checkpoint([checkpoint[0]], "x", folder)
    assert (folder / "x.safetensors").read_bytes() == b"somebody's"


def test_terms_are_the_users_or_unknown_where_the_network_is_nobodys(checkpoint, folder):
    card = import_checkpoint([checkpoint[0]], "x", folder)
    assert card.licence == "unknown: state it with --licence"
    assert card.source == "unknown: state it with --source"
    card = import_checkpoint([checkpoint[0]], "y", folder, "CC0-1.0", "our studio")
    assert (card.licence, card.source) == ("CC0-1.0", "our studio")
    assert card.details["stated"] == ["licence", "source"]


def test_terms_are_those_of_the_publication_where_the_network_is_its(tmp_path, folder):
    torch.save(network_of("deepfillv2", {}).state_dict(), tmp_path / "x.pth")
    card = import_checkpoint([tmp_path / "x.pth"], None, folder)
    assert card.name == "deepfillv2"
    assert card.licence == "CC-BY-NC-4.0"
    assert card.source.startswith("https://")
    assert "Gated Convolution" in card.paper


def test_a_failure_leaves_nothing_behind(checkpoint, folder, monkeypatch):
    import_checkpoint([checkpoint[0]], "x", folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def fail(*_):
        raise models.WeightsRefused("no")

    monkeypatch.setattr("models.importing.placing.open_inpainter", fail)
    for name, replace in (("x", True), ("y", False)):
        with pytest.raises(models.WeightsRefused, match="no"):
            import_checkpoint([checkpoint[0]], name, folder, replace=replace)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_weights_that_compute_nonsense_are_refused(tmp_path, folder):
    state = network_of(*LAMA).state_dict()
    state["model.1.bn_l.running_var"] -= 1e3  # the root of a negative variance
    torch.save(state, tmp_path / "x")
    with pytest.raises(models.WeightsRefused, match="not finite"):
        import_checkpoint([tmp_path / "x"], "x", folder)
    assert not list(folder.iterdir())


def test_a_file_is_named_in_every_refusal(tmp_path, folder):
    torch.save(
        {"model0.0.weight": torch.zeros(1), "model1.0.weight": torch.zeros(1)}, tmp_path / "d"
    )
    (tmp_path / "text").write_text("weights, honestly")
    for name, said in (("d", "a discriminator"), ("text", "format"), ("none", "cannot be read")):
        with pytest.raises(models.ModelError, match=said) as refused:
            import_checkpoint([tmp_path / name], "x", folder)
        assert str(tmp_path / name) in str(refused.value)
    assert not folder.exists()


def test_a_refusal_is_one_line_whatever_a_file_calls_its_tensors(tmp_path, folder):
    torch.save({"\x1b[31mline\nbreak": torch.zeros(1)}, tmp_path / "x")
    with pytest.raises(models.WeightsRefused) as refused:
        import_checkpoint([tmp_path / "x"], "x", folder)
    assert str(refused.value).isprintable()


def test_a_folder_that_cannot_be_made_is_named(checkpoint, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(models.ModelError, match="cannot be written"):
        import_checkpoint([checkpoint[0]], "x", tmp_path / "file")


def test_the_card_is_plain_json(checkpoint, folder):
    import_checkpoint([checkpoint[0]], "x", folder)
    fields = json.loads((folder / "x.json").read_text())
    assert fields["architecture"] == "lama"
    assert fields["config"]["n_blocks"] == 2
    assert fields["imported_at"].startswith("20")
