"""Before, after and what lies between: the pixels of the files, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.damage.masks import import_mask, open_mask
from heritage.damage.policy.numbering import Numbering
from heritage.damage.regions import find_regions
from heritage.errors import MaskRefused, StorageFailed
from heritage.geometry import Box
from heritage.review.pictures import Levels, Scene, View
from heritage.review.pictures.damage import Damage
from heritage.review.pictures.marks import STANDS, UNDONE

NATIVE = Box(100, 200, 612, 712)
MASTERS = [("uint8", 3), ("uint16", 3), ("uint8", 1), ("uint16", 1), ("uint8", 4)]


def opened(made):
    return Scene(made.master, made.folder, made.cache)


def numbers(made):
    """The region of every pixel."""
    with open_mask(made.folder / "portrait.mask.tif") as mask:
        return Numbering(mask).read(Box(0, 0, mask.height, mask.width))


def kinds(samples):
    return {"photometric": "separated"} if samples == 4 else {}


@pytest.mark.parametrize(("dtype", "samples"), MASTERS)
def test_after_is_the_restored_file_at_every_zoom(restoration, dtype, samples):
    made = restoration(dtype, samples, **kinds(samples))
    with opened(made) as scene, Scene(made.restored, None, made.cache) as restored:
        assert scene.prepare()
        assert restored.prepare()
        for levels in (None, Levels(0.1, 0.7, 1.3)):
            for scale in (1, 2, 3, 4, 7, 16):
                size = NATIVE.width // scale, NATIVE.height // scale
                found = scene.render(View.AFTER, NATIVE, *size, levels)
                wanted = restored.render(View.BEFORE, NATIVE, *size, levels)
                limit = 0 if scale < 4 else (1 if levels is None else 3)
                assert np.abs(found.astype(int) - wanted).max() <= limit, scale


@pytest.mark.parametrize(("dtype", "samples"), MASTERS)
def test_undone_regions_show_exactly_the_masters_pixels(restoration, dtype, samples):
    made = restoration(dtype, samples, **kinds(samples))
    region = numbers(made)
    some = frozenset({1, 3})
    with opened(made) as scene:
        whole = Box(0, 0, scene.height, scene.width)
        before = scene.render(View.BEFORE, whole, scene.width, scene.height)
        after = scene.render(View.AFTER, whole, scene.width, scene.height)
        found = scene.render(View.AFTER, whole, scene.width, scene.height, undone=some)
        gone = np.isin(region, list(some))
        assert gone.any()
        assert np.array_equal(found[gone], before[gone])
        assert np.array_equal(found[~gone], after[~gone])
        everything = frozenset(range(1, region.max() + 1))
        found = scene.render(View.AFTER, whole, scene.width, scene.height, undone=everything)
        assert np.array_equal(found, before)


def test_from_afar_a_rejection_is_seen_at_once(restoration):
    made = restoration()
    with opened(made) as scene:
        scene.prepare()
        whole = Box(0, 0, 696, 928)
        before = scene.render(View.BEFORE, whole, 116, 87)
        after = scene.render(View.AFTER, whole, 116, 87)
        assert not np.array_equal(before, after)
        everything = frozenset(range(1, numbers(made).max() + 1))
        gone = scene.render(View.AFTER, whole, 116, 87, undone=everything)
        assert np.array_equal(gone, before)
        for one in everything:
            own = numbers(made)[whole.slices].reshape(87, 8, 116, 8) == one
            touched = own.any(axis=(1, 3))
            found = scene.render(View.AFTER, whole, 116, 87, undone=everything - {one})
            assert np.array_equal(found[~touched], before[~touched])


@given(st.data())
def test_numbers_are_those_of_find_regions(tmp_path_factory, data):
    import tifffile

    folder = tmp_path_factory.mktemp("mask")
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    mask = np.kron(rng.random((60, 90)) < data.draw(st.floats(0.05, 0.4)), np.ones((9, 13), bool))
    mask[0, 0] = True
    mask[:, -1] = False
    tifffile.imwrite(folder / "source.tif", mask.astype(np.uint8))
    import_mask(folder / "source.tif", folder / "mask.tif", *mask.shape)
    damage = Damage(folder / "mask.tif")
    with open_mask(folder / "mask.tif") as reader:
        regions, numbering = find_regions(reader), Numbering(reader)
        whole = Box(0, 0, *mask.shape)
        assert damage.regions == len(regions)
        assert np.array_equal(damage.numbers(whole), numbering.read(whole))
        for region in list(regions)[:20]:
            own = damage.numbers(region.box) == region.number
            assert own.sum() == region.area
            assert own.any(axis=0).all()
            assert own.any(axis=1).all()
    damage.close()


def test_the_mask_marks_every_region_and_tells_undone_ones_apart(restoration):
    made = restoration()
    region = numbers(made)
    loss = int(region[480, 150])
    with opened(made) as scene:
        whole = Box(0, 0, scene.height, scene.width)
        sheet = scene.render(View.MASK, whole, scene.width, scene.height, undone=frozenset({loss}))
        assert sheet.shape == (scene.height, scene.width, 4)
        assert np.array_equal(sheet[..., 3] > 0, made.mask)
        assert not sheet[~made.mask].any()
        colours = np.where((region == loss)[..., None], UNDONE, STANDS)
        assert np.array_equal(sheet[made.mask][:, :3], colours[made.mask])
        inside, rim = sheet[480, 150, 3], sheet[480, 90, 3]
        assert 0 < inside < 100 < 200 < rim
        far = scene.render(View.MASK, Box(0, 0, 696, 928), 116, 87)
        touched = made.mask[:696, :928].reshape(87, 8, 116, 8).any(axis=(1, 3))
        assert np.array_equal(far[..., 3] > 0, touched)


def test_the_difference_glows_where_something_changed_and_nowhere_else(restoration):
    made = restoration()
    with opened(made) as scene:
        scene.prepare()
        sheet = scene.render(View.DIFFERENCE, NATIVE, 512, 512)
        changed = (made.damaged != made.filled).any(axis=2)[NATIVE.slices]
        assert np.array_equal(sheet[..., 3] > 0, changed)
        far = scene.render(View.DIFFERENCE, Box(0, 0, 696, 928), 116, 87)
        touched = made.mask[:696, :928].reshape(87, 8, 116, 8).any(axis=(1, 3))
        assert not far[~touched].any()
        assert (far[touched][:, 3] > 0).mean() > 0.9


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_tratteggio_hatches_what_is_filled_and_keeps_its_tone(restoration, scale):
    made = restoration()
    box = Box(368, 40, 600, 272)
    side = box.width // scale
    with opened(made) as scene:
        scene.prepare()
        plain = scene.render(View.AFTER, box, side, side).astype(int)
        lines = scene.render(View.TRATTEGGIO, box, side, side).astype(int)
        filled = made.mask[box.slices].reshape(side, scale, side, scale).any(axis=(1, 3))
        assert np.array_equal(plain[~filled], lines[~filled])
        middle = (slice(100 // scale, 120 // scale), slice(80 // scale, 80 // scale + 30))
        apart = (lines - plain)[middle]
        assert np.abs(apart.mean()) < 1
        assert np.ptp(apart, axis=1).min() > 30
        assert not np.ptp(apart, axis=0).max() > 1, "lines are vertical"
        assert np.array_equal(apart[:, 6:12], apart[:, 12:18]), "and repeat every six pixels"
        everything = frozenset(range(1, numbers(made).max() + 1))
        gone = scene.render(View.TRATTEGGIO, box, side, side, undone=everything)
        assert np.array_equal(gone, scene.render(View.BEFORE, box, side, side))


def test_a_region_that_is_not_there_cannot_be_undone(restoration):
    with opened(restoration()) as scene, pytest.raises(ValueError, match="regions 1 to"):
        scene.render(View.AFTER, NATIVE, 64, 512, undone=frozenset({4000}))


def test_a_restoration_of_another_master_is_refused(restoration, written, painting, tmp_path):
    made = restoration()
    written(tmp_path / "other.tif", painting(height=700))
    with pytest.raises(MaskRefused, match="size"):
        Scene(tmp_path / "other.tif", made.folder, made.cache)
    (made.folder / "portrait.layer.tif").unlink()
    with pytest.raises(StorageFailed):
        opened(made)


def test_masters_and_restorations_are_only_read(restoration):
    made = restoration()
    files = [made.master, *made.folder.iterdir()]
    before = [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    with opened(made) as scene:
        scene.prepare()
        for view in View:
            scene.render(view, NATIVE, 64, 64)
    assert [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before
