"""Pickles are read as data, whatever they would do."""

import argparse
import collections
import contextlib
import io
import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.importing.reading import pickles
from models.importing.reading.records import Made, Malformed, Outside, Reference

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(content: bytes) -> pickles.Program:
    return pickles.read(io.BytesIO(content))


@given(PLAIN, st.integers(0, 5))
def test_plain_values_come_back_from_every_protocol(value, protocol):
    assert read(pickle.dumps(value, protocol)).value == value


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_called(trap, protocol):
    pickled, sprung = trap
    program = read(pickle.dumps({"weights": pickled}, protocol))
    assert not sprung.exists()
    assert [call.arguments for call in program.calls][-1] == (str(sprung), "w")


@pytest.mark.parametrize("protocol", range(6))
def test_names_are_found_in_every_protocol(protocol):
    names = pickles.references(io.BytesIO(pickle.dumps([os.system, OSError], protocol)))
    assert names == [f"{os.name}.system", "builtins.OSError"]


def test_names_of_python_2_are_translated():
    assert read(b"\x80\x02c__builtin__\neval\n.").references == ["builtins.eval"]


def test_names_are_found_before_a_cut():
    content = pickle.dumps([os.system, b"x" * 100])
    assert pickles.references(io.BytesIO(content[:-50])) == [f"{os.name}.system"]


def test_objects_become_records_of_class_arguments_and_state():
    made = read(pickle.dumps(argparse.Namespace(lr=0.5), 2)).value
    assert isinstance(made, Made)
    assert made.state == {"lr": 0.5}
    assert Reference("argparse.Namespace") in (made.by, *made.arguments)


def test_a_dictionary_of_another_class_keeps_its_items():
    made = read(pickle.dumps(collections.OrderedDict(a=1), 2)).value
    assert made.by == Reference("collections.OrderedDict")
    assert made.items == {"a": 1}


def test_what_lies_outside_is_listed():
    program = read(b"\x80\x02X\x01\x00\x00\x00kQ.")
    assert isinstance(program.value, Outside)
    assert [outside.key for outside in program.outside] == ["k"]


def test_a_second_pickle_is_left_for_the_next_read():
    file = io.BytesIO(pickle.dumps(1) + pickle.dumps(2))
    assert [pickles.read(file).value for _ in range(2)] == [1, 2]


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # of a text made of noise
@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_but_nothing_else(noise):
    with contextlib.suppress(Malformed):
        read(b"\x80\x02" + noise)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02)" + b"\x85" * 200_000 + b"}\x8c\x01xs.",  # not a dictionary to set in
        b"\x80\x02})" + b"\x85" * 200_000 + b"K\x01s.",  # a key that hashes 200 000 levels deep
        b"\x80\x02" + b"\x8e" + b"\xff" * 7 + b"\x7fabc",  # bytes longer than any memory
        b"\x80\x02K\x01" + b"r\xff\xff\xff\xff\x86.",  # a tuple of two, of one
        b"\x80\x02\x82\x01.",  # a name by number
        b"\x80\x02K\x01K\x02\x93.",  # a name that is none
        b"\x80\x02K\x01K\x02a.",  # appending to a number
        b"\x80\x02",
        b"",
    ],
    ids=["fill", "deep", "huge", "short", "extension", "nameless", "append", "cut", "empty"],
)
def test_hostile_pickles_are_refused(content):
    with pytest.raises(Malformed):
        read(content)


def test_an_endless_pickle_is_given_up(monkeypatch):
    monkeypatch.setattr(pickles, "_LARGEST", 1000)
    with pytest.raises(Malformed, match="larger"):
        read(b"\x80\x02" + b"N0" * 1000 + b"N.")
