"""Checkpoints that TensorFlow wrote are read without it; see data/README.md for how they arose."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import WeightsRefused
from models.importing.reading import read_tensors, sstable
from models.importing.reading.bundle import entry_of, header_of
from models.importing.reading.crc32c import crc32c, masked

DATA = Path(__file__).parent / "data"
SNAP = "snap-0.index", "snap-0.data-00000-of-00001"


def refusal(path) -> str:
    with pytest.raises(WeightsRefused) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def copied(tmp_path):
    for file in DATA.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [*SNAP, "snap-0"])
def test_every_variable_is_what_tensorflow_held(name):
    contents = read_tensors(DATA / name)
    assert contents.format == "tensorflow"
    with np.load(DATA / "expected.npz") as expected:
        assert contents.tensors.keys() == set(expected.files)
        for key, tensor in contents.tensors.items():
            assert tensor.numpy().dtype == expected[key].dtype
            np.testing.assert_array_equal(tensor.numpy(), expected[key])
    assert "inpaint_net/conv1/kernel" in contents.tensors
    assert "discriminator/label" not in contents.tensors  # text


@pytest.mark.parametrize("name", ["shards-0", "shards-0.data-00001-of-00002"])
def test_data_may_be_spread_over_files(name):
    tensors = read_tensors(DATA / name).tensors
    assert tensors["inpaint_net/conv1/kernel"].tolist() == torch.arange(12).view(3, 4).tolist()
    assert tensors["inpaint_net/conv2/kernel"].tolist() == list(range(6))


def test_variables_in_slices_are_refused_saying_so():
    assert "slices" in refusal(DATA / "parted-0.index")


def test_missing_parts_are_named(copied):
    (copied / SNAP[1]).unlink()
    assert SNAP[1] in refusal(copied / SNAP[0])
    (copied / "shards-0.index").unlink()
    assert ".index" in refusal(copied / "shards-0.data-00000-of-00002")


@given(cut=st.integers(0, (DATA / SNAP[0]).stat().st_size - 1))
def test_every_cut_of_the_index_is_refused(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    shutil.copy(DATA / SNAP[1], folder)
    (folder / SNAP[0]).write_bytes((DATA / SNAP[0]).read_bytes()[:cut])
    refusal(folder / SNAP[0])


@given(cut=st.integers(0, (DATA / SNAP[1]).stat().st_size - 1))
def test_every_cut_of_the_data_is_refused(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    shutil.copy(DATA / SNAP[0], folder)
    (folder / SNAP[1]).write_bytes((DATA / SNAP[1]).read_bytes()[:cut])
    refusal(folder / SNAP[0])


@given(st.data())
def test_a_damaged_byte_is_refused_or_changes_nothing(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    for name in SNAP:
        shutil.copy(DATA / name, folder)
    victim = folder / data.draw(st.sampled_from(SNAP))
    content = bytearray(victim.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    victim.write_bytes(content)
    try:
        tensors = read_tensors(folder / SNAP[0]).tensors
    except WeightsRefused:
        return
    torch.testing.assert_close(tensors, read_tensors(DATA / SNAP[0]).tensors, rtol=0, atol=0)


# Hostile checkpoints have sound checksums; so have these, written from the format's description.


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if number == 6:
        return varint(number << 3 | 5) + struct.pack("<I", value)
    return varint(number << 3) + varint(value)


def entry(content: bytes, shape, dtype=1, **changes) -> bytes:
    values = {"shard": 0, "offset": 0, "size": len(content), **changes}
    dims = b"".join(field(2, field(1, side)) for side in shape)
    places = zip((3, 4, 5), (values["shard"], values["offset"], values["size"]), strict=True)
    record = field(1, dtype) + field(2, dims) + b"".join(field(*place) for place in places)
    return record + field(6, masked(crc32c(content)))


def block(pairs, kind=b"\0") -> bytes:
    body = b"".join(b"\0" + varint(len(k)) + varint(len(v)) + k + v for k, v in pairs)
    body += struct.pack("<II", 0, 1)
    return body + kind + struct.pack("<I", masked(crc32c(body + kind)))


def table(pairs, kind=b"\0", repeat=1) -> bytes:
    data = block(pairs, kind)
    where = varint(0) + varint(len(data) - 5)
    index = block([(b"z" * (i + 1), where) for i in range(repeat)])
    footer = varint(0) * 2 + varint(len(data)) + varint(len(index) - 5)
    return data + index + footer.ljust(40, b"\0") + sstable.MAGIC


HEADER = (b"", field(1, 1) + field(3, field(1, 1)))
NUMBERS = np.arange(3, dtype="f4").tobytes()


def written(folder: Path, index: bytes, data: bytes = NUMBERS) -> Path:
    (folder / "x.index").write_bytes(index)
    (folder / "x.data-00000-of-00001").write_bytes(data)
    return folder / "x.index"


def test_the_writer_of_these_tests_is_sound(tmp_path):
    path = written(tmp_path, table([HEADER, (b"a", entry(NUMBERS, [3]))]))
    assert read_tensors(path).tensors["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "record",
    [
        entry(NUMBERS, [4]),
        entry(NUMBERS, [3], dtype=2),
        entry(NUMBERS, [3], offset=4),
        entry(NUMBERS, [3], offset=2**63),
        entry(NUMBERS, [2**62, 2**62], size=2**39),
        entry(b"", [0, 2**39, 2**39]),
        entry(NUMBERS, [2**64 - 3]),
        entry(NUMBERS, [1] * 17 + [3]),
        entry(NUMBERS, [3], shard=1),
        entry(NUMBERS, [3], dtype=20),
        entry(NUMBERS[::-1], [3]),
        entry(NUMBERS, [3]) + field(7, b""),
        field(1, 1) + field(2, 5),
        field(1, b"x"),
        b"\x0f",
        b"\x0a\xff\xff\x03",
        b"\xff" * 12,
    ],
    ids=[
        *("shape", "dtype", "offset", "far", "huge", "empty", "negative", "rank", "shard"),
        *("resource", "checksum", "slices", "dims", "kind", "wire", "length", "endless"),
    ],
)
def test_an_impossible_variable_is_refused(tmp_path, record):
    refusal(written(tmp_path, table([HEADER, (b"a", record)])))


def test_one_place_may_not_be_a_thousand_variables(tmp_path):
    pairs = [(b"%04d" % i, entry(NUMBERS, [3])) for i in range(1000)]
    assert "larger than its data" in refusal(written(tmp_path, table([HEADER, *pairs])))


def test_one_block_may_not_be_a_thousand_blocks(tmp_path):
    index = table([HEADER, (b"a", entry(NUMBERS, [3]))], repeat=1000)
    assert "overlap" in refusal(written(tmp_path, index))


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (table([(b"a", entry(NUMBERS, [3]))]), "header"),
        (table([]), "without numbers"),
        (table([HEADER]), "without numbers"),
        (table([HEADER, *((key, entry(NUMBERS, [3])) for key in (b"b", b"a"))]), "order"),
        (table([HEADER, (b"\xff", entry(NUMBERS, [3]))]), "no text"),
        (table([HEADER], kind=b"\1"), "Snappy"),
        (table([HEADER], kind=b"\2"), "unknown way"),
        (table([(b"", field(1, 1) + field(2, 1))]), "big-endian"),
        (table([HEADER, (b"a" * 5000, b"")]), "does not fit"),
        (bytes(40) + sstable.MAGIC, "outside"),
    ],
    ids=[
        *("header", "nothing", "empty", "order", "name", "snappy", "compression"),
        *("endian", "long", "zeros"),
    ],
)
def test_an_impossible_index_is_refused_saying_why(tmp_path, index, why):
    assert why in refusal(written(tmp_path, index))


@given(st.binary(max_size=80))
def test_noise_is_damaged_and_nothing_else(noise):
    for read in (entry_of, header_of, lambda data: list(sstable.entries(data + sstable.MAGIC))):
        try:
            read(noise)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - most noise is damaged, some is not
