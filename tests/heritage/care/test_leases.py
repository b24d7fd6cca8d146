"""Who works on what: one at a time, freed by silence, and no sleeper is believed."""

import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tifffile

from db.leases import Busy
from heritage.care.custody import Custody, open_custody
from heritage.care.leases import is_gone, restoring, working_on
from heritage.errors import (
    CatalogueInterrupted,
    HeritageError,
    MasterRefused,
    RestorationBusy,
    SetAside,
    StorageFailed,
)
from heritage.settings import load_settings
from heritage.tiff import inspect, sha256_file

MINUTE = timedelta(minutes=1)


@pytest.fixture
def settings(tmp_path, empty_url):
    return load_settings(home=tmp_path / "home", database_url=empty_url)


def custody_at(settings, moment):
    return Custody(settings.database_url, "ann", lambda: moment)


def test_one_at_a_time(settings):
    with (
        working_on("restore a", settings),
        pytest.raises(RestorationBusy, match="process"),
        working_on("restore a", settings),
    ):
        pass
    with working_on("restore a", settings), working_on("restore b", settings):
        pass


def test_silence_frees_and_the_sleeper_is_refused(settings):
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with custody_at(settings, noon) as first, custody_at(settings, noon + 2 * MINUTE) as later:
        slept = first.take("restore a", "one", MINUTE)
        assert isinstance(first.take("restore a", "two", MINUTE), Busy)
        woke = later.take("restore a", "two", MINUTE)
        assert woke.token == slept.token + 1
        assert not first.holds(slept)
        assert not first.renew(slept, MINUTE)
        first.give_back(slept)
        assert later.holds(woke)  # a sleeper gives nothing back


def test_work_that_lasts_says_so(settings):
    with working_on("restore a", settings, length=timedelta(seconds=0.4)) as tenure:
        time.sleep(1)
        tenure.require()
        with pytest.raises(RestorationBusy), working_on("restore a", settings):
            pass


def test_who_lost_it_stops(settings):
    later = datetime.now(UTC) + timedelta(hours=1)
    with working_on("restore a", settings) as tenure:
        with custody_at(settings, later) as other:
            other.take("restore a", "two", MINUTE)
        with pytest.raises(RestorationBusy, match="another worker"):
            tenure.require()


def test_what_is_tried_in_vain_is_set_aside(settings):
    for _ in range(3):
        with pytest.raises(ValueError, match="poison"), working_on("restore a", settings, 3):
            raise ValueError("poison")
    for _ in range(2):
        with pytest.raises(SetAside, match="3 times"), working_on("restore a", settings, 3):
            pass
    with Custody(settings.database_url, "ann") as custody:
        assert [lease.about for lease in custody.spent(3)] == ["restore a"]
    with working_on("restore a", settings):  # a person asks for it by name
        pass
    with Custody(settings.database_url, "ann") as custody:
        assert custody.spent(3) == []


def test_nobody_waits_for_a_process_of_this_machine_that_is_no_more(settings):
    program = (
        "import os, signal\n"
        "from heritage.care.leases import working_on\n"
        "from heritage.settings import load_settings\n"
        f"with working_on('restore a', load_settings(home={str(settings.home)!r},"
        f" database_url={settings.database_url!r})):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    with open_custody(settings) as custody:
        assert custody.held(["restore a", "restore b"]) == {"restore a"}
        assert custody.abandoned(["restore a", "restore b"], is_gone) == {"restore a"}
        assert custody.abandoned(["restore a"], lambda holder: False) == set()
    with working_on("restore a", settings, tries=2), open_custody(settings) as custody:
        assert custody.abandoned(["restore a"], is_gone) == set()


def test_whose_holder_is_elsewhere_nobody_knows():
    assert not is_gone("process 999999999 on another-machine")
    assert not is_gone("somebody")
    assert is_gone(f"process 999999999 on {socket.gethostname()}")


def test_what_never_comes_again_is_forgotten(settings):
    with working_on("flow run 1", settings):
        pass
    with working_on("restore a", settings):
        pass
    with open_custody(settings) as custody:
        taken = custody.take("flow run 2", "somebody", MINUTE)
        custody.forget_leases("flow run ", custody.now())
        assert custody.holds(taken)
        assert custody.take("flow run 1", "somebody", MINUTE).token == 1
        assert custody.take("restore a", "somebody", MINUTE).token == 2


def test_a_lease_that_outlived_its_work_is_given_back(settings, tmp_path):
    scans = [tmp_path / f"{name}.tif" for name in ("done", "waiting")]
    for number, scan in enumerate(scans):
        tifffile.imwrite(scan, np.full((64, 64), number, np.uint8))
    with open_custody(settings) as custody:
        for scan in scans:
            known = custody.record_master(inspect(scan), sha256_file(scan))
            custody.take(restoring(scan), f"process 999999999 on {socket.gethostname()}", MINUTE)
            if scan.stem == "done":
                mask = custody.record_mask(known, sha256="5" * 64, pixels=1, source="m.tif")
                model = custody.record_model("telea", "diffusion")
                run = custody.begin_restoration(
                    known, mask, model, parameters={}, output=tmp_path / "out", device="cpu"
                )
                custody.abandon_restoration(run.id, "enough")
        assert custody.settle_leases(lambda holder: False) == []
        assert custody.settle_leases(is_gone) == [restoring(scans[0])]
        assert custody.settle_leases(is_gone) == []
        assert custody.unrestored() == [scans[1]]
        assert custody.take(restoring(scans[0]), "somebody", MINUTE).token == 2


def test_a_catalogue_that_is_away_for_a_moment_is_asked_again(settings, monkeypatch):
    take, asked = Custody.take, []

    def away(self, *given):
        asked.append(1)
        if len(asked) < 3:
            raise CatalogueInterrupted("is away")
        return take(self, *given)

    monkeypatch.setattr(Custody, "take", away)
    monkeypatch.setattr("heritage.care.leases.PATIENCE", (0.01, 0.01))
    with working_on("restore a", settings):
        assert len(asked) == 3


@pytest.mark.parametrize(
    ("error", "tries"), [(MasterRefused("no"), 1), (StorageFailed("disk full"), 0)]
)
def test_a_full_disk_sets_no_master_aside(settings, error, tries):
    for _ in range(2):
        with pytest.raises(HeritageError), working_on("restore a", settings):
            raise error
    with open_custody(settings) as custody:
        assert [lease.tries for lease in custody.spent(1)] == [2 * tries][:tries]
