"""Copies that open, and nothing thrown away that cannot be made again."""

import os
from datetime import UTC, datetime, timedelta

from heritage.care.custody import Custody, open_custody
from heritage.care.housekeeping import backup, clean
from heritage.settings import load_settings


def test_a_copy_is_a_catalogue_and_old_ones_go(tmp_path):
    settings = load_settings(home=tmp_path / "home")
    with open_custody(settings) as custody:
        custody.record_refusal(tmp_path / "x.tif", "no picture")
        now = datetime(2026, 11, 1, tzinfo=UTC)
        made = [backup(settings, 2, now + timedelta(days=day)) for day in range(4)]
    assert sorted(path for path in made if path.exists()) == made[2:]
    with Custody(f"sqlite:///{made[-1]}", "ann") as copy:
        assert copy.verify_chain().intact
        assert len(copy.refusals()) == 1


def test_cleaning_takes_old_pictures_of_the_room_only(tmp_path):
    settings = load_settings(home=tmp_path / "home")
    cache = settings.home / "review-cache" / "a"
    cache.mkdir(parents=True)
    for path, days in ((cache / "old", 40), (cache / "new", 1), (settings.home / "kept", 90)):
        path.write_bytes(b"12345")
        moment = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))
    assert clean(settings, 30) == (1, 5)
    assert (cache / "new").exists()
    assert (settings.home / "kept").exists()
