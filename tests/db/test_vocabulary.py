from db.vocabulary import FINISHED, OPEN, EventType, Outcome, Status


def test_every_event_type_has_its_own_address():
    addresses = {kind.uri for kind in EventType}
    assert len(addresses) == len(EventType)
    assert EventType.INGESTION.uri == "http://id.loc.gov/vocabulary/preservation/eventType/ing"
    assert EventType.FIXITY_CHECK.uri.endswith("/fix")


def test_outcomes_have_the_addresses_of_the_library_of_congress():
    assert [outcome.uri[-3:] for outcome in Outcome] == ["suc", "fai", "war"]


def test_no_status_is_both_open_and_finished():
    assert not set(OPEN) & set(FINISHED)
    assert Status.AWAITING_REVIEW.finished
    assert not Status.FAILED.finished
