"""A file is what its bytes say it is, and a refusal says in one line what to do."""

import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.errors import WeightsRefused
from models.importing.reading import read_tensors

STATE = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.ones(2).half()}


def refusal(path) -> str:
    with pytest.raises(WeightsRefused) as caught:
        read_tensors(path)
    message = str(caught.value)
    assert message.startswith(str(path.parent))
    assert "\n" not in message
    return message


def test_safetensors_are_read_with_their_remarks(tmp_path):
    save_file(STATE, tmp_path / "x", metadata={"format": "pt"})
    contents = read_tensors(tmp_path / "x")
    assert contents.format == "safetensors"
    assert contents.scalars == {"format": "pt"}
    torch.testing.assert_close(contents.tensors, STATE, rtol=0, atol=0)


@pytest.mark.parametrize("cut", [8, 20, 100, -1])
def test_a_cut_safetensors_file_is_refused(tmp_path, cut):
    path = tmp_path / "x.safetensors"
    save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:cut])
    assert "fetch it again" in refusal(path) or "known format" in refusal(path)


@pytest.mark.parametrize("name", ["x.safetensors", "x.index", "x.data-00000-of-00001", "x"])
def test_names_do_not_matter(tmp_path, name):
    torch.save(STATE, tmp_path / name)
    assert read_tensors(tmp_path / name).format == "torch"
    save_file(STATE, tmp_path / name)
    assert read_tensors(tmp_path / name).format == "safetensors"


@pytest.mark.parametrize("reference", ["dnnlib.tflib.network Network", "torch_utils.persistence x"])
def test_a_stylegan_pickle_is_refused_with_its_safe_release(tmp_path, reference):
    path = tmp_path / "network.pkl"
    path.write_bytes(b"\x80\x03cargparse\nNamespace\nc" + reference.replace(" ", "\n").encode())
    path.write_bytes(path.read_bytes() + b"\n)\x81}b\x86." + b"\0" * 50)
    message = refusal(path)
    assert reference.replace(" ", ".") in message
    assert "execute code" in message
    assert "comodgan_256_places2.pt" in message
    assert "safetensors" in message


def test_a_bare_pickle_is_refused_unread(tmp_path, trap):
    pickled, sprung = trap
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"weights": np.ones(3), "more": pickled}))
    assert "io.open" in refusal(path)
    path.write_bytes(pickle.dumps(os.system))
    assert f"{os.name}.system" in refusal(path)
    assert not sprung.exists()


def test_a_refusal_is_one_line_whatever_the_file_says(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x04\x8c\x05a\nb\x1bc\x8c\x01d\x93.")
    assert "a?b?c.d" in refusal(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "known format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "known format"),
        (b"\x80", "execute code"),
        (b"PK\x03\x04", "damaged"),
        (b'model_checkpoint_path: "snap-0"\n', ".index"),
        (b"\xff" * 8 + b"{" + b" " * 100, "known format"),
    ],
)
def test_other_files_are_refused(tmp_path, content, what):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert what in refusal(path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "missing")
    (tmp_path / "folder").mkdir()
    assert "cannot be read" in refusal(tmp_path / "folder")


def test_arrays_of_numpy_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(2))
    assert "not of torch" in refusal(tmp_path / "x.npz")
