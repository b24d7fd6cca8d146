"""Checkpoints of torch.save, the new and the old kind, honest and hostile."""

import argparse
import collections
import os
import pathlib
import pickle
import struct
import sys
import typing
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import WeightsRefused
from models.importing.reading import contents as contents_module
from models.importing.reading import read_tensors, torch_archive
from models.importing.reading.references import Inert, InertMapping

KINDS = {"torch": {}, "torch (legacy)": {"_use_new_zipfile_serialization": False}}
kinds = pytest.mark.parametrize("kind", KINDS)


def saved(path, value, kind="torch"):
    torch.save(value, path, **KINDS[kind])
    return path


def refusal(path) -> str:
    with pytest.raises(WeightsRefused) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pretending(module: str, name: str = "Thing", base: type = object) -> type:
    """A class that pickles under another name; unpickling it for real would fail."""
    return type(name, (base,), {"__module__": module, "__qualname__": name})


class ByName(pickle._Pickler):
    """Pickles classes that cannot be imported, by the name they say they have."""

    def save_global(self, obj, name=None):
        self.write(pickle.GLOBAL + f"{obj.__module__}\n{obj.__qualname__}\n".encode())
        self.memoize(obj)


class Pickling:
    """What torch.save takes as its pickle module."""

    Pickler = ByName
    dumps = staticmethod(pickle.dumps)
    dump = staticmethod(lambda value, file, protocol: ByName(file, protocol).dump(value))


@kinds
def test_nested_dictionaries_become_dotted_names(tmp_path, kind):
    state = {
        "G": collections.OrderedDict({"conv.weight": torch.arange(4.0)}),
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1}]},
        "iteration": 7,
        "note": "x",
        "done": True,
        "loss": 0.5,
        "nothing": None,
        "p": torch.nn.Parameter(torch.ones(1, dtype=torch.bfloat16)),
    }
    contents = read_tensors(saved(tmp_path / "x", state, kind))
    assert contents.format == kind
    assert list(contents.tensors) == ["G.conv.weight", "optimizer.state.0.exp_avg", "p"]
    assert contents.tensors["G.conv.weight"].tolist() == [0, 1, 2, 3]
    assert not contents.tensors["p"].requires_grad
    assert contents.scalars == {"iteration": 7, "note": "x", "done": True, "loss": 0.5}


def test_a_checkpoint_of_python_2_is_read(tmp_path):
    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"94") + text(b"cuda:0")
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"\x8a\1\2NtQK\0\x8a\1\2\x85"
    pair = b"](" + text(b"main.weight") + tensor + b"K\1\x85tRe"
    state = b"ccollections\nOrderedDict\n](" + pair + b"e\x85R"
    path = tmp_path / "netG.pth"
    start = [torch.serialization.MAGIC_NUMBER, 1001, {"little_endian": True}]
    path.write_bytes(
        b"".join(pickle.dumps(value, 2) for value in start)
        + b"\x80\2}"
        + text(b"state_dict")
        + state
        + b"s.\x80\2]"
        + text(b"94")
        + b"a."
        + struct.pack("<qff", 2, 0.5, 1.5)
    )
    assert read_tensors(path).tensors["state_dict.main.weight"].tolist() == [0.5, 1.5]


