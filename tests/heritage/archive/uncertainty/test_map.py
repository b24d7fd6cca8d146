"""The uncertainty map: where it is, what it says, and that there is the whole of it or none."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from heritage.archive.uncertainty.file import encoded, summary, write_map
from heritage.archive.uncertainty.map import recorded_inpainter, write_uncertainty
from heritage.damage.mask_writing import TILE, write_mask
from heritage.errors import (
    MaskRefused,
    NotEnoughMemory,
    StorageFailed,
    UnknownModel,
    VerificationFailed,
)
from heritage.geometry import Box
from heritage.restore.inpainters import load_inpainter
from heritage.restore.options import Options
from heritage.tiff import Master
from models.cards import InpainterCard
from models.inpainter import Inpainter

ROOM = 8 << 30


class FromTheLeft(Inpainter):
    """Draws on in each row what stands left of a hole: turned, it draws on from the other sides."""

    def _fill(self, image, holes):
        filled = image.clone()
        for x in range(1, image.shape[-1]):
            before = filled[..., x - 1]
            filled[..., x] = before.where(holes[..., x], filled[..., x])
        return filled


FROM_THE_LEFT = FromTheLeft(InpainterCard("from-the-left", "test", "tests"), "cpu")


@pytest.fixture(scope="module")
def telea():
    return load_inpainter("telea", "cpu")


@pytest.fixture
def case(tmp_path):
    """Writes a master and its mask from arrays."""

    def write(picture, mask, **tags):
        master, kept = tmp_path / "a.tif", tmp_path / "a.mask.tif"
        kind = "rgb" if picture.ndim == 3 else "minisblack"
        tifffile.imwrite(master, picture, photometric=kind, tile=(64, 64), **tags)
        height, width = mask.shape
        tiles = [
            (y, x, mask[y : y + TILE, x : x + TILE].astype(np.uint8) * 255)
            for y in range(0, height, TILE)
            for x in range(0, width, TILE)
        ]
        write_mask(kept, height, width, tiles)
        return master, kept

    return write


def spread_of(path):
    """The map in standard deviations."""
    return tifffile.imread(path) * (0.5 / 65535)


@pytest.fixture(scope="module")
def made(signed, telea, tmp_path_factory):
    """The map of the signed restoration, whose master has 16 bits and a profile."""
    target = tmp_path_factory.mktemp("map") / "mill.uncertainty.tif"
    steps = []
    write_uncertainty(
        signed.master, signed.made.mask, 0, telea, target,
        memory=ROOM, told=lambda *step: steps.append(step),
    )  # fmt: skip
    return target, steps


def test_every_filled_pixel_and_no_other_has_a_value(signed, made):
    mask, found = tifffile.imread(signed.made.mask), tifffile.imread(made[0])
    assert found.shape == mask.shape
    assert np.array_equal(found != 0, mask != 0)
    assert (found[mask != 0] > 1).any(), "even Telea's fill depends on how the picture is turned"


def test_progress_counts_windows_up_to_the_last(made):
    done = [step[0] for step in made[1]]
    assert done == sorted(done)
    assert made[1][-1][0] == made[1][-1][1] > 0


def test_the_file_is_tiled_and_says_in_itself_what_its_values_mean(made):
    with tifffile.TiffFile(made[0]) as file:
        page = file.pages.first
        assert len(file.pages) == 1
        assert page.is_tiled
        assert (page.dtype, page.samplesperpixel) == (np.dtype("uint16"), 1)
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert "standard deviation v / 65535 * 0.5 of full scale" in page.description
        assert "telea" in page.description


@pytest.mark.skipif(shutil.which("tiffinfo") is None, reason="needs libtiff's tools")
def test_libtiff_reads_every_tile_without_complaint(made):
    command = ["tiffinfo", "-d", "-D", str(made[0])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert not done.stderr
    assert "Image Width: 800 Image Length: 600" in done.stdout


def test_pillow_reads_the_empty_tiles_too(made):
    from PIL import Image

    with Image.open(made[0]) as picture:
        assert np.array_equal(np.asarray(picture), tifffile.imread(made[0]))


def test_the_same_input_gives_the_same_bytes(signed, made, telea, tmp_path, monkeypatch):
    monkeypatch.setattr("heritage.restore.memory.resident", lambda: 0)
    again = tmp_path / "again.tif"
    options = Options(batch=1)
    write_uncertainty(
        signed.master, signed.made.mask, 0, telea, again, memory=1 << 30, options=options
    )
    assert again.read_bytes() == made[0].read_bytes()


def test_the_summary_is_that_of_the_filled_pixels(signed, made):
    spread = spread_of(made[0])[tifffile.imread(signed.made.mask) != 0]
    said = summary(made[0])
    assert said["pixels"] == len(spread)
    assert said["mean"] == pytest.approx(spread.mean(), abs=1e-6)
    p95 = np.quantile(spread, 0.95, method="inverted_cdf")
    assert said["p95"] == pytest.approx(p95, abs=1e-6)
    assert said["largest"] == pytest.approx(spread.max(), abs=1e-6)
    assert said["mean"] < said["p95"] < said["largest"]


def test_a_spread_is_the_standard_deviation_over_the_four_sides(case, tmp_path):
    # Left of the hole lies 0.2, right 0.8, above and below 0.4: each side is drawn on twice.
    picture = np.full((64, 64), 102, np.uint8)
    picture[30:34, :30], picture[30:34, 34:] = 51, 204
    mask = np.zeros((64, 64), bool)
    mask[30:34, 30:34] = True
    master, kept = case(picture, mask)
    write_uncertainty(master, kept, 0, FROM_THE_LEFT, tmp_path / "u.tif", memory=ROOM)
    found = spread_of(tmp_path / "u.tif")
    np.testing.assert_allclose(found[mask], np.std([0.2, 0.8, 0.4, 0.4]), atol=1e-5)


@pytest.mark.parametrize("name", ["telea", "patchmatch"])
def test_a_flat_region_is_more_certain_than_one_in_a_mosaic_of_chance(case, tmp_path, name):
    picture = np.full((200, 560, 3), 140, np.uint8)
    mosaic = np.random.default_rng(3).integers(0, 256, (20, 23, 3), np.uint8)
    picture[:, 330:] = mosaic.repeat(10, 0).repeat(10, 1)
    mask = np.zeros((200, 560), bool)
    mask[85:115, 85:115] = mask[85:115, 430:460] = True
    master, kept = case(picture, mask)
    inpainter = load_inpainter(name, "cpu")
    write_uncertainty(master, kept, 0, inpainter, tmp_path / "u.tif", memory=ROOM)
    found = spread_of(tmp_path / "u.tif")
    flat, mosaic = found[85:115, 85:115].mean(), found[85:115, 430:460].mean()
    assert mosaic > 0.004
    assert flat < 0.1 * mosaic


def test_the_middle_of_a_large_hole_is_as_uncertain_as_what_it_follows(case, tmp_path):
    # Alone, the windows in the middle would only see what the coarser scale lent them, and agree.
    picture = np.full((260, 260), 51, np.uint8)
    picture[:, 130:] = 204
    mask = np.zeros((260, 260), bool)
    mask[50:210, 50:210] = True
    master, kept = case(picture, mask)
    options = Options(window=64)
    write_uncertainty(
        master, kept, 0, FROM_THE_LEFT, tmp_path / "u.tif", memory=ROOM, options=options
    )
    found = spread_of(tmp_path / "u.tif")
    assert not found[~mask].any()
    # Each half knows its colour from three sides; the fourth disagrees.
    expected = np.std([0.2, 0.2, 0.2, 0.8])
    assert found[120:140, 90:110].mean() == pytest.approx(expected, rel=0.25)


def test_where_nothing_at_all_is_known_everything_is_invention(case, tmp_path, telea):
    master, kept = case(np.full((70, 80), 9, np.uint8), np.ones((70, 80), bool))
    write_uncertainty(master, kept, 0, telea, tmp_path / "u.tif", memory=ROOM)
    assert (tifffile.imread(tmp_path / "u.tif") == 65535).all()
    assert summary(tmp_path / "u.tif")["mean"] == 0.5


@pytest.mark.parametrize("limits", [None, (-40.0, 1000.0)])
def test_floats_are_measured_on_their_own_scale(case, tmp_path, limits):
    picture = np.full((64, 64), 0.4, np.float32)
    picture[30:34, :30], picture[30:34, 34:] = 0.2, 0.8
    mask = np.zeros((64, 64), bool)
    mask[30:34, 30:34] = True
    picture = picture * 1040 - 40
    picture[0, 0], picture[0, 1], picture[60, 60] = -40, 1000, np.nan
    master, kept = case(picture, mask)
    target = tmp_path / "u.tif"
    write_uncertainty(master, kept, 0, FROM_THE_LEFT, target, memory=ROOM, limits=limits)
    found = spread_of(target)
    np.testing.assert_allclose(found[mask], np.std([0.2, 0.8, 0.4, 0.4]), atol=1e-5)
    assert not found[~mask].any()


def test_two_holes_in_a_huge_master_cost_what_they_cost(tmp_path, telea, monkeypatch):
    side, tile = 30_000, 512
    count = (-(-side // tile)) ** 2
    block = np.full((tile, tile), 90, np.uint8)
    block[:, ::3] = 160
    packed = tifffile.TIFF.COMPRESSORS[8](block)
    master = tmp_path / "wall.tif"
    tifffile.imwrite(
        master, (packed for _ in range(count)), shape=(side, side), dtype=np.uint8,
        tile=(tile, tile), compression="adobe_deflate", photometric="minisblack", metadata=None,
    )  # fmt: skip
    hole = np.zeros((tile, tile), np.uint8)
    hole[200:220, 200:240] = 255
    last = side // tile - 1
    write_mask(
        tmp_path / "wall.mask.tif", side, side, [(0, 0, hole), (last * tile, last * tile, hole)]
    )
    read = []
    monkeypatch.setattr(
        Master,
        "read",
        lambda self, box, plain=Master.read: (read.append(box.area), plain(self, box))[1],
    )
    target = tmp_path / "u.tif"
    write_uncertainty(master, tmp_path / "wall.mask.tif", 0, telea, target, memory=ROOM)
    assert len(read) == 2
    assert sum(read) <= 2 * 256 * 256
    assert target.stat().st_size < 700 * count
    assert summary(target)["pixels"] == 2 * 20 * 40


def test_what_is_stopped_leaves_what_was_there(signed, telea, tmp_path):
    target = tmp_path / "u.tif"
    target.write_bytes(b"the one before")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_uncertainty(signed.master, signed.made.mask, 0, telea, target, memory=ROOM, told=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["u.tif"]
    assert target.read_bytes() == b"the one before"


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path):
    def failing():
        yield Box(0, 0, TILE, TILE), encoded(np.ones((TILE, TILE), "<u2"))
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_map(tmp_path / "u.tif", 2000, 2000, failing(), "telea")
    assert not list(tmp_path.iterdir())


def test_a_mask_of_another_size_is_refused(case, tmp_path, telea):
    master, kept = case(np.zeros((64, 64), np.uint8), np.ones((64, 80), bool))
    with pytest.raises(MaskRefused, match="80 x 64 pixels, its master 64 x 64"):
        write_uncertainty(master, kept, 0, telea, tmp_path / "u.tif", memory=ROOM)
    assert not (tmp_path / "u.tif").exists()


def test_a_folder_that_is_not_there_and_memory_that_does_not_do_are_named(signed, telea, tmp_path):
    arguments = (signed.master, signed.made.mask, 0, telea)
    with pytest.raises(StorageFailed, match="does not exist"):
        write_uncertainty(*arguments, tmp_path / "gone" / "u.tif", memory=ROOM)
    with pytest.raises(NotEnoughMemory, match=r"allowed 10\.0 MB"):
        write_uncertainty(*arguments, tmp_path / "u.tif", memory=10_000_000)


def test_only_a_map_has_a_summary(signed, tmp_path):
    for path in (signed.master, signed.made.provenance):
        with pytest.raises(VerificationFailed, match="is no uncertainty map"):
            summary(path)
    with pytest.raises(StorageFailed, match="does not exist"):
        summary(tmp_path / "gone.tif")


def test_the_recorded_inpainter_has_the_recorded_weights(dossier):
    method = dossier.method
    assert recorded_inpainter(method, "cpu").name == "telea"
    small = load_inpainter("art-small", "cpu")
    network = replace(method, name="art-small", weights_sha256=small.weights_sha256)
    assert recorded_inpainter(network, "cpu").weights_sha256 == small.weights_sha256
    with pytest.raises(UnknownModel, match="weights of art-small are no longer those"):
        recorded_inpainter(replace(network, weights_sha256="0" * 64), "cpu")
    with pytest.raises(UnknownModel):
        recorded_inpainter(replace(method, name="long-gone"), "cpu")
