"""Copies that open, and nothing thrown away that cannot be made again."""

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from db.testing import new_database
from heritage.care.custody import Custody, open_custody
from heritage.care.housekeeping import backup, clean
from heritage.errors import CatalogueRefused
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


def test_postgresql_is_copied_by_its_own_program(tmp_path, postgresql):
    address = new_database(postgresql)
    settings = load_settings(home=tmp_path / "home", database_url=address)
    with open_custody(settings) as custody:
        custody.record_refusal(tmp_path / "x.tif", "no picture")
    made = backup(settings, 2)
    assert made.suffix == ".pgdump"
    listed = subprocess.run(["pg_restore", "--list", made], capture_output=True, text=True)
    assert "TABLE DATA public refusal" in listed.stdout


def test_what_cannot_be_copied_leaves_nothing(tmp_path):
    settings = load_settings(home=tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "catalogue.sqlite").write_bytes(b"no catalogue at all, but words" * 100)
    with pytest.raises(CatalogueRefused, match="cannot be copied"):
        backup(settings, 2)
    assert list((settings.home / "backups").iterdir()) == []


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
