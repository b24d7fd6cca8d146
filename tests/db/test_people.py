"""Accounts: one name, one person; visits that end."""

from datetime import timedelta

import pytest

from db import Contradiction, people, queries
from db.vocabulary import Role

HOUR = timedelta(hours=1)
TOKEN = "a" * 64


@pytest.fixture
def ann(database, origin):
    with database.writing() as session:
        return people.add_account(session, "Ann", "Ann Lee", Role.ADMINISTRATOR, origin, "hash").id


def test_an_account_is_found_whatever_the_case(database, ann):
    with database.reading() as session:
        found = people.find_account(session, " ANN ")
        assert (found.id, found.name, found.role) == (ann, "ann", Role.ADMINISTRATOR)
        assert people.find_account(session, "ben") is None
        event = queries.last_event(session)
        assert event.detail["role"] == "administrator"
        assert "hash" not in str(event.detail)


@pytest.mark.parametrize("given", [("ann", "Other"), ("other", "Ann Lee")])
def test_two_persons_are_never_one_name(database, origin, ann, given):
    with database.writing() as session, pytest.raises(Contradiction):
        people.add_account(session, *given, Role.VIEWER, origin)


def test_a_visit_ends_by_itself_by_idling_and_by_leaving(database, ann, origin):
    with database.writing() as session:
        people.begin_visit(session, ann, TOKEN, origin.at, 8 * HOUR)

    def there(after):
        with database.reading() as session:
            return people.find_visit(session, TOKEN, origin.at + after, HOUR) is not None

    assert there(HOUR / 2)
    assert not there(2 * HOUR)
    with database.writing() as session:
        people.see_visit(session, TOKEN, origin.at + 2 * HOUR)
    assert there(2.5 * HOUR)
    with database.writing() as session:
        people.see_visit(session, TOKEN, origin.at + 8 * HOUR)
    assert not there(8 * HOUR)
    with database.writing() as session:
        people.end_visit(session, TOKEN)
    assert not there(HOUR / 2)


def test_who_is_changed_is_logged_out(database, ann, origin):
    with database.writing() as session:
        ben = people.add_account(session, "ben", "Ben", Role.REVIEWER, origin).id
        people.begin_visit(session, ben, TOKEN, origin.at, HOUR)
    with database.writing() as session:
        people.change_account(session, ben, origin, role=Role.VIEWER)
    with database.reading() as session:
        assert people.find_visit(session, TOKEN, origin.at, HOUR) is None
        assert [row.role for row in people.accounts(session)] == [Role.ADMINISTRATOR, Role.VIEWER]


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.APPROVER}])
def test_somebody_has_to_administer(database, ann, origin, change):
    with pytest.raises(Contradiction), database.writing() as session:
        people.change_account(session, ann, origin, **change)
    with database.reading() as session:
        assert people.find_account(session, "ann").active


def test_roles_are_a_ladder():
    assert Role.APPROVER.includes(Role.REVIEWER)
    assert not Role.REVIEWER.includes(Role.APPROVER)
