import json

import pytest
import torch

import models
from models.importing.published import PUBLISHED

TINY = {"ngf": 8, "n_downsampling": 2, "n_blocks": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder for a user's own weights."""
    monkeypatch.setenv("HERITAGE_MODELS", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    state = models.create("lama", **TINY).state_dict()
    torch.save({"generator": state}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


@pytest.fixture
def edges(tmp_path):
    state = models.create("edgeconnect-edge", width=2, blocks=1).state_dict()
    torch.save({"generator": state}, tmp_path / "EdgeModel_gen.pth")
    return tmp_path / "EdgeModel_gen.pth"


def listed(run):
    return {one["name"]: one for one in json.loads(run("models", "--json").stdout)}


def test_every_inpainter_is_listed(run, folder) -> None:
    names = [card.name for card in models.available(folder)]
    table = run("models")
    assert table.exit_code == 0
    assert all(name in table.stdout for name in names)
    here = [one for one in listed(run).values() if one["present"]]
    assert [one["name"] for one in here] == names


def test_what_was_published_is_listed_with_how_to_get_it(run, folder) -> None:
    table = run("models").stdout
    answers = listed(run)
    for entry in PUBLISHED:
        assert entry.key in table
        assert entry.command in table
        assert entry.source in table
        assert answers[entry.key]["present"] is False
        assert answers[entry.key]["licence"] == entry.licence


def test_every_answer_says_what_a_chooser_needs(run, folder) -> None:
    for answer in listed(run).values():
        for field in ("purpose", "kind", "licence", "source"):
            assert answer[field], (answer["name"], field)
        assert isinstance(answer["parameters"], int)


def test_an_imported_checkpoint_is_there_by_name(run, folder, checkpoint) -> None:
    said = run("models", "import", checkpoint, "--as", "mine", "--licence", "CC0-1.0")
    assert said.exit_code == 0, said.stderr
    assert "mine: lama" in said.stdout
    assert "--model mine" in said.stdout
    answer = listed(run)["mine"]
    assert (answer["present"], answer["licence"]) == (True, "CC0-1.0")
    assert models.load("mine", "cpu").name == "mine"


def test_the_answer_of_an_import_can_be_read_by_a_script(run, folder, checkpoint) -> None:
    card = json.loads(run("models", "import", checkpoint, "--as", "mine", "--json").stdout)
    assert card["architecture"] == "lama"
    assert card["weights"] == str(folder / "mine.safetensors")
    assert card["details"]["imported_from"][0]["file"] == "best.ckpt"


def test_published_weights_that_are_here_are_listed_once(run, folder, tmp_path) -> None:
    torch.save(models.create("deepfillv2").state_dict(), tmp_path / "x")
    assert run("models", "import", tmp_path / "x", "--as", "gated").exit_code == 0
    answers = listed(run)
    assert "deepfillv2" not in answers
    assert answers["gated"]["licence"] == "CC-BY-NC-4.0"


def test_half_of_a_pair_is_listed_with_what_it_lacks(run, folder, edges) -> None:
    said = run("models", "import", edges, "--as", "ec")
    assert said.exit_code == 0
    assert "InpaintingModel_gen.pth" in said.stdout
    assert "--model" not in said.stdout
    assert listed(run)["ec"]["present"] is False
    assert "ec cannot be used yet" in run("models").stdout


@pytest.mark.parametrize("name", ["art-small", "telea", "big-lama", "identity"])
def test_one_can_be_shown_whether_it_is_here_or_not(name, run, folder) -> None:
    text = run("models", "show", name)
    assert text.exit_code == 0
    assert f"name: {name}" in text.stdout
    answer = json.loads(run("models", "show", name, "--json").stdout)
    assert answer["name"] == name
    assert answer["purpose"] in text.stdout


def test_faults_are_one_line_and_an_exit_status(run, folder, checkpoint, tmp_path) -> None:
    (tmp_path / "text").write_text("no weights")
    run("models", "import", checkpoint, "--as", "mine")
    for arguments, status, said in (
        (("show", "nix"), 3, "nix"),
        (("import", tmp_path / "text", "--as", "x"), 3, str(tmp_path / "text")),
        (("import", tmp_path / "nothing", "--as", "x"), 3, "nothing"),
        (("import", checkpoint, "--as", "mine"), 3, "--replace"),
        (("import", checkpoint, "--as", "telea"), 2, "telea"),
        (("import", checkpoint, "--as", "a/b"), 2, "a/b"),
        (("export", "nix", "--onnx", tmp_path / "x.onnx"), 3, "nix"),
    ):
        result = run("models", *arguments)
        assert result.exit_code == status, arguments
        assert result.stderr.count("\n") == 1, arguments
        assert result.stderr.startswith("heritage: ")
        assert said in result.stderr
    assert run("models", "import").exit_code == 2
    assert run("models", "import", checkpoint, "--as", "mine", "--replace").exit_code == 0
