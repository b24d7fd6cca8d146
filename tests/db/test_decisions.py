"""Decisions: versions, undoing, freezing, signing; every one of them an event."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from db import (
    Agent,
    AgentKind,
    Contradiction,
    Database,
    Origin,
    Status,
    decisions,
    queries,
    verify_chain,
)
from db.bulk import risk
from db.decisions import Choice, Frozen
from db.restorations import Restoration
from db.reviews import SignOff
from db.vocabulary import Decision, Statement

ROWS = [
    (1, 0, 0, 4, 5, 10, 2.0, "CRACKS", 0.9, "learned", False),
    (2, 0, 0, 4, 5, 10, 40.0, "PEEL", 0.6, "learned", False),
    (3, 0, 0, 4, 5, 10, 2.0, None, None, None, True),
]
YES, NO, PENDING = Decision.APPROVED, Decision.REJECTED, Decision.PENDING


@pytest.fixture
def run(record, finish):
    run = record()
    finish(run, ROWS)
    return run.id


class People:
    """Ann and Ben decide, each call in a session of its own."""

    def __init__(self, database, clock, run):
        self.database, self.clock, self.run = database, clock, run

    def __call__(self, what, name, *given):
        origin = Origin(Agent(name, AgentKind.PERSON), self.clock())
        with self.database.writing() as session:
            return what(session, self.run, *given, origin)

    def decide(self, name, *choices):
        return self(decisions.decide, name, [Choice(*choice) for choice in choices])

    def states(self):
        with self.database.reading() as session:
            found = queries.regions_of(session, self.run)
            return [(r.decision, r.decided_by, r.note, r.version) for r in found]

    def row(self):
        with self.database.reading() as session:
            return session.get_one(Restoration, self.run)


@pytest.fixture
def people(database, clock, run):
    return People(database, clock, run)


def test_a_restoration_says_what_reviewers_look_for(people):
    row = people.row()
    assert (row.pending, row.taken_back, row.revision) == (3, 0, 0)
    assert row.kinds == ",CRACKS,PEEL,"
    assert row.least_sure == 0.6
    assert row.risk == pytest.approx(risk(40.0, 0.6))
    assert risk(2, 0.9) < risk(2, None) < risk(2, 0.3) < risk(200, 0.3) < 1
    assert risk(2, 0.9) < risk(2, 0.9, beside_protected=True) < 1


def test_a_decision_is_kept_with_who_took_it(people, database):
    done = people.decide("Ann", (1, 0, YES), (2, 0, NO, "conjecture"))
    assert [r.number for r in done.changed] == [1, 2]
    assert people.states() == [
        (YES, "Ann", "", 1),
        (NO, "Ann", "conjecture", 1),
        (PENDING, None, "", 0),
    ]
    row = people.row()
    assert (row.pending, row.taken_back, row.revision) == (1, 1, 1)
    with database.reading() as session:
        event = queries.last_event(session)
        assert verify_chain(session).intact
    assert (event.agent, event.type) == ("Ann", "appraisal")
    assert event.detail["decided"] == [
        {"decision": "approved", "note": "", "regions": [[1, 1]]},
        {"decision": "rejected", "note": "conjecture", "regions": [[2, 2]]},
    ]


def test_nobody_overwrites_what_he_has_not_seen(people):
    people.decide("Ann", (1, 0, YES))
    done = people.decide("Ben", (1, 0, NO))
    assert (done.changed, [r.decided_by for r in done.refused]) == ([], ["Ann"])
    seen = people.decide("Ben", (1, 1, NO))
    assert seen.changed == []  # seen, and not said that he means it
    meant = people.decide("Ben", (1, 1, NO, None, True))
    assert [r.decided_by for r in meant.changed] == ["Ben"]
    assert people.decide("Ben", (1, 2, YES)).changed  # his own needs no confirmation


def test_decisions_are_undone_one_after_the_other(people):
    people.decide("Ann", (1, 0, YES, "first"))
    people.decide("Ann", (1, 1, NO, "second"), (2, 0, NO))
    people(decisions.undo, "Ann")
    assert [state[:3] for state in people.states()][:2] == [
        (YES, "Ann", "first"),
        (PENDING, None, ""),
    ]
    people(decisions.undo, "Ann")
    assert {state[:3] for state in people.states()} == {(PENDING, None, "")}
    assert people(decisions.undo, "Ann") is None
    row = people.row()
    assert (row.pending, row.taken_back) == (3, 0)


def test_undoing_goes_all_the_way_back(people):
    for version, decision in enumerate((YES, NO, Decision.DO_NOT_FILL, YES)):
        people.decide("Ann", (1, version, decision))
    for expected in (Decision.DO_NOT_FILL, NO, YES, PENDING):
        done = people(decisions.undo, "Ann")
        assert [r.decision for r in done.changed] == [expected]
    assert people(decisions.undo, "Ann") is None
    people.decide("Ann", (1, 8, NO))
    assert [r.decision for r in people(decisions.undo, "Ann").changed] == [PENDING]


def test_undoing_leaves_what_somebody_else_decided_since(people):
    people.decide("Ann", (1, 0, YES), (2, 0, YES))
    people.decide("Ben", (1, 1, NO, None, True))
    done = people(decisions.undo, "Ann")
    assert ([r.number for r in done.changed], [r.number for r in done.refused]) == ([2], [1])
    assert people.states()[0][:2] == (NO, "Ben")
    assert people(decisions.undo, "Cem") is None


def test_signing_freezes_the_decisions(people, database):
    sign = (Statement.EVIDENCE_BASED, "after the photograph of 1911")
    with pytest.raises(Contradiction, match="3 regions are not decided"):
        people(decisions.hand_in, "Ann", *sign)
    people.decide("Ann", (1, 0, YES), (2, 0, NO), (3, 0, Decision.DO_NOT_FILL))
    people(decisions.hand_in, "Ann", *sign)
    with pytest.raises(Frozen):
        people.decide("Ann", (1, 1, NO))
    with pytest.raises(Frozen):
        people(decisions.undo, "Ann")
    people(decisions.send_back, "Ben", "look at 2 again")
    people.decide("Ann", (2, 1, YES))
    people(decisions.hand_in, "Ann", *sign)
    with pytest.raises(Contradiction, match="somebody else"):
        people(decisions.approve, "Ann", True)
    people(decisions.approve, "Ben", True)
    assert people.row().status is Status.APPROVED
    for what, given in ((decisions.approve, (False,)), (decisions.send_back, ("late",))):
        with pytest.raises(Frozen):
            people(what, "Ben", *given)
    people(decisions.record_composed, "Ben", "/out/signed", "a" * 64)
    people(decisions.record_composed, "Ben", "/out/signed", "a" * 64)
    with pytest.raises(Contradiction):
        people(decisions.record_composed, "Ben", "/out/signed", "b" * 64)
    with database.reading() as session:
        assert session.get_one(SignOff, people.run).composed == "/out/signed"
        assert verify_chain(session).intact


def test_what_keeps_no_fill_is_not_signed_but_rejected(people):
    people.decide("Ann", *[(number, 0, NO) for number in (1, 2, 3)])
    with pytest.raises(Contradiction, match="every fill"):
        people(decisions.hand_in, "Ann", Statement.HYPOTHESIS, "")
    people(decisions.reject, "Ann", "invented ornament")
    row = people.row()
    assert (row.status, row.verdict) == (Status.REJECTED, "invented ornament")
    with pytest.raises(Frozen):
        people.decide("Ann", (1, 1, YES))


def test_a_region_that_is_not_there_is_named(people):
    with pytest.raises(Contradiction, match="no region 9"):
        people.decide("Ann", (1, 0, YES), (9, 0, YES))
    assert people.row().revision == 0


def test_of_two_at_the_same_moment_one_is_told_of_the_other(people, url):
    """Real threads with databases of their own; whoever comes second is refused, never lost."""
    gate = threading.Barrier(2)

    def decide(name):
        own = Database(url)
        try:
            gate.wait(20)
            choices = [Choice(number, 0, YES) for number in (1, 2, 3)]
            with own.writing() as session:
                origin = Origin(Agent(name, AgentKind.PERSON), people.clock())
                return len(decisions.decide(session, people.run, choices, origin).changed)
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(decide, ("Ann", "Ben")))
    assert sorted(done) == [0, 3]
    assert len({state[1] for state in people.states()}) == 1
    assert people.row().revision == 1
