"""An audit finds what rot, theft and carelessness do, and comes round to every file."""

import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tifffile

from db.vocabulary import Soundness
from heritage.care.audit import audit
from heritage.care.custody import Custody
from heritage.care.inbox import admit
from heritage.damage.regions import Region
from heritage.geometry import Box
from heritage.restore.engine import restore


class Clock:
    def __init__(self):
        self.now = datetime(2026, 11, 1, 2, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(microseconds=1)
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def custody(empty_url, clock):
    with Custody(empty_url, "ann", clock) as opened:
        yield opened


@pytest.fixture
def masters(tmp_path, custody):
    paths = [tmp_path / "scans" / f"{number}.tif" for number in range(6)]
    paths[0].parent.mkdir()
    rng = np.random.default_rng(1)
    for path in paths:
        tifffile.imwrite(path, rng.integers(0, 255, (40, 50, 3), np.uint8), photometric="rgb")
        assert admit(custody, path).status == "recorded"
    return paths


def flip(path):
    """One bit, and the times as they were: what a tired disk does."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[-7] ^= 4
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_sound_files_are_one_event(custody, masters):
    before = custody.totals().events
    found = audit(custody, 30, everything=True)
    assert (found.holdings, found.checked, found.wrong) == (6, 6, [])
    assert custody.totals().events == before + 1
    assert found.bytes == sum(path.stat().st_size for path in masters)


def test_a_flipped_bit_a_missing_and_a_replaced_file_are_told_apart(custody, masters):
    audit(custody, 30, everything=True)
    flip(masters[1])
    masters[2].unlink()
    masters[3].write_bytes(masters[4].read_bytes())
    masters[5].write_bytes(masters[5].read_bytes() + b"x")
    found = audit(custody, 30, everything=True)
    assert {check.holding.path: check.found for check in found.newly} == {
        str(masters[1]): Soundness.ROT,
        str(masters[2]): Soundness.MISSING,
        str(masters[3]): Soundness.REPLACED,
        str(masters[5]): Soundness.REPLACED,
    }
    assert {row.path for row in custody.troubled()} == {str(masters[n]) for n in (1, 2, 3, 5)}
    again = audit(custody, 30, everything=True)
    assert len(again.wrong) == 4
    assert again.newly == []  # told once, still listed
    flip(masters[1])
    assert str(masters[1]) not in {c.holding.path for c in audit(custody, 30, True).wrong}
    assert custody.verify_chain().intact


def test_every_file_comes_round_in_so_many_nights(custody, masters, clock):
    seen = []
    for _ in range(3):
        found = audit(custody, 3)
        seen.append(found.checked)
        assert audit(custody, 3).checked in (0, 2)  # a second run brings the next ones forward
        clock.now += timedelta(days=1)
    assert seen[0] == 2
    with custody._reading() as session:
        from db.holdings import Holding

        assert all(row.checked_at is not None for row in session.query(Holding))


def test_what_was_put_right_is_seen_the_next_night(custody, masters, clock):
    audit(custody, 6, everything=True)
    flip(masters[1])
    audit(custody, 6, everything=True)
    flip(masters[1])
    clock.now += timedelta(days=1)
    found = audit(custody, 6)
    assert found.wrong == []
    assert custody.troubled() == []


def test_the_files_of_restorations_are_audited_too(custody, masters, tmp_path):
    mask = tmp_path / "mask.tif"
    hole = np.zeros((40, 50), np.uint8)
    hole[10:14, 10:30] = 255
    tifffile.imwrite(mask, hole)
    made = restore(masters[0], mask, "telea", tmp_path / "out")
    record(custody, made, masters[0])
    assert audit(custody, 1, everything=True).holdings == 10
    flip(made.layer)
    found = audit(custody, 1, everything=True)
    assert [check.holding.part.value for check in found.wrong] == ["layer"]
    assert custody.history(masters[0]) is not None


def record(custody, made, master):
    from heritage.restore.provenance import read_provenance
    from heritage.tiff import inspect

    said = read_provenance(made.provenance)
    number = custody.record_master(inspect(master), said["master"]["sha256"])
    mask = custody.record_mask(number, sha256=said["mask"]["sha256"], pixels=made.damaged_pixels)
    model = custody.record_model("telea", "diffusion")
    run = custody.begin_restoration(
        number, mask, model, parameters={}, output=made.folder, device="cpu"
    )
    regions = [Region(1, Box(10, 10, 14, 30), 80, 2.0)]
    custody.finish_restoration(run.id, made, regions)
