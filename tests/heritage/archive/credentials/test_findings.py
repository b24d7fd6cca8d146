"""What the C2PA library finds is told in sentences: faults as faults, the rest as notes."""

from __future__ import annotations

from heritage.archive.credentials.findings import findings_in, notes_in

CHANGED = {"code": "assertion.dataHash.mismatch"}
UNKNOWN = {"code": "signingCredential.untrusted"}


def of_record(*failures: dict[str, str]) -> dict:
    return {"activeManifest": {"failure": [*failures]}}


def test_a_thing_found_twice_is_told_once():
    (finding,) = findings_in(of_record(CHANGED, CHANGED))
    assert "its bytes changed" in finding


def test_a_fault_of_an_ingredient_is_a_fault():
    results = {"ingredientDeltas": [{"validationDeltas": {"failure": [CHANGED]}}]}
    assert findings_in(results) == findings_in(of_record(CHANGED))


def test_a_fault_without_a_sentence_of_ours_has_the_librarys_and_its_code():
    odd = {"code": "some.new", "explanation": "is odd"}
    assert findings_in(of_record(odd, {"code": "bare"})) == (
        "is odd (some.new)",
        "does not hold (bare)",
    )


def test_that_nobody_known_vouches_is_a_note_and_no_fault():
    results = of_record(UNKNOWN)
    assert findings_in(results) == ()
    (note,) = notes_in(results, {"time": "2026-01-01T00:00:00Z"})
    assert "vouches for the signer" in note
