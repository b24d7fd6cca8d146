import shutil

import pytest

from db.votes import Answer, Contender
from heritage.evaluate.blind import booth as booths
from heritage.evaluate.blind.ballots import read_ballots, voter_name
from heritage.evaluate.blind.booth import Booth
from heritage.evaluate.blind.layout import read_evaluation


class Watch:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def booth(folder, catalogue, watch):
    return Booth(read_evaluation(folder), catalogue, truth_share=0, clock=watch)


@pytest.fixture
def visitor(booth):
    _, visitor = booth.welcome(None)
    visitor.voter = "V"
    return visitor


def test_seconds_run_from_the_first_sight_of_the_pair(booth, visitor, catalogue, watch):
    showing, _ = booth.show(visitor)
    watch.now += 3.5
    assert booth.show(visitor)[0] == showing  # a reload does not begin anew
    watch.now += 1.25
    assert booth.answer(visitor, showing.ticket, Answer.RIGHT)
    assert read_ballots(catalogue)[0].seconds == 4.75


def test_an_answer_to_another_ticket_is_not_stored(booth, visitor, catalogue):
    booth.show(visitor)
    assert not booth.answer(visitor, "x", Answer.LEFT)
    assert read_ballots(catalogue) == []


def test_fills_that_are_the_same_are_shown_to_nobody(folder, catalogue):
    for place in folder.glob("fills/*/*"):
        shutil.copyfile(place / "art.png", place / "art-small.png")
    booth = Booth(read_evaluation(folder), catalogue, truth_share=0)
    _, visitor = booth.welcome(None)
    visitor.voter = "V"
    shown = []
    while (showing := booth.show(visitor)[0]) is not None:
        shown.append({showing.turn.left.name, showing.turn.right.name})
        booth.answer(visitor, showing.ticket, Answer.LEFT)
    assert len(shown) == 12
    assert {"art", "art-small"} not in shown
    assert booth.show(visitor)[1].possible == 12


def test_no_share_of_truth_is_no_truth(booth, visitor):
    names = set()
    while (showing := booth.show(visitor)[0]) is not None:
        names |= {showing.turn.left, showing.turn.right}
        booth.answer(visitor, showing.ticket, Answer.NO_DIFFERENCE)
    assert names == {
        Contender("art", "a" * 64),
        Contender("art-small", "b" * 64),
        Contender("opencv-telea"),
    }


def test_a_pause_is_suggested_on_the_way_to_the_end(booth, visitor, monkeypatch):
    monkeypatch.setattr(booths, "SITTING", 7)
    pauses = []
    while (seen := booth.show(visitor))[0] is not None:
        pauses.append(seen[1].pause_at)
        booth.answer(visitor, seen[0].ticket, Answer.LEFT)
    assert pauses == [7] * 7 + [14] * 7 + [18] * 4


def test_a_key_that_was_not_given_out_is_worth_nothing(booth):
    key, _ = booth.welcome("chosen by somebody else")
    assert key != "chosen by somebody else"
    assert booth.known("chosen by somebody else") is None
    assert booth.known(key) is not None


def test_browsers_do_not_pile_up(booth):
    keys = [booth.welcome(None)[0] for _ in range(booths.VISITORS + 5)]
    assert [booth.known(key) is None for key in keys] == [True] * 5 + [False] * booths.VISITORS


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("  A.   Conservator\n", "A. Conservator"),
        ("Zofie\u0301", "Zofié"),
        ("A\u200bB\u202eC", "ABC"),
        ("a\x00b\tc", "a b c"),
        ("\ud800", ""),
        ("   ", ""),
        ("n" * 500, "n" * 100),
    ],
)
def test_a_name_is_written_in_one_way(said, name):
    assert voter_name(said) == name
