"""Room is handed out once, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from heritage.tiff.space import Space

steps = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 8])))


@given(st.integers(100, 300), steps)
def test_what_is_placed_never_overlaps(end: int, work: list[tuple[int, int, int]]) -> None:
    space, taken, given_back = Space(end), set[int](), 0
    for kept, wanted, align in work:
        stop = min(given_back + kept, end)
        space.release(given_back, stop)
        given_back = min(stop + 3, end)  # three bytes stay somebody's
        start = space.place(wanted, align)
        place = set(range(start, start + wanted))
        assert start % align == 0
        assert not place & taken
        assert all(byte >= end or byte < given_back for byte in place)
        taken |= place
        assert start + wanted <= space.end
    for start, stop in space.left():
        assert not taken & set(range(start, stop))


@given(st.permutations(range(10)))
def test_neighbours_become_one(order: list[int]) -> None:
    space = Space(1000)
    for index in order:
        space.release(100 + 10 * index, 110 + 10 * index)
    assert space.left() == [(100, 200)]
    assert space.place(100) == 100
    assert space.left() == []


def test_room_at_the_end_is_used_before_the_file_grows() -> None:
    space = Space(100)
    space.release(60, 100)
    assert space.place(70) == 60
    assert space.end == 130