@kinds
def test_a_checkpoint_of_lightning_1_2_is_read_with_stand_ins(tmp_path, kind, monkeypatch):
    for module in ("pytorch_lightning", "omegaconf", "argparse"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it is an error
    checkpoint = pretending("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
    config, attributes = (
        pretending("omegaconf.dictconfig"),
        pretending("pytorch_lightning.utilities.parsing", "AttributeDict", dict),
    )
    settings = config()
    settings.content = {"kind": dict, "any": typing.Any, "counts": collections.Counter("aab")}
    state = {
        "epoch": 39,
        "state_dict": {"generator.model.1.ffc.convl2l.weight": torch.ones(2, 2)},
        "callbacks": {checkpoint: {"score": np.float64(0.5), "tensor": torch.zeros(1)}},
        "hyper_parameters": settings,
        "hparams_type": config,
        "attributes": attributes(lr=0.1),
        "namespace": argparse.Namespace(seed=1),
        "missing": collections.defaultdict(dict, {1: 2}),
        "array": np.ones(3),
        "folder": pathlib.PurePosixPath("/x"),
    }
    path = tmp_path / "best.ckpt"
    torch.save(state, path, pickle_module=Pickling, **KINDS[kind])
    contents = read_tensors(path)
    assert list(contents.tensors) == ["state_dict.generator.model.1.ffc.convl2l.weight"]
    assert contents.scalars == {"epoch": 39, "attributes.lr": 0.1, "missing.1": 2}


def test_stand_ins_are_forgotten_after_reading(tmp_path):
    before = torch.serialization.get_safe_globals()
    read_tensors(saved(tmp_path / "x", {"a": torch.ones(1), "b": argparse.Namespace(c=1)}))
    assert torch.serialization.get_safe_globals() == before


def test_stand_ins_take_anything_and_keep_nothing():
    thing = Inert(1, a=2)
    thing.__setstate__({"b": 3})
    assert vars(thing) == {}
    assert {Inert: 1, thing: 2}[thing] == 2
    assert InertMapping(dict) == {}


@kinds
def test_what_would_run_is_refused_by_name_and_does_not_run(tmp_path, trap, kind):
    pickled, sprung = trap
    state = {"a": torch.ones(1), "b": pickled}
    assert "io.open" in refusal(saved(tmp_path / "x", state, kind))
    assert not sprung.exists()


@kinds
@pytest.mark.parametrize(
    "reference", [os.system, eval, exec, torch.nn.Linear, torch.load, torch.hub.load, getattr]
)
def test_other_references_are_refused_by_name(tmp_path, kind, reference):
    message = refusal(saved(tmp_path / "x", {"a": torch.ones(1), "b": reference}, kind))
    assert f"{reference.__module__}.{reference.__name__}" in message
    assert "state_dict" in message


@kinds
def test_a_persistent_class_of_nvidia_is_refused_with_the_safe_release(tmp_path, kind):
    state = {"a": torch.ones(1), "b": pretending("torch_utils.persistence")}
    torch.save(state, tmp_path / "x", pickle_module=Pickling, **KINDS[kind])
    assert "comodgan_512_places2.pt" in refusal(tmp_path / "x")


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source")
@kinds
def test_a_whole_network_is_refused(tmp_path, kind):
    assert "torch.nn.modules" in refusal(saved(tmp_path / "x", torch.nn.Linear(1, 1), kind))


@pytest.mark.parametrize(
    "call",
    [
        b"ctorch.storage\nUntypedStorage\n\x8a\x05\x00\x00\x00\x00\x40\x85R",  # 256 GiB
        b"ctorch\nFloatStorage\n\x8a\x05\x00\x00\x00\x00\x40\x85R",
        b"cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x40\x85R",
        b"ctorch\nFloatTensor\n\x8a\x05\x00\x00\x00\x00\x40\x85R",
        b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00uu   \x86R",
        b"cbuiltins\nset\n](" + b")" + b"\x85" * 100_000 + b"e\x85R",
        b"ccollections\nOrderedDict\n](](" + b")" + b"\x85" * 100_000 + b"K\x01ee\x85R",
        b"cargparse\nNamespace\n)\x81)R",
    ],
    ids=["untyped", "storage", "bytes", "tensor", "codec", "set", "pairs", "instance"],
)
def test_calls_that_no_weights_need_are_refused(tmp_path, rewrite, call):
    source = saved(tmp_path / "x", {"a": torch.ones(1)})
    path = rewrite(source, tmp_path / "y", {"data.pkl": b"\x80\x02" + call + b"."})
    refusal(path)


@kinds
def test_a_tensor_larger_than_the_file_is_refused_before_it_is_made(tmp_path, monkeypatch, kind):
    path = saved(tmp_path / "x", {"a": torch.arange(77, dtype=torch.uint8)}, kind)
    content = path.read_bytes()
    swollen = content.replace(b"K\x4d", b"K\xff")  # both the storage and the tensor
    assert content.count(b"K\x4d") == 2
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was loaded"))
    if kind == "torch":
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "y", "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name).replace(b"K\x4d", b"K\xff"))
        swollen = (tmp_path / "y").read_bytes()
    path.write_bytes(swollen)
    assert "fetch it again" in refusal(path)


@kinds
def test_a_view_that_repeats_its_data_is_refused(tmp_path, kind):
    state = {"a": torch.ones(1).expand(1_000_000_000)}
    assert "larger than its data" in refusal(saved(tmp_path / "x", state, kind))


@kinds
def test_tied_weights_are_read_but_not_a_thousand_of_them(tmp_path, kind):
    one = torch.ones(100_000)
    contents = read_tensors(saved(tmp_path / "x", {"a": one, "b": one}, kind))
    assert contents.tensors["a"].data_ptr() == contents.tensors["b"].data_ptr()
    many = {f"a{i}": one for i in range(1000)}
    assert "far larger" in refusal(saved(tmp_path / "x", many, kind))


@kinds
def test_exponentially_many_names_are_refused(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(contents_module, "_MOST", 1000)
    state = {"a": torch.ones(1)}
    for _ in range(15):
        state = {str(i): state for i in range(9)}
    assert "too many" in refusal(saved(tmp_path / "x", state, kind))


@kinds
def test_an_empty_tensor_of_absurd_shape_is_refused(tmp_path, kind):
    state = {"a": torch.ones(1), "b": torch.empty(0).as_strided((2**62, 0), (1, 1))}
    assert "impossible shape" in refusal(saved(tmp_path / "x", state, kind))


@kinds
def test_a_dictionary_in_itself_is_refused(tmp_path, kind):
    state = {"a": torch.ones(1)}
    state["b"] = state
    assert "too deeply" in refusal(saved(tmp_path / "x", state, kind))


@kinds
@pytest.mark.parametrize("value", [torch.ones(3), {"epoch": 1}, [torch.ones(1)], {}])
def test_what_has_no_named_tensors_is_refused(tmp_path, kind, value):
    assert "state_dict" in refusal(saved(tmp_path / "x", value, kind))


@kinds
def test_two_tensors_of_one_name_are_refused(tmp_path, kind):
    state = {"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}}
    assert "two tensors named a.b" in refusal(saved(tmp_path / "x", state, kind))


def test_sparse_tensors_are_refused(tmp_path):
    assert "sparse" in refusal(saved(tmp_path / "x", {"a": torch.eye(3).to_sparse()}))


def test_parts_outside_the_folder_are_ignored(tmp_path, rewrite):
    source = saved(tmp_path / "x", {"a": torch.ones(2)})
    path = rewrite(source, tmp_path / "y", {"../../../escaped": b"x", "data/../../up": b"x"})
    assert read_tensors(path).tensors["a"].tolist() == [1, 1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "y"]


def test_a_compressed_archive_is_refused(tmp_path, rewrite):
    source = saved(tmp_path / "x", {"a": torch.zeros(1000)})
    path = rewrite(source, tmp_path / "y", {}, compression=zipfile.ZIP_DEFLATED)
    assert "compressed" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_parts_that_differ_only_in_case_are_refused(tmp_path, rewrite):
    source = saved(tmp_path / "x", {"a": torch.ones(1)})
    assert "same name" in refusal(rewrite(source, tmp_path / "y", {"DATA.PKL": b"x"}))


@pytest.mark.parametrize("part", ["data.pkl", "data/0"])
def test_a_missing_part_is_refused(tmp_path, rewrite, part):
    source = saved(tmp_path / "x", {"a": torch.ones(1)})
    refusal(rewrite(source, tmp_path / "y", {part: None}))


@kinds
@given(data=st.data())
def test_every_cut_is_refused(tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("cut")
    content = saved(
        folder / "x", {"a": torch.ones(3), "b": {"c": torch.ones(2)}}, kind
    ).read_bytes()
    (folder / "x").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    refusal(folder / "x")


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # of a text made of noise
@kinds
@given(data=st.data())
def test_a_damaged_byte_is_refused_or_harmless(tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(saved(folder / "x", {"a": torch.ones(3)}, kind).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "x").write_bytes(content)
    try:
        contents = read_tensors(folder / "x")
    except WeightsRefused:
        return
    assert sum(tensor.numel() for tensor in contents.tensors.values()) <= len(content)


def test_torch_is_always_asked_for_weights_only(tmp_path, monkeypatch):
    asked = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda *a, **k: (asked.append(k), load(*a, **k))[1])
    for kind in KINDS:
        read_tensors(saved(tmp_path / "x", {"a": torch.ones(1)}, kind))
    assert [k["weights_only"] for k in asked] == [True, True]


def test_the_old_magic_is_that_of_torch():
    assert pickle.dumps(torch.serialization.MAGIC_NUMBER, 2) == torch_archive.LEGACY_MAGIC
