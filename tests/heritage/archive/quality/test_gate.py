"""What the gate finds, and that it claims no more than files can prove."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heritage.archive.quality.fills import Clipping
from heritage.archive.quality.gate import FILL, UNCHANGED, gate
from heritage.archive.quality.standards import FADGI, ISO, METAMORFOZE, NOT_CLAIMED
from heritage.damage.mask_writing import TILE, write_mask
from heritage.errors import MaskRefused, MasterRefused
from heritage.restore.engine import restore
from tests.heritage.archive.conftest import ICC

BOX = slice(20, 40), slice(30, 60)


def mask_of(path: Path, damaged) -> Path:
    """A mask as it is kept."""
    marks = np.zeros((TILE, TILE), np.uint8)
    marks[: damaged.shape[0], : damaged.shape[1]] = damaged * 255
    write_mask(path, *damaged.shape, [(0, 0, marks[: damaged.shape[0], : damaged.shape[1]])])
    return path


def picture(seed: int = 0, shape=(90, 120, 3)):
    """Smooth with a little noise, far from the ends of 16 bits."""
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(shape[0]), np.arange(shape[1]))[..., None] * 60.0 + 20_000
    return (ramp + rng.normal(0, 150, shape)).astype(np.uint16)


def write(path: Path, pixels, **changes) -> Path:
    plain = {
        "photometric": "rgb", "compression": None, "iccprofile": ICC, "resolution": (600, 600),
        "resolutionunit": 2, "rowsperstrip": 16, "metadata": None, "software": False,
    }  # fmt: skip
    tifffile.imwrite(path, pixels, **plain | changes)
    return path


@pytest.fixture
def case(tmp_path):
    """Master, restored and mask; the restored one differs inside the mask alone."""
    before = picture()
    after = before.copy()
    after[BOX] = picture(1)[BOX]
    damaged = np.zeros(before.shape[:2], bool)
    damaged[BOX] = True
    master, restored = (write(tmp_path / f"{n}.tif", p) for n, p in (("a", before), ("b", after)))
    return master, restored, mask_of(tmp_path / "mask.tif", damaged), after


def wrong(report) -> set[str]:
    """Names of what was disproven."""
    return {item.item for item in report.items if item.proven is False}


def found(report, standard: str, item: str):
    (one,) = (i for i in report.items if (i.standard, i.item) == (standard, item))
    return one


def test_a_signed_restoration_passes(signed):
    report = gate(signed.master, signed.made.restored, signed.made.mask)
    assert report.ok
    assert not wrong(report)
    unchanged = [item for item in report.items if item.standard == UNCHANGED]
    assert len(unchanged) >= 12
    assert all(item.proven for item in unchanged)


def test_what_was_taken_back_counts_as_changed(signed):
    report = gate(signed.master, signed.proposed.restored, signed.made.mask)
    assert not report.ok
    assert "pixels outside the mask" in wrong(report)


def test_the_report_is_json_and_names_no_folder(signed):
    report = gate(signed.master, signed.made.restored, signed.made.mask)
    told = json.loads(json.dumps(report.to_json()))
    assert told["ok"] is True
    assert told["master"] == "mill.tif"
    assert len(told["items"]) == len(report.items)
    assert str(signed.master.parent) not in json.dumps(told)


def test_one_changed_bit_outside_the_mask_is_found_and_its_place_named(case):
    master, restored, mask, after = case
    after = after.copy()
    after[77, 3, 1] ^= 1
    write(restored, after)
    report = gate(master, restored, mask)
    assert wrong(report) == {
        "pixels outside the mask", "colour outside the mask", "noise outside the mask",
        "sharpness outside the mask",
    }  # fmt: skip
    item = found(report, UNCHANGED, "pixels outside the mask")
    assert item.measured == 1
    assert "row 77, column 3" in item.sentence


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    y=st.integers(0, 89), x=st.integers(0, 119), sample=st.integers(0, 2), bit=st.integers(0, 15)
)
def test_any_bit_counts_outside_the_mask_and_none_inside(case, y, x, sample, bit):
    master, restored, mask, after = case
    touched = after.copy()
    touched[y, x, sample] ^= np.uint16(1 << bit)
    write(restored, touched)
    inside = 20 <= y < 40 and 30 <= x < 60
    assert ("pixels outside the mask" in wrong(gate(master, restored, mask))) is not inside


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"iccprofile": None}, {"ICC profile", "colour outside the mask"}),
        ({"iccprofile": ICC[:-4] + b"abcd"}, {"ICC profile", "colour outside the mask"}),
        ({"resolution": (300, 300)}, {"resolution"}),
        ({"resolutionunit": 3}, {"resolution"}),
        ({"resolution": None}, {"resolution"}),
        ({"compression": "zlib"}, {"compression"}),
        ({"extratags": [(274, 3, 1, 6, True)]}, {"orientation"}),
    ],
)
def test_a_changed_property_is_found_and_named(case, changes, named):
    master, restored, mask, after = case
    write(restored, after, **changes)
    report = gate(master, restored, mask)
    assert not report.ok
    # What a tag says differs as a tag, too.
    tags = set() if changes.keys() == {"compression"} else {"tags, other pages and sub-images"}
    assert wrong(report) == named | tags


def test_a_lower_bit_depth_is_found_and_named(case):
    master, restored, mask, after = case
    write(restored, (after >> 8).astype(np.uint8))
    assert {"bit depth", "pixels outside the mask"} <= wrong(gate(master, restored, mask))


def test_a_cropped_picture_is_found_and_named(case):
    master, restored, mask, after = case
    write(restored, after[:-1])
    report = gate(master, restored, mask)
    assert {"size", "pixels outside the mask"} <= wrong(report)
    assert "from 120 x 90 to 120 x 89" in found(report, UNCHANGED, "size").sentence


def test_a_lost_page_is_found_and_named(case):
    master, restored, mask, after = case
    tifffile.imwrite(master, after, photometric="rgb", append=True)
    assert "pages" in wrong(gate(master, restored, mask))


def test_lossy_compression_is_found_and_named(tmp_path, case):
    mask = case[2]
    before = (picture() >> 8).astype(np.uint8)
    master = write(tmp_path / "eight.tif", before)
    restored = write(tmp_path / "jpeg.tif", before, compression="jpeg")
    report = gate(master, restored, mask)
    assert {"compression", "pixels outside the mask"} <= wrong(report)
    assert "loses detail" in found(report, UNCHANGED, "compression").sentence
    assert found(report, FADGI, "File Compression").proven is None


def test_a_lossy_master_may_be_written_anew_without_loss(tmp_path):
    before = (picture(shape=(128, 128, 3)) >> 8).astype(np.uint8)
    master = write(tmp_path / "m.tif", before, compression="jpeg")
    damaged = np.zeros(before.shape[:2], np.uint8)
    damaged[BOX] = 255
    tifffile.imwrite(master.with_suffix(".mask.tif"), damaged)
    made = restore(master, model="telea", output=tmp_path / "out", device="cpu")
    report = gate(master, made.restored, made.mask)
    assert report.ok, wrong(report)
    assert "loses nothing" in found(report, UNCHANGED, "compression").sentence


def test_smaller_versions_are_looked_at(tmp_path, case):
    mask, after = case[2:]
    paths = tmp_path / "p.tif", tmp_path / "q.tif"
    for path, spoiled in zip(paths, (0, 1), strict=True):
        small = after[::2, ::2].copy()
        small[-1, -1] ^= spoiled
        with tifffile.TiffWriter(path) as file:
            plain = {"photometric": "rgb", "metadata": None, "software": False, "rowsperstrip": 16}
            file.write(after, subifds=1, **plain)
            file.write(small, subfiletype=1, **plain)
    assert gate(paths[0], paths[0], mask).ok
    assert wrong(gate(*paths, mask)) == {"smaller versions"}


def test_clipping_that_the_surroundings_do_not_have_is_found(case):
    master, restored, mask, after = case
    after = after.copy()
    after[22:30, 32:50] = 65535
    write(restored, after)
    report = gate(master, restored, mask)
    assert wrong(report) == {"clipping inside the mask"}
    assert found(report, FILL, "clipping inside the mask").measured == {
        "filled": 600, "at an end of the scale": 144, "without example around": 144,
    }  # fmt: skip


def test_white_beside_white_is_no_clipping(case):
    master, restored, mask, after = case
    before = picture()
    before[:, 25:] = 65535
    after = before.copy()
    write(master, before)
    write(restored, after)
    item = found(gate(master, restored, mask), FILL, "clipping inside the mask")
    assert item.proven is True
    assert item.measured["at an end of the scale"] == 600


def test_deep_in_a_hole_the_whole_picture_is_the_example():
    dark = np.zeros((200, 200, 1), np.uint8)
    everywhere = np.ones((200, 200), bool)
    core = slice(50, 150), slice(50, 150)
    for known, introduced in ((7, 10_000), (0, 0)):
        clipping = Clipping((0, 255), 1)
        clipping.know(np.full((4, 4, 1), known, np.uint8), np.zeros((4, 4), bool))
        clipping.judge(dark, everywhere, core)
        assert (clipping.filled, clipping.clipped) == (10_000, 10_000)
        assert clipping.introduced == introduced


def test_noise_is_told_and_never_judged(case):
    master, restored, mask, after = case
    smooth = after.copy()
    smooth[BOX] = np.add.outer(np.arange(20), np.arange(30))[..., None] * 60 + 23_000
    shares = []
    for pixels in (after, smooth):
        write(restored, pixels)
        item = found(gate(master, restored, mask), FILL, "noise inside the mask")
        assert item.proven is None
        assert item.measured["surround"] == pytest.approx(150 / 65535, rel=0.5)
        shares.append(item.measured["fill"] / item.measured["surround"])
    assert 0.5 < shares[0] < 2
    assert shares[1] < 0.2


@pytest.mark.parametrize(
    ("pixels", "photometric"),
    [(picture().astype(np.float32) / 65535, "rgb"), (picture()[..., 0] > 23_000, "minisblack")],
)
def test_samples_without_a_scale_are_judged_by_their_bits_alone(
    tmp_path, case, pixels, photometric
):
    path = write(tmp_path / "odd.tif", pixels, photometric=photometric, iccprofile=None)
    report = gate(path, path, case[2])
    assert report.ok
    assert found(report, FILL, "clipping inside the mask").proven is None
    assert found(report, FADGI, "Bit Depth").proven is None


def test_what_only_a_target_shows_is_never_claimed(case):
    report = gate(*case[:3])
    for standard, items in NOT_CLAIMED.items():
        for item in items:
            one = found(report, standard, item)
            assert one.proven is None
            assert "target" in one.sentence
    named = {(item.standard, item.item) for item in report.items if item.proven}
    assert {standard for standard, _ in named} == {UNCHANGED, FILL, FADGI, METAMORFOZE, ISO}
    assert not named & {(s, i) for s, items in NOT_CLAIMED.items() for i in items}


def test_what_a_file_proves_of_the_guidelines_is_measured(case):
    report = gate(*case[:3])
    assert found(report, FADGI, "Bit Depth").measured == 16
    assert found(report, FADGI, "Resolution").measured == [600, 600]
    assert "sRGB" in found(report, FADGI, "Color Space").measured
    # sRGB is none of the spaces that Metamorfoze asks for: said, not held against the file.
    assert found(report, METAMORFOZE, "Color space").proven is None
    assert found(report, METAMORFOZE, "File format").proven is True


def test_a_profile_that_makes_no_sense_is_no_colour_space(case, tmp_path):
    path = write(tmp_path / "x.tif", case[3], iccprofile=b"\0" * 200)
    report = gate(path, path, case[2])
    assert found(report, FADGI, "Color Space").proven is None
    assert report.ok


def test_a_mask_of_another_size_is_refused_in_one_line(case, tmp_path):
    other = mask_of(tmp_path / "other.mask.tif", np.ones((10, 10), bool))
    with pytest.raises(MaskRefused, match="size") as refused:
        gate(case[0], case[1], other)
    assert "\n" not in str(refused.value)


def test_a_damaged_file_is_refused_in_one_line(case):
    raw = bytearray(case[1].read_bytes())
    (at,) = struct.unpack_from("<I", raw, 4)
    case[1].write_bytes(raw[: at + 20])
    with pytest.raises(MasterRefused) as refused:
        gate(*case[:3])
    assert "\n" not in str(refused.value)


def test_a_page_is_compared_with_its_own(tmp_path, case):
    mask, after = case[2:]
    paths = []
    for name, second in (("m.tif", after), ("r.tif", picture(7))):
        path = tmp_path / name
        with tifffile.TiffWriter(path) as file:
            for pixels in (after, second):
                file.write(pixels, photometric="rgb", metadata=None, software=False)
        paths.append(path)
    first, second = gate(*paths, mask, page=0), gate(*paths, mask, page=1)
    assert found(first, UNCHANGED, "pixels outside the mask").proven
    assert "tags, other pages and sub-images" in wrong(first)
    assert "pixels outside the mask" in wrong(second)
    shutil.copyfile(paths[0], paths[1])
    assert gate(*paths, mask, page=1).ok
