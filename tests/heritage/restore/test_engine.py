"""The whole way: from a master and its mask to four files that prove themselves."""

from __future__ import annotations

import json
import os
import shutil

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heritage
from heritage.errors import (
    MaskRefused,
    MasterRefused,
    NotEnoughMemory,
    NothingToRestore,
    OutputInTheWay,
    RestorationBusy,
    StorageFailed,
    UnknownModel,
)
from heritage.restore import Options, finish, open_job, run_batches
from heritage.restore.engine import restore
from heritage.restore.prepare import prepare
from heritage.restore.verify import verify

SMALL = Options(window=64)


def gradient(height=150, width=210, dtype="uint16", samples=3):
    y, x = np.mgrid[:height, :width]
    unit = 0.2 + 0.6 * (x / width + y / height) / 2
    limit = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    return np.repeat((unit * limit)[..., None], samples, axis=2).astype(dtype)


def damage(height=150, width=210):
    mask = np.zeros((height, width), np.uint8)
    mask[20:24, 5:200] = 255
    mask[70:90, 60:90] = 255
    mask[140:, 200:] = 255
    return mask


@pytest.fixture
def scan(tmp_path):
    """A 16-bit master with an ICC profile, damaged by bright noise, and its mask."""
    picture, mask = gradient(), damage()
    noise = np.random.default_rng(0).integers(0, 65535, picture.shape, np.uint16)
    picture[mask > 0] = noise[mask > 0]
    path = tmp_path / "scan.tif"
    tifffile.imwrite(
        path,
        picture,
        photometric="rgb",
        tile=(64, 64),
        compression="zlib",
        predictor=True,
        iccprofile=bytes(imagecodecs.cms_profile("srgb")),
        metadata=None,
    )
    tifffile.imwrite(tmp_path / "scan.mask.tif", mask)
    return path


def files(folder):
    """Bytes of a restoration's files; the record without its times."""
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    record = json.loads(found[f"{folder.name}.provenance.json"])
    del record["times"]
    return found | {f"{folder.name}.provenance.json": record}


def test_a_restoration_is_four_files_that_prove_themselves(scan, tmp_path):
    before = scan.read_bytes()
    done = heritage.restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
    assert scan.read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan"]
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "scan.layer.tif",
        "scan.mask.tif",
        "scan.provenance.json",
        "scan.restored.tif",
    ]
    assert verify(done.folder).ok
    assert (done.regions, done.damaged_pixels) == (3, int((damage() > 0).sum()))
    assert done.share == pytest.approx((damage() > 0).mean())
    restored, mask = tifffile.imread(done.restored), damage() > 0
    assert np.array_equal(restored[~mask], tifffile.imread(scan)[~mask])
    off = np.abs(restored.astype(float) - gradient())[mask] / 65535
    assert off.mean() < 0.01


def test_the_record_says_what_was_done_and_nothing_about_the_machine(scan, tmp_path):
    done = restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
    text = done.provenance.read_text()
    record = json.loads(text)
    assert record["master"]["place"] == "../../scan.tif"
    assert str(tmp_path) not in text
    assert record["model"]["name"] == "telea"
    assert record["software"]["heritage"] == heritage.__version__
    assert len(record["regions"]["rows"]) == record["regions"]["count"] == 3
    assert "digital completion" in record["statement"]
    assert record["devices"] == ["cpu"]


def test_a_16_bit_fill_keeps_16_bits(scan, tmp_path):
    done = restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
    fill = tifffile.imread(done.restored)[damage() > 0]
    assert len(np.unique(fill[:, 0])) > 256
    assert (fill[:, 0] % 257 != 0).mean() > 0.9, "values are not 8-bit ones spread out"


def test_a_finished_restoration_is_found_and_not_repeated(scan, tmp_path):
    restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
    before = files(tmp_path / "out/scan")
    again = restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
    assert again.skipped
    assert files(tmp_path / "out/scan") == before
    with pytest.raises(OutputInTheWay, match="another master, mask, model or parameters"):
        restore(scan, model="navier-stokes", output=tmp_path / "out", options=SMALL)
    again.layer.unlink()
    with pytest.raises(OutputInTheWay, match="not a finished restoration"):
        restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scan"]


def test_batches_in_pieces_and_in_any_company_give_the_same_bytes(scan, tmp_path):
    whole = restore(scan, model="telea", output=tmp_path / "whole", options=SMALL)
    with prepare(scan, None, "telea", tmp_path / "pieces", options=SMALL) as job:
        for stage in job.stages():
            for batch in reversed(stage):
                run_batches(job.folder, [batch], "cpu")
        assert job.pending() == []
        pieces = finish(job.folder)
    assert files(pieces.folder) == files(whole.folder)


