import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.tiff.pieces import Copied, Draft, Given, Made, Repeated, joined

SIZE = 60
SOURCE = bytes(range(SIZE))


def written(draft: Draft) -> bytes:
    """The file that a draft stands for."""
    out = b""
    for piece in joined(draft.pieces()):
        if isinstance(piece, Copied):
            data = SOURCE[piece.at : piece.at + piece.size]
        elif isinstance(piece, Repeated):
            data = piece.bytes_at(0, piece.size)
        elif isinstance(piece, Made):
            data = piece.make()
        else:
            assert isinstance(piece, Given)
            data = piece.data
        assert len(data) == piece.size
        out += data
    return out


def test_nothing_put_is_one_copy() -> None:
    assert list(joined(Draft(SIZE).pieces())) == [Copied(SIZE, 0)]


@given(data=st.data())
def test_a_draft_is_what_writing_piece_by_piece_would_give(data: st.DataObject) -> None:
    draft, wanted = Draft(SIZE), bytearray(SOURCE + bytes(40))
    draft.end = len(wanted)
    laid = data.draw(st.lists(st.integers(0, 9), unique=True, max_size=4))
    for place in laid:  # stretches of ten bytes, anywhere, on which more may be put
        size = data.draw(st.integers(1, 10))
        piece = data.draw(st.sampled_from([Copied(size, 3), Repeated(size, b"abc", 1)]))
        draft.lay(10 * place, piece)
        copied = SOURCE[3 : 3 + size]
        new = copied if isinstance(piece, Copied) else piece.bytes_at(0, size)
        wanted[10 * place : 10 * place + size] = new
    cuts = sorted(data.draw(st.lists(st.integers(0, 100), unique=True, max_size=8)))
    for start, stop in zip(cuts[::2], cuts[1::2], strict=False):
        mark = bytes([200 + start % 50]) * (stop - start)
        draft.put(
            start,
            data.draw(st.sampled_from([Given(len(mark), mark), Repeated(len(mark), mark[:1])])),
        )
        wanted[start:stop] = mark
    assert written(draft) == bytes(wanted)


def test_what_is_relocated_takes_its_changes_along() -> None:
    draft = Draft(SIZE)
    draft.end = SIZE + 20
    draft.put(12, b"xy")
    draft.relocate(10, 10, SIZE)
    assert written(draft)[SIZE : SIZE + 10] == SOURCE[10:12] + b"xy" + SOURCE[14:20]


def test_two_things_at_one_place_are_a_fault() -> None:
    draft = Draft(SIZE)
    draft.put(10, b"abcd")
    draft.put(12, b"e")
    with pytest.raises(ValueError, match="overlap at byte 12"):
        list(draft.pieces())


def test_nothing_reaches_past_the_end() -> None:
    draft = Draft(SIZE)
    draft.put(SIZE - 1, b"abcd")
    with pytest.raises(ValueError, match="past its end"):
        list(draft.pieces())


@given(start=st.integers(0, 20), size=st.integers(0, 20), unit=st.binary(min_size=1, max_size=5))
def test_a_part_of_a_repetition_is_that_part(start: int, size: int, unit: bytes) -> None:
    whole = np.frombuffer((unit * 50)[:50], np.uint8).tobytes()
    piece = Repeated(50, unit).part(start, start + size)
    assert isinstance(piece, Repeated)
    assert piece.bytes_at(0, size) == whole[start : start + size]
