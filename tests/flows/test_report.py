import json
from pathlib import Path

import pytest

from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED, Fate, Outcome, exit_status

R, A, L, F = Fate.RESTORED, Fate.ALREADY, Fate.LEFT_ALONE, Fate.FAILED


@pytest.mark.parametrize(
    ("fates", "status"),
    [
        ([R, A], ALL_DONE),
        ([R, L], ALL_DONE),
        ([A], ALL_DONE),
        ([R, F], SOME_FAILED),
        ([A, L, F], SOME_FAILED),
        ([F], NOTHING_DONE),
        ([L], NOTHING_DONE),
        ([L, F], NOTHING_DONE),
        ([], NOTHING_DONE),
    ],
)
def test_the_exit_status_tells_all_some_or_none(fates: list[Fate], status: int) -> None:
    assert exit_status(Outcome(Path("x.tif"), fate, "why") for fate in fates) == status


def test_an_outcome_is_json_with_a_reason_only_where_there_is_none_restored() -> None:
    failed = Outcome(Path("x.tif"), F, "the disk is full")
    assert failed.to_json() == {"source": "x.tif", "status": "failed", "reason": "the disk is full"}
    done = Outcome(Path("x.tif"), R, folder=Path("o/x"), restored=Path("o/x/x.restored.tif"))
    assert "reason" not in json.loads(json.dumps(done.to_json()))