def test_a_corrupt_patch_is_computed_again(scan, tmp_path):
    whole = restore(scan, model="telea", output=tmp_path / "whole", options=SMALL)
    with prepare(scan, None, "telea", tmp_path / "torn", options=SMALL) as job:
        run_batches(job.folder, job.pending(), "cpu")
        torn = sorted((job.folder / "patches").iterdir())[0]
        torn.write_bytes(torn.read_bytes()[:-30])
        assert job.pending() == [0]
        with pytest.raises(StorageFailed, match=r"1 of .* run again"):
            finish(job.folder)
    again = restore(scan, model="telea", output=tmp_path / "torn", options=SMALL)
    assert again.continued
    assert files(again.folder) == files(whole.folder)


def test_work_begun_with_another_mask_is_not_continued(scan, tmp_path):
    with prepare(scan, None, "telea", tmp_path / "out", options=SMALL) as job:
        run_batches(job.folder, job.pending()[:1], "cpu")
    other = tmp_path / "other.png"
    import cv2

    cv2.imwrite(str(other), np.roll(damage(), 3, axis=1))
    with prepare(scan, other, "telea", tmp_path / "out", options=SMALL) as job:
        assert not job.continued
        assert len(job.pending()) == len(open_job(job.folder).plan.batches)
    with prepare(scan, other, "telea", tmp_path / "out", options=SMALL) as job:
        assert job.continued


def test_a_hole_larger_than_the_window_is_filled_in_depth(tmp_path):
    picture, mask = gradient(260, 300, "uint8"), np.zeros((260, 300), np.uint8)
    mask[40:220, 50:250] = 255
    broken = np.where(mask[..., None] > 0, 255, picture).astype(np.uint8)
    tifffile.imwrite(tmp_path / "deep.tif", broken, photometric="rgb", rowsperstrip=16)
    tifffile.imwrite(tmp_path / "deep.mask.tif", mask)
    options = Options(window=64, grain=False)
    done = restore(tmp_path / "deep.tif", None, "telea", tmp_path / "out", options=options)
    assert verify(done.folder).ok
    restored = tifffile.imread(done.restored).astype(float)
    # The window's context is 8 pixels, the middle of the hole is 90 from anything known.
    assert np.abs(restored - picture)[mask > 0].mean() < 12
    record = json.loads(done.provenance.read_text())
    assert record["windows"]["levels"] > 1


def test_grain_is_added_inside_the_mask_and_only_where_wanted(tmp_path):
    random = np.random.default_rng(0)
    picture, mask = gradient(200, 260, "uint16"), damage(200, 260)
    picture = (picture + random.normal(0, 900, picture.shape)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "film.tif", picture, photometric="rgb", rowsperstrip=8)
    tifffile.imwrite(tmp_path / "film.mask.tif", mask)
    inner = np.s_[72:88, 62:88]

    def roughness(name, grain):
        options = Options(window=128, grain=grain)
        done = restore(tmp_path / "film.tif", None, "telea", tmp_path / name, options=options)
        fill = tifffile.imread(done.restored).astype(float)[inner]
        return (fill[1:] - fill[:-1]).std() / np.sqrt(2)

    assert roughness("without", False) < 500
    assert roughness("with", True) == pytest.approx(900, rel=0.25)


def test_alpha_stays_as_it_is(tmp_path):
    picture = gradient(samples=4, dtype="uint8")
    picture[..., 3] = np.random.default_rng(0).integers(0, 255, picture.shape[:2])
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(tmp_path / "a.mask.tif", damage())
    done = restore(tmp_path / "a.tif", None, "telea", tmp_path / "out")
    assert np.array_equal(tifffile.imread(done.restored)[..., 3], picture[..., 3])


def test_nan_is_context_for_nobody_and_is_filled_where_masked(tmp_path):
    picture = gradient(dtype="float32", samples=1)[..., 0] * 300 - 20
    picture[20:22, :] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", picture)
    tifffile.imwrite(tmp_path / "a.mask.tif", damage())
    done = restore(tmp_path / "a.tif", None, "telea", tmp_path / "out")
    restored = tifffile.imread(done.restored)
    assert np.isfinite(restored[damage() > 0]).all()
    assert np.isnan(restored[20, 0])
    assert verify(done.folder).ok


