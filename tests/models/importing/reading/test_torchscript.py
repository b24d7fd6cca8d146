"""TorchScript archives give their tensors without being run."""

import contextlib
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from models.errors import WeightsRefused
from models.importing.reading import read_tensors

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Small(nn.Module):
    """A generator in a wrapper, as the published archive has it."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        tied = nn.Linear(2, 2)
        self.one, self.two = tied, tied
        self.register_buffer("window", torch.arange(8).float()[2:5])
        self.depth = 3

    def forward(self, x):
        y = self.generator(x).mean((2, 3))
        return self.two(self.one(y)) * self.window.sum()


class Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = Small()

    def forward(self, x):
        return self.model(x)


@pytest.fixture(scope="module")
def network():
    return Wrapper().eval()


def saved(path, module):
    torch.jit.save(module, path)
    return path


def traced(network):
    return torch.jit.trace(network, torch.ones(1, 1, 8, 8))


def refusal(path) -> str:
    with pytest.raises(WeightsRefused) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("make", [traced, torch.jit.script], ids=["traced", "scripted"])
def test_the_state_dict_comes_back(tmp_path, network, make, monkeypatch):
    path = saved(tmp_path / "big-lama.pt", make(network))
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was run"))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was unpickled"))
    contents = read_tensors(path)
    assert contents.format == "torchscript"
    wanted = dict(network.state_dict())
    assert contents.tensors.keys() == wanted.keys()
    torch.testing.assert_close(contents.tensors, wanted, rtol=0, atol=0)
    assert all(not tensor.requires_grad for tensor in contents.tensors.values())


def test_half_precision_strides_and_numbers_survive(tmp_path):
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("turned", torch.arange(6).half().reshape(2, 3).t())
            self.register_buffer("none", torch.empty(0, 3))
            self.register_buffer("count", torch.tensor(5))
            self.steps = 4

        def forward(self, x):
            return x + self.turned.sum() * self.count * self.steps + self.none.sum()

    contents = read_tensors(saved(tmp_path / "x", torch.jit.script(Odd())))
    assert contents.tensors["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert contents.tensors["none"].shape == (0, 3)
    assert contents.tensors["count"].item() == 5
    assert contents.scalars["steps"] == 4


@pytest.mark.parametrize("fold", [torch.jit.freeze, torch.jit.optimize_for_inference])
def test_folded_weights_are_refused_saying_so(tmp_path, network, fold):
    path = saved(tmp_path / "x", fold(torch.jit.script(network)))
    assert "folded into its code" in refusal(path)


def test_foreign_names_are_refused_and_not_called(tmp_path, network, rewrite, trap):
    pickled, sprung = trap
    source = saved(tmp_path / "x", traced(network))
    path = rewrite(source, tmp_path / "y", {"data.pkl": pickle.dumps(pickled, 2)})
    assert "io.open" in refusal(path)
    assert not sprung.exists()


def test_the_code_in_an_archive_is_not_looked_at(tmp_path, network, rewrite):
    source = saved(tmp_path / "x", traced(network))
    path = rewrite(source, tmp_path / "y", {"code/__torch__.py": b"nonsense ("})
    assert len(read_tensors(path).tensors) == len(network.state_dict())


def described(shape, stride, offset=b"K\0", count=b"K\x03") -> bytes:
    """A module with one tensor, which says of itself what it likes."""
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" + b"0X\3\0\0\0cpu" + count + b"tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset
    tensor += shape + stride + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02c__torch__\nM\n)\x81}X\1\0\0\0w" + tensor + b"sb."


HUGE = b"\x8a\x08\0\0\0\0\0\0\0\x40"


@pytest.mark.parametrize(
    "description",
    [
        described(b"K\x04\x85", b"K\x01\x85"),
        described(b"K\x03\x85", b"K\x01\x85", offset=b"K\x01"),
        described(b"K\x03\x85", b"K\x02\x85"),
        described(b"K\x03\x85", b"J\xff\xff\xff\xff\x85"),
        described(b"J\xff\xff\xff\xff\x85", b"K\x01\x85"),
        described(b"K\x03\x85", b"K\x01K\x01\x86"),
        described(HUGE + b"\x85", b"K\0\x85"),
        described(HUGE + b"K\x00" + HUGE + b"\x87", b"K\0K\0K\0\x87"),
        described(b"K\x03\x85", b"K\x01\x85", count=HUGE),
        described(b"K\x03\x85", b"K\x01\x85", count=b"K\x04"),
        described(b"K\x03\x85", b"K\x01\x85", count=b"J\xff\xff\xff\xff"),
        described(b"]", b"K\x01\x85"),
    ],
    ids=[
        *("long", "offset", "stride", "back", "negative", "ranks"),
        *("wide", "empty", "count", "short", "minus", "list"),
    ],
)
def test_a_tensor_that_does_not_lie_in_its_data_is_refused(tmp_path, network, rewrite, description):
    source = saved(tmp_path / "x", traced(network))
    good = described(b"K\x03\x85", b"K\x01\x85")
    parts = {"data/0": bytes(12)}
    path = rewrite(source, tmp_path / "good", {**parts, "data.pkl": good}, compression=0)
    assert read_tensors(path).tensors["w"].tolist() == [0, 0, 0]
    refusal(rewrite(source, tmp_path / "y", {**parts, "data.pkl": description}))


def test_a_module_inside_itself_is_refused(tmp_path, network, rewrite):
    source = saved(tmp_path / "x", traced(network))
    good = described(b"K\x03\x85", b"K\x01\x85")
    looped = good[:2] + b"c__torch__\nN\n)\x81q\0}(X\1\0\0\0ah\0X\1\0\0\0m" + good[2:-1] + b"ub."
    path = rewrite(source, tmp_path / "y", {"data/0": bytes(12), "data.pkl": looped})
    assert "nests" in refusal(path)


@pytest.fixture(scope="module")
def sound(network, tmp_path_factory):
    return saved(tmp_path_factory.mktemp("sound") / "x", traced(network)).read_bytes()


@given(data=st.data())
def test_cuts_and_damaged_bytes_are_refused_or_harmless(tmp_path_factory, sound, data):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(sound)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
        (folder / "x").write_bytes(content)
        refusal(folder / "x")
        return
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "x").write_bytes(content)
    with contextlib.suppress(WeightsRefused):
        read_tensors(folder / "x")
