import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from db.columns import CanonicalJson, UtcDateTime, canonical

letters = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(letters, inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(values)
def test_canonical_json_survives_being_read_and_written_again(value):
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert CanonicalJson().process_result_value(text, sqlite.dialect()) == value


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(letters, st.integers(), max_size=6), st.randoms())
def test_the_order_of_keys_does_not_matter(value, random):
    shuffled = list(value.items())
    random.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_cannot_say_are_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        canonical({"radius": number})


@settings(max_examples=50, deadline=None)
@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from([sqlite.dialect(), postgresql.dialect()]),
)
def test_a_moment_comes_back_as_the_same_moment_in_utc(wall, minutes, dialect):
    moment = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    column = UtcDateTime()
    back = column.process_result_value(column.process_bind_param(moment, dialect), dialect)
    assert back == moment
    assert back.tzinfo is UTC


def test_a_time_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="without time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 11, 23), sqlite.dialect())


def test_nothing_stays_nothing():
    for column in (UtcDateTime(), CanonicalJson()):
        assert column.process_bind_param(None, sqlite.dialect()) is None
        assert column.process_result_value(None, sqlite.dialect()) is None
