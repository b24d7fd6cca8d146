"""Networks trained one by one become one model that can be used, or trained on."""

import json
import subprocess
import sys

import pytest
import torch

import models
from heritage.errors import BadSetting
from heritage.train.join import join
from models.cards import read_card
from models.networks.by_width import WidthInpainter
from models.testing import write_tiny


@pytest.fixture
def parts(tmp_path):
    write_tiny(tmp_path, "edsr", "lines")
    write_tiny(tmp_path, "coarse-to-fine", "losses")
    return {
        "thin": read_card(tmp_path / "lines.json"),
        "wide": read_card(tmp_path / "losses.json"),
    }


def test_the_whole_is_loaded_by_name_and_fills_with_its_parts_weights(parts, tmp_path):
    path = join(parts, "both", tmp_path, purpose="Everything.", default=True)
    said = json.loads(path.read_text(encoding="utf-8"))
    assert (said["architecture"], said["purpose"], said["default"]) == (
        "by-width", "Everything.", True,
    )  # fmt: skip
    assert set(said["training"]) == {"thin", "wide"}
    whole = models.load("both", device="cpu", folder=tmp_path)
    assert isinstance(whole, WidthInpainter)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 30:32, 10:50] = 1  # a line: the thin part's alone
    image = torch.rand(1, 3, 64, 64)
    lines = models.load("lines", device="cpu", folder=tmp_path)
    assert torch.allclose(whole(image, mask), lines(image, mask), atol=1e-2)  # stored in halves


def test_parts_that_make_nothing_are_refused(parts, tmp_path):
    with pytest.raises(BadSetting, match="thin and wide or coarse and fine"):
        join({"thin": parts["thin"], "fine": parts["thin"]}, "x", tmp_path)
    with pytest.raises(BadSetting, match="telea has no weights"):
        join(parts | {"thin": models.registry.find_card("telea")}, "x", tmp_path)
    assert not (tmp_path / "x.json").exists()


def test_as_a_command_it_joins_cards_by_path(parts, tmp_path):
    del parts
    command = [
        sys.executable, "-m", "heritage.train.join", f"thin={tmp_path / 'lines.json'}",
        f"wide={tmp_path / 'losses.json'}", "--as", "both", "--into", str(tmp_path / "models"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models" / "both.safetensors").is_file()
    wrong = subprocess.run([*command[:3], "thin", *command[4:]], capture_output=True, text=True)
    assert wrong.returncode == 3
    assert wrong.stderr.strip() == "join: say each part as PART=MODEL, such as thin=art-thin"
