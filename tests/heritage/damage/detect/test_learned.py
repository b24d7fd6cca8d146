import json

import numpy as np
import pytest
import tifffile
import torch

from heritage.damage.classes import DamageClass
from heritage.damage.detect.learned import Learned
from heritage.damage.detect.search import search
from models.checkpoints import save_weights
from models.detectors import find_detector
from models.networks.damage_unet import DamageUNet


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A network with random weights: what it says is nonsense, but how it says it is not."""
    torch.manual_seed(4)
    network = DamageUNet((4, 4, 4, 4))
    folder = tmp_path_factory.mktemp("models") / "detection"
    folder.mkdir()
    digest = save_weights(folder / "any.safetensors", network.state_dict())
    said = {"sha256": digest, "widths": [4, 4, 4, 4], "level": 0.0, "licence": "CC0-1.0"}
    (folder / "any.json").write_text(json.dumps(said))
    return find_detector("any", folder.parent)


def picture(height, width):
    rng = np.random.default_rng(8)
    coarse = rng.random((height // 16 + 1, width // 16 + 1, 3))
    fine = coarse.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
    return (fine * 0.8 + rng.random((height, width, 3)) * 0.2).astype(np.float32)


def test_results_do_not_depend_on_how_a_picture_is_cut(card):
    detector = Learned(card, "cpu")
    edge, whole = detector.context, picture(700 + 384, 1100 + 384)
    found = detector.detect(whole)
    inner = np.s_[edge : edge + 512, edge + 512 : edge + 1024]
    part = detector.detect(np.ascontiguousarray(whole[: 512 + 384, 512 : 1024 + 384]))
    core = np.s_[edge : edge + 512, edge : edge + 512]
    assert np.array_equal(found.confidence[inner], part.confidence[core])
    assert np.array_equal(found.classes[inner], part.classes[core])
    last = detector.detect(np.ascontiguousarray(whole[512:, 1024:]))
    corner = np.s_[edge : edge + 188, edge : edge + 76]
    assert np.array_equal(found.confidence[512 + edge : 700 + edge, 1024 + edge : 1100 + edge],
                          last.confidence[corner])  # fmt: skip


def test_a_confidence_of_a_half_is_the_level_that_it_was_calibrated_to(card):
    from dataclasses import replace

    seen = picture(384 + 64, 384 + 64)
    plain = Learned(card, "cpu").detect(seen).confidence[192:256, 192:256]
    middle = np.sort(plain, axis=None)[plain.size // 2]
    level = float(np.log(middle / (1 - middle)))
    moved = Learned(replace(card, level=level), "cpu").detect(seen).confidence[192:256, 192:256]
    assert np.sort(moved, axis=None)[plain.size // 2] == pytest.approx(0.5, abs=1e-5)
    assert ((moved > 0.501) <= (plain > middle)).all()


def test_every_confident_pixel_has_a_kind(card):
    found = Learned(card, "cpu").detect(picture(500, 500))
    assert (found.classes[found.confidence > 0] > DamageClass.NONE).all()
    assert not found.confidence[:192].any()  # of the surroundings nothing is said


def test_a_master_is_searched_alike_in_small_and_large_windows(card, tmp_path):
    master = tmp_path / "m.tif"
    tifffile.imwrite(master, np.rint(picture(900, 1300) * 255).astype(np.uint8), tile=(256, 256),
                     photometric="rgb")  # fmt: skip
    detector = Learned(card, "cpu")
    one = search(master, tmp_path / "one", "m", [detector], window=512)
    two = search(master, tmp_path / "two", "m", [detector], window=1024, workers=1)
    assert one.pixels > 0
    assert one.damage.read_bytes() == two.damage.read_bytes()
    assert np.array_equal(tifffile.imread(one.mask), tifffile.imread(two.mask))
