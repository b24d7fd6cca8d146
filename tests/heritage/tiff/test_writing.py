"""One pass: what is written, what is hashed, and what happens when it goes wrong."""

import errno
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heritage.tiff import writing
from heritage.tiff.pieces import Copied, Given, Made, Piece, Repeated
from heritage.tiff.scratch import Scratch
from heritage.tiff.writing import Writer

SOURCE = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8).tobytes()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, pieces: list[Piece], scratch: Scratch) -> tuple[str, str, bytes]:
    source, target = folder / "source", folder / "target"
    source.write_bytes(SOURCE)
    with source.open("rb") as one, target.open("w+b") as other:
        writer = Writer(one.fileno(), len(SOURCE), other.fileno(), scratch, 2)
        before, after = writer.write(iter(pieces))
    return before, after, target.read_bytes()


PIECES = st.one_of(
    st.tuples(st.just("copy"), st.integers(0, 90_000), st.integers(1, 10_000)),
    st.tuples(st.just("give"), st.integers(0, 255), st.integers(1, 5_000)),
    st.tuples(st.just("keep"), st.integers(0, 255), st.integers(1, 5_000)),
    st.tuples(st.just("make"), st.integers(0, 255), st.integers(1, 5_000)),
    st.tuples(st.just("fill"), st.integers(0, 255), st.integers(1, 5_000)),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(PIECES, max_size=12), st.booleans())
def test_all_pieces_arrive_and_both_hashes_are_right(
    told: list[tuple[str, int, int]], kernel: bool
) -> None:
    with tempfile.TemporaryDirectory() as name, Scratch(Path(name)) as scratch:
        pieces: list[Piece] = []
        wanted = b""
        for kind, at, size in told:
            data = SOURCE[at : at + size] if kind == "copy" else bytes([at]) * size
            wanted += data
            pieces.append(
                {
                    "copy": lambda a=at, d=data: Copied(len(d), a),
                    "give": lambda d=data: Given(len(d), d),
                    "keep": lambda d=data: scratch.keep(d),
                    "make": lambda d=data: Made(len(d), lambda: d),
                    "fill": lambda d=data: Repeated(len(d), d[:1]),
                }[kind]()  # type: ignore[no-untyped-call]
            )
        with pytest.MonkeyPatch.context() as patch:
            if not kernel:
                patch.delattr(os, "copy_file_range")
            before, after, got = write(Path(name), pieces, scratch)
    assert got == wanted
    assert (before, after) == (sha(SOURCE), sha(wanted))


def test_a_copy_that_went_wrong_does_not_have_the_sources_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(source: int, target: int, count: int, at: int, to: int) -> int:
        data = bytearray(os.pread(source, count, at))
        data[0] ^= 1
        return os.pwrite(target, data, to)

    monkeypatch.setattr(os, "copy_file_range", wrong)
    with Scratch(tmp_path) as scratch:
        before, after, got = write(tmp_path, [Copied(len(SOURCE), 0)], scratch)
    assert before == after == sha(got)
    assert before != sha(SOURCE)


def test_a_file_system_that_cannot_copy_in_the_kernel_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> int:
        raise OSError(errno.EXDEV, "cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with Scratch(tmp_path) as scratch:
        before, _, got = write(tmp_path, [Copied(len(SOURCE), 0)], scratch)
    assert got == SOURCE
    assert before == sha(SOURCE)


def test_what_fails_while_it_is_made_ends_the_writing(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise RuntimeError("no pixels")

    made = [Made(10, fail), *[Made(1, lambda: b"x")] * 50]
    with Scratch(tmp_path) as scratch, pytest.raises(RuntimeError, match="no pixels"):
        write(tmp_path, made, scratch)


def test_a_piece_of_another_size_than_promised_is_a_fault(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch, pytest.raises(OSError, match="size it must have"):
        write(tmp_path, [Made(10, lambda: b"short")], scratch)


def test_no_more_is_made_ahead_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "AHEAD_BYTES", 100)
    ahead: list[int] = []
    target = tmp_path / "target"

    def make(number: int) -> bytes:
        ahead.append(number - target.stat().st_size // 10)
        return bytes(10)

    pieces: list[Piece] = [Made(10, lambda n=n: make(n)) for n in range(200)]  # type: ignore[misc]
    with Scratch(tmp_path) as scratch:
        write(tmp_path, pieces, scratch)
    assert max(ahead) <= 14


def test_a_scratch_file_is_never_seen(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        kept = [scratch.keep(bytes([n]) * (3 << 20)) for n in range(14)]  # more than in memory
        assert list(tmp_path.iterdir()) == []
        assert scratch.read_at(kept[13].at, 3) == b"\x0d\x0d\x0d"
        with pytest.raises(OSError, match="shorter"):
            scratch.read_at(kept[13].at, 4 << 20)


def test_what_the_disk_refuses_on_the_way_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system reports a failed write once; an fsync in the end would say that all is well."""
    refused: list[int] = []

    def refuse_once(descriptor: int) -> None:
        refused.append(descriptor)
        if len(refused) == 1:
            raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(writing, "FLUSH", 10_000)
    monkeypatch.setattr(os, "fdatasync", refuse_once)
    pieces: list[Piece] = [Given(10_000, bytes(10_000))] * 5
    with Scratch(tmp_path) as scratch, pytest.raises(OSError, match="input/output error"):
        write(tmp_path, pieces, scratch)
    assert refused
