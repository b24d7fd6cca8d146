"""A review room with one restoration in it, for tests of its desk and its pages."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tifffile
from argon2 import PasswordHasher

from db.vocabulary import Role
from heritage.restore.engine import restore
from heritage.restore.provenance import read_provenance
from heritage.review import passwords
from heritage.review.desk import Desk
from heritage.settings import Settings
from heritage.tiff import inspect

PASSWORD = "correct horse battery"
ROLES = {"vic": Role.VIEWER, "rex": Role.REVIEWER, "ava": Role.APPROVER, "ada": Role.ADMINISTRATOR}


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self):
        self.ahead = timedelta(0)

    def __call__(self):
        return datetime.now(UTC) + self.ahead


@dataclass
class House:
    """A workspace with a catalogue, people, and a finished restoration of three regions."""

    settings: Settings
    desk: Desk
    clock: Clock
    identifier: str
    master: Path
    sha256: str
    output: Path


def paint(path: Path, dtype=np.uint16) -> None:
    """A master of 900 x 700 with an even gradient, and three holes in its mask."""
    rng = np.random.default_rng(5)
    rows = np.arange(700)[:, None, None] + np.arange(900)[None, :, None] + np.array([0, 40, 90])
    picture = rows * 0.13 + rng.integers(0, 5, rows.shape) + 30
    picture = picture * (257 if dtype == np.uint16 else 1)
    mask = np.zeros((700, 900), np.uint8)
    mask[60:120, 80:160] = 255
    mask[300:640, 400:408] = 255
    mask[480:540, 700:790] = 255
    picture[mask > 0] = 250 * (257 if dtype == np.uint16 else 1)
    tifffile.imwrite(path, picture.astype(dtype), photometric="rgb", tile=(256, 256))
    tifffile.imwrite(path.with_suffix(".mask.tif"), mask)


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords():
    """Hashing is slow on purpose; here it need not be."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr(passwords, "_HASHER", quick)
        yield


@pytest.fixture(scope="session")
def made(tmp_path_factory, _quick_passwords):
    """A house made once, to be copied: everybody's password is the same."""
    folder = tmp_path_factory.mktemp("made")
    paint(folder / "mill.tif")
    restore(folder / "mill.tif", model="telea", output=folder / "out", device="cpu")
    with Desk(Settings(home=folder / "home").database_url, "Night run") as desk:
        for name, role in ROLES.items():
            desk.add_account(None, name, name.title(), role, PASSWORD)
        record(desk, folder / "mill.tif", folder / "out" / "mill")
    return folder


@pytest.fixture
def house(made, tmp_path):
    """See ``House``."""
    folder = tmp_path / "house"
    shutil.copytree(made, folder)
    master, output = folder / "mill.tif", folder / "out" / "mill"
    catalogue = sqlite3.connect(folder / "home" / "catalogue.sqlite")
    catalogue.execute("UPDATE master SET path = ?", [str(master)])
    catalogue.execute("UPDATE restoration SET output = ?", [str(output)])
    query = "SELECT identifier, sha256 FROM restoration JOIN master ON master.id = master_id"
    identifier, sha256 = catalogue.execute(query).fetchone()
    catalogue.commit()
    catalogue.close()
    settings = Settings(home=folder / "home")
    clock = Clock()
    with Desk(settings.database_url, "Night run", clock) as desk:
        yield House(settings, desk, clock, identifier, master, sha256, output)


def record(desk, master, folder):
    """Put a finished restoration on record; returns its identifier and its master's SHA-256."""
    from heritage.restore.restoration import read_restoration

    done = read_restoration(folder, master)
    said = read_provenance(done.provenance)
    number = desk.record_master(inspect(master), said["master"]["sha256"], title="The Mill")
    mask = desk.record_mask(
        number, sha256=said["mask"]["sha256"], pixels=said["mask"]["pixels"], source="m.tif"
    )
    model = desk.record_model("telea", "diffusion")
    run = desk.begin_restoration(
        number, mask, model, parameters={"page": 0}, output=folder, device="cpu"
    )
    from heritage.damage.masks import open_mask
    from heritage.damage.regions import find_regions

    with open_mask(done.mask) as open_:
        desk.finish_restoration(run.id, done, find_regions(open_))
    return run.identifier, said["master"]["sha256"]