def test_what_cannot_be_restored_is_refused_and_leaves_nothing(scan, tmp_path):
    out = tmp_path / "out"
    bare = tmp_path / "bare.tif"
    shutil.copy(scan, bare)
    with pytest.raises(NothingToRestore, match=r"has no mask; put bare\.mask\.tif beside it"):
        restore(bare, model="telea", output=out)
    wrong = tmp_path / "wrong.tif"
    tifffile.imwrite(wrong, damage()[:-1])
    with pytest.raises(MaskRefused):
        restore(scan, wrong, "telea", out)
    with pytest.raises(UnknownModel):
        restore(scan, model="no such model", output=out)
    with pytest.raises(StorageFailed, match="a file is where a folder should be"):
        restore(scan, None, "telea", scan)
    text = tmp_path / "text.tif"
    text.write_text("no picture")
    with pytest.raises(MasterRefused):
        restore(text, scan, "telea", out)
    with pytest.raises(NotEnoughMemory, match=r"needs at least .* and is allowed"):
        restore(scan, model="telea", output=out, options=Options(memory=1 << 20))
    assert not out.exists() or not list(out.iterdir())


def test_two_runs_do_not_tread_on_each_other(scan, tmp_path):
    with prepare(scan, None, "telea", tmp_path / "out", options=SMALL):
        with pytest.raises(RestorationBusy, match=f"process {os.getpid()}"):
            restore(scan, model="telea", output=tmp_path / "out", options=SMALL)
        assert (tmp_path / "out/.scan.work/job.json").is_file(), "the first one's work is intact"


def test_a_master_that_changes_meanwhile_is_refused(scan, tmp_path):
    with prepare(scan, None, "telea", tmp_path / "out", options=SMALL) as job:
        run_batches(job.folder, job.pending(), "cpu")
        os.utime(scan)
        with pytest.raises(MasterRefused, match="changed while it was being restored"):
            finish(job.folder)


def test_progress_is_told_to_the_end(scan, tmp_path):
    told = []
    restore(
        scan,
        model="telea",
        output=tmp_path / "out",
        options=SMALL,
        progress=lambda *step: told.append(step),
    )
    assert {what for what, _, _ in told} == {"inpaint", "compose"}
    for what in ("inpaint", "compose"):
        steps = [(done, total) for name, done, total in told if name == what]
        assert steps == sorted(steps)
        assert steps[-1][0] == steps[-1][1]


LAYOUTS = st.fixed_dictionaries(
    {
        "compression": st.sampled_from([None, "zlib", "lzw", "packbits", "zstd", "lzma"]),
        "tile": st.sampled_from([None, (16, 32), (64, 64)]),
        "planarconfig": st.sampled_from(["contig", "separate"]),
        "byteorder": st.sampled_from(["<", ">"]),
        "bigtiff": st.booleans(),
        "predictor": st.booleans(),
        "rowsperstrip": st.sampled_from([1, 7, 1000]),
    }
)
KINDS = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32"]
KINDS += ["float16", "float32", "float64"]


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    layout=LAYOUTS,
    dtype=st.sampled_from(KINDS),
    samples=st.sampled_from([1, 2, 3, 4]),
    seed=st.integers(0, 99),
)
def test_an_inpainter_that_does_nothing_gives_the_same_file_bit_by_bit(
    tmp_path_factory, layout, dtype, samples, seed
):
    place = tmp_path_factory.mktemp("identity")
    random = np.random.default_rng(seed)
    source = place / "master.tif"
    _write(source, random, dtype, samples, layout)
    mask = random.random((61, 83)) < 0.1
    tifffile.imwrite(place / "master.mask.tif", mask.astype(np.uint8))
    done = restore(source, None, "identity", place / "out")
    assert done.restored.read_bytes() == source.read_bytes()
    assert verify(done.folder).ok
    shutil.rmtree(place)


def _write(path, random, dtype, samples, layout):
    """A master of 61 x 83 pixels with every bit pattern its samples can have, within reason."""
    shape, options = (61, 83, samples), dict(layout)
    kind = np.dtype(dtype)
    if dtype == "bool":
        options |= {"compression": None, "predictor": False, "planarconfig": "contig"}
        shape = (61, 83, 1)
    if options["compression"] in (None, "packbits") or kind.itemsize > 4:
        options["predictor"] = False
    if kind.kind == "f":
        pixels = (random.standard_normal(shape) * 100).astype(dtype)
    elif kind.kind == "b":
        pixels = random.random(shape) > 0.5
    else:
        limits = np.iinfo(kind)
        pixels = random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    options.pop("rowsperstrip" if options["tile"] else "tile")
    byteorder, bigtiff = options.pop("byteorder"), options.pop("bigtiff")
    if shape[2] == 1:
        options.pop("planarconfig")
        pixels = pixels[..., 0]
    elif options["planarconfig"] == "separate":
        pixels = np.moveaxis(pixels, 2, 0)
    if shape[2] in (2, 4):
        options["extrasamples"] = ["unassalpha"]
    photometric = "rgb" if shape[2] >= 3 else "minisblack"
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as file:
        file.write(pixels, photometric=photometric, **options)
