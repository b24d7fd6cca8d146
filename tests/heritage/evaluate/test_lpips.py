import hashlib
from pathlib import Path

import pytest
import torch

from heritage.evaluate.lpips import Lpips
from heritage.evaluate.metrics import feature_maps
from models.errors import ModelNotFound, WeightsRefused
from models.features.squeezenet import SqueezeNetFeatures

SIZES = (64, 128, 256, 384, 384, 512, 512)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    """A backbone in torchvision's layout, classifier included, and linear layers in LPIPS's."""
    folder = tmp_path_factory.mktemp("lpips")
    torch.manual_seed(0)
    state = {
        key: torch.randn_like(value) * 0.05
        for key, value in SqueezeNetFeatures().state_dict().items()
    }
    state["classifier.1.weight"] = torch.zeros(1000, 512, 1, 1)
    state["classifier.1.bias"] = torch.ones(1000)
    torch.save(state, folder / "backbone.pth")
    linear = {f"lin{n}.model.1.weight": torch.rand(1, s, 1, 1) for n, s in enumerate(SIZES)}
    torch.save(linear, folder / "linear.pth")
    return folder / "backbone.pth", folder / "linear.pth"


@pytest.fixture
def lpips(files) -> Lpips:
    return Lpips(*files, official=hashlib.sha256(files[0].read_bytes()).hexdigest()[:8])


def test_the_distance_is_the_formula_of_the_paper(lpips, files, picture):
    """Unit length, difference, square, weighted by the linear layer, mean over places, summed."""
    other = picture[::-1].copy()
    ours, theirs = (feature_maps(one, lpips.features) for one in (picture, other))
    linear = torch.load(files[1], weights_only=True)
    expected = 0.0
    for n, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        unit = [x / (x.norm(dim=1, keepdim=True) + 1e-10) for x in (a, b)]
        weights = linear[f"lin{n}.model.1.weight"]
        expected += float(torch.conv2d((unit[0] - unit[1]) ** 2, weights).mean())
    assert lpips.between(ours, theirs) == pytest.approx(expected, rel=1e-4)
    assert lpips.between(ours, ours) == 0


def test_the_backbone_is_that_of_the_file(lpips, files):
    state = torch.load(files[0], weights_only=True)
    assert torch.equal(lpips.features.state_dict()["features.0.weight"], state["features.0.weight"])


def test_any_other_backbone_is_refused(files):
    with pytest.raises(WeightsRefused, match="not torchvision's squeezenet1_1-b8a52dc0"):
        Lpips(*files)


def test_other_linear_layers_are_refused(files):
    official = hashlib.sha256(files[0].read_bytes()).hexdigest()
    with pytest.raises(WeightsRefused, match=r"lin0\.model\.1\.weight"):
        Lpips(files[0], files[0], official)


def test_missing_files_are_named(files, tmp_path):
    with pytest.raises(ModelNotFound, match=r"nothing\.pth"):
        Lpips(tmp_path / "nothing.pth", files[1])
