import json

import pytest
import torch

from models.checkpoints import save_weights
from models.detectors import find_detector, load_detector
from models.errors import ModelNotFound, WeightsRefused
from models.networks.damage_unet import DamageUNet

WIDTHS = (4, 4, 4, 4)


@pytest.fixture
def folder(tmp_path):
    """A user's own detector, untrained."""
    torch.manual_seed(2)
    place = tmp_path / "detection"
    place.mkdir()
    network = DamageUNet(WIDTHS)
    for one in network.modules():
        if isinstance(one, torch.nn.BatchNorm2d):
            one.running_mean.uniform_(-1, 1)
            one.running_var.uniform_(0.5, 2)
    digest = save_weights(place / "own.safetensors", network.state_dict(), half=False)
    card = {"sha256": digest, "widths": WIDTHS, "level": 0.5, "licence": "CC0-1.0", "data": {}}
    (place / "own.json").write_text(json.dumps(card))
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    return tmp_path


def test_a_user_s_own_detector_is_found_and_says_what_it_learned(folder):
    card = find_detector("own", folder)
    assert (card.name, card.level, card.widths) == ("own", 0.5, WIDTHS)
    loaded = load_detector(card)
    plain = DamageUNet(WIDTHS).eval()
    plain.load_state_dict(torch.load(folder / "plain.pt", weights_only=True))
    seen = torch.rand(1, 3, 64, 64), torch.rand(1, 5, 64, 64)
    with torch.inference_mode():
        for one, two in zip(loaded(*seen), plain(*seen), strict=True):
            assert torch.allclose(one, two, atol=1e-4)  # with normalisations folded in
    assert not any(isinstance(one, torch.nn.BatchNorm2d) for one in loaded.modules())


def test_the_folder_may_be_set_by_the_environment(folder, monkeypatch):
    monkeypatch.setenv("HERITAGE_MODELS", str(folder))
    assert find_detector("own").weights == folder / "detection" / "own.safetensors"


def test_what_is_not_there_or_no_card_is_refused(folder):
    with pytest.raises(ModelNotFound, match="no damage detector 'other'"):
        find_detector("other", folder)
    (folder / "detection" / "own.json").write_text('{"widths": [1, 2]}')
    with pytest.raises(WeightsRefused, match=r"own\.json: not the card"):
        find_detector("own", folder)


def test_weights_that_were_changed_are_refused(folder):
    card = find_detector("own", folder)
    content = bytearray(card.weights.read_bytes())
    content[-1] ^= 1
    card.weights.write_bytes(content)
    with pytest.raises(WeightsRefused, match="SHA-256"):
        load_detector(card)
