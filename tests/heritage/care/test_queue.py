"""Which masters wait: those that nobody has dealt with."""

import numpy as np
import pytest
import tifffile

from heritage.care.custody import open_custody
from heritage.care.inbox import admit
from heritage.care.leases import TRIES, restoring, working_on
from heritage.errors import MasterRefused, RestorationBusy
from heritage.settings import load_settings


@pytest.fixture
def settings(tmp_path, empty_url):
    return load_settings(home=tmp_path / "home", database_url=empty_url)


@pytest.fixture
def arrive(tmp_path, settings):
    def one(name, value=1):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.full((16, 16, 3), value, np.uint8), photometric="rgb")
        with open_custody(settings) as custody:
            admit(custody, path)
        return path

    return one


def waiting(settings, **more):
    with open_custody(settings) as custody:
        return [path.stem for path in custody.unrestored(**more)]


def test_where_nothing_was_to_be_filled_nobody_looks_again(settings, arrive):
    whole, torn = arrive("whole"), arrive("torn", 2)
    with working_on(restoring(whole), settings):
        assert waiting(settings) == ["whole", "torn"]  # somebody is at it
    assert waiting(settings) == ["torn"]
    assert waiting(settings, again=True) == ["whole", "torn"]
    arrive("whole", 3)  # another file under the same name
    assert waiting(settings) == ["torn", "whole"]
    with working_on(restoring(torn), settings):
        pass
    assert "torn" not in waiting(settings)


def test_what_is_set_aside_keeps_no_place(settings, arrive):
    poison = restoring(arrive("poison"))
    arrive("sound", 2)
    for _ in range(TRIES):
        assert waiting(settings, limit=1) == ["poison"]
        with pytest.raises(MasterRefused), working_on(poison, settings, TRIES):
            raise MasterRefused("kills the codec")
    assert waiting(settings, limit=1) == ["sound"]


def test_what_others_are_at_waits(settings, arrive):
    master = restoring(arrive("busy"))
    for _ in range(TRIES + 1):
        with (
            working_on(master, settings),
            pytest.raises(RestorationBusy),
            working_on(master, settings),
        ):
            pass
    with pytest.raises(MasterRefused), working_on(master, settings):
        raise MasterRefused("once")
    assert waiting(settings) == ["busy"]
