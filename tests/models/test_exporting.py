"""What is exported does in ONNX Runtime what it does here."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import models
from models import exporting
from models.exporting import export_onnx
from models.testing import CONFIGS, write_tiny

SIDE = 64


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.mark.parametrize("architecture", CONFIGS)
def test_onnx_runtime_gives_what_the_inpainter_gives(folder, tmp_path, architecture):
    made = write_tiny(folder, architecture)
    side = made.side or SIDE
    target = tmp_path / "tiny.onnx"
    said = export_onnx("tiny", target, None if made.side else side, folder=folder)
    assert said["difference"] <= 1e-3
    generator = torch.Generator().manual_seed(9)
    image = torch.rand(3, 3, side, side, generator=generator)  # not a batch it was exported with
    mask = torch.zeros(3, 1, side, side)
    quarter = side // 4
    mask[:, :, quarter : side - quarter, quarter : side - quarter] = 1
    inputs = {"image": image, "mask": mask}
    if "edges" in said["inputs"]:
        from models.networks.canny import canny_edges

        inputs["edges"] = canny_edges(image * (1 - mask), mask)
    if "latent" in said["inputs"]:
        from models.draws import Draw

        inputs["latent"] = Draw(number=1).latent(made.latent).expand(3, -1).contiguous()
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {name: value.numpy() for name, value in inputs.items()})[0]
    known = (mask == 0).expand_as(image).numpy()
    assert np.array_equal(theirs[known], image.numpy()[known])
    if architecture == "context-encoder":
        return  # its inpainter lays several windows over a hole; the file is one window
    inpainter = models.load("tiny", "cpu", folder, "float32")
    ours = inpainter(image, mask, proposals=2 if inpainter.samples else 1)[-1]
    np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-3)


def test_the_file_says_what_it_is(folder, tmp_path):
    write_tiny(folder, "edgeconnect-inpaint")
    target = tmp_path / "deep" / "down" / "x.onnx"
    said = export_onnx("tiny", target, 32, folder=folder)
    props = {p.key: p.value for p in onnx.load(target).metadata_props}
    assert props["heritage.model"] == "tiny"
    assert len(props["heritage.weights_sha256"]) == 64
    assert said["inputs"] == ["image", "mask", "edges"]
    assert [path.name for path in target.parent.iterdir()] == ["x.onnx"]


def test_an_answer_that_differs_is_not_kept(folder, tmp_path, monkeypatch):
    write_tiny(folder, "edgeconnect-inpaint")
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(models.ExportFailed, match="differs"):
        export_onnx("tiny", tmp_path / "x.onnx", 32, folder=folder)
    assert not list(tmp_path.glob("*x.onnx*"))


@pytest.mark.parametrize(
    ("architecture", "side", "said"),
    [("lama", 100, "multiple of 8"), ("lama", 8, "from 64 on"), ("migan", 128, "64 pixels only")],
)
def test_a_size_that_the_network_cannot_take_is_refused(folder, tmp_path, architecture, side, said):
    write_tiny(folder, architecture)
    with pytest.raises(models.ExportFailed, match=said):
        export_onnx("tiny", tmp_path / "x.onnx", side, folder=folder)


def test_a_method_without_a_network_is_refused(tmp_path):
    with pytest.raises(models.ExportFailed, match="telea has no network"):
        export_onnx("telea", tmp_path / "x.onnx")


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(models.ExportFailed, match="onnxruntime"):
        export_onnx("art-small", tmp_path / "x.onnx")
