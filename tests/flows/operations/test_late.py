"""A worker that was believed dead and wakes up records nothing."""

from datetime import UTC, datetime, timedelta

from flows.collection import attempt_restoration
from flows.report import Fate
from heritage.care.custody import Custody, open_custody
from heritage.care.leases import TRIES, restoring
from heritage.restore import batches
from heritage.restore.names import plan_names
from heritage.settings import load_settings


def test_it_is_told_and_does_not_spoil_what_the_other_does(
    prefect_server, make_master, tmp_path, monkeypatch
):
    master, settings = make_master(), load_settings()
    run_batches = batches.run_batches

    def asleep(*given, **more):
        run_batches(*given, **more)
        hour = datetime.now(UTC) + timedelta(hours=1)
        with Custody(settings.database_url, "bob", lambda: hour) as other:
            other.take(restoring(master), "another worker", timedelta(minutes=2))

    monkeypatch.setattr(batches, "run_batches", asleep)
    (one,) = plan_names([master], tmp_path / "out")
    told = attempt_restoration(one, tmp_path / "out", tries=TRIES, model="telea")
    assert told.fate is Fate.LEFT_ALONE
    assert "another worker" in told.reason
    assert not (tmp_path / "out" / "mill").exists()
    with open_custody(settings) as custody:
        assert [line.status for line in custody.restorations()] == ["running"]
