from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.restore.profiles import romm_rgb
from heritage.tone import read_tone
from heritage.tone import rendering as rendering_module
from heritage.tone.rendering import render_tone, write_tone
from tests.heritage.tone.conftest import page, print_of_brown


def _old():
    return (0.1 + 0.75 * page()) * np.array((1.0, 0.94, 0.75))


@pytest.mark.parametrize("depth", [8, 16])
def test_a_derivative_is_the_master_but_for_its_tones(save, tmp_path: Path, depth: int) -> None:
    from heritage.restore.colour import WorkingSpace
    from heritage.tiff import inspect
    from heritage.tone.tone import apply_tone

    master = save(_old(), depth=depth, iccprofile=romm_rgb(), resolution=(300, 300))
    before = master.read_bytes()
    files = write_tone(master, tmp_path / "out", "sheet", render=True)
    assert master.read_bytes() == before
    assert files.rendered is not None
    with tifffile.TiffFile(master) as one, tifffile.TiffFile(files.rendered) as other:
        assert other.pages[0].dtype == one.pages[0].dtype
        assert other.pages[0].shape == one.pages[0].shape
        assert other.pages[0].iccprofile == romm_rgb()
        assert other.pages[0].tags.valueof(282) == one.pages[0].tags.valueof(282)
    given, found = tifffile.imread(master), tifffile.imread(files.rendered)
    space = WorkingSpace.of(inspect(master))
    rgb = apply_tone(files.tone, space.to_rgb(given), Box(0, 0, *given.shape[:2]))
    assert np.array_equal(found, np.rint(rgb.astype(np.float64) * (2**depth - 1)))
    full = 2**depth - 1
    clipped = ((found == full) & (given < full)) | ((found == 0) & (given > 0))
    assert clipped.any(axis=-1).mean() <= 0.001


def test_alpha_and_pixels_without_a_value_stay(tmp_path: Path) -> None:
    master = tmp_path / "float.tif"
    picture = print_of_brown()
    picture[5:9, 5:9] = np.nan
    tifffile.imwrite(master, picture, photometric="rgb")
    files = write_tone(master, tmp_path / "out", "float", render=True)
    found = tifffile.imread(files.rendered)
    assert np.isnan(found[5:9, 5:9]).all()
    assert np.isfinite(found[20:]).all()
    rgba = np.dstack([print_of_brown(), np.full((200, 240), 0.3)])
    tifffile.imwrite(
        master,
        np.rint(rgba * 255).astype(np.uint8),
        photometric="rgb",
        extrasamples=["unassalpha"],
    )
    files = write_tone(master, tmp_path / "out", "rgba", render=True)
    found = tifffile.imread(files.rendered)
    assert (found[..., 3] == round(0.3 * 255)).all()
    assert not np.array_equal(found[..., :3], np.rint(rgba[..., :3] * 255))


def test_equal_runs_have_equal_bytes(save, tmp_path: Path) -> None:
    master = save(_old())
    runs = [
        write_tone(master, tmp_path / place, "sheet", preview=True, render=True)
        for place in ("one", "two")
    ]
    for what in ("record", "preview", "rendered"):
        one, other = (getattr(files, what).read_bytes() for files in runs)
        assert one == other
    assert read_tone(runs[0].record) == runs[0].tone
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "sheet.tone.jpg",
        "sheet.tone.json",
        "sheet.toned.tif",
    ]


def test_the_preview_shows_before_and_after_in_the_profile(save, tmp_path: Path) -> None:
    master = save(_old(), iccprofile=romm_rgb())
    files = write_tone(master, tmp_path / "out", "sheet", preview=True)
    with Image.open(files.preview) as sheet:
        assert sheet.size == (2 * 200 + 8, 240)
        assert sheet.info["icc_profile"] == romm_rgb()
        pixels = np.asarray(sheet, np.float64)
    assert np.abs(pixels[:, 208:] - pixels[:, :200]).mean() > 5
    assert np.abs(pixels[:, :200] / 255 - _old()).mean() < 0.02


def test_pictures_of_other_parameters_do_not_stay_and_those_of_the_same_do(
    save, tmp_path: Path
) -> None:
    master, folder = save(_old()), tmp_path / "out"
    rendered = write_tone(master, folder, "sheet", render=True).rendered
    write_tone(master, folder, "sheet")
    assert rendered.exists()
    write_tone(master, folder, "sheet", strength=0.3)
    assert not rendered.exists()


def test_a_tone_is_not_rendered_from_another_file(save, tmp_path: Path) -> None:
    tone = write_tone(save(_old()), tmp_path / "out", "sheet").tone
    target = tmp_path / "new.tif"
    with pytest.raises(MasterRefused, match="not the file"):
        render_tone(save(page(), "other"), target, tone)
    assert not target.exists()


def test_what_fails_leaves_nothing_half(save, tmp_path: Path, monkeypatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rendering_module, "toned", fails)
    from heritage.errors import StorageFailed

    with pytest.raises(StorageFailed, match="disk is full"):
        write_tone(save(_old()), tmp_path / "out", "sheet", render=True)
    assert not list((tmp_path / "out").iterdir())
