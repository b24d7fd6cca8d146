import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from heritage.damage.masks import import_mask, open_mask
from heritage.damage.regions import Region, Regions, find_regions
from heritage.geometry import Box


def found_in(damage, folder):
    tifffile.imwrite(folder / "m.tif", damage, photometric="minisblack")
    import_mask(folder / "m.tif", folder / "kept.tif", *damage.shape)
    with open_mask(folder / "kept.tif") as mask:
        return find_regions(mask)


def labelled(damage):
    """Components numbered by first pixel, and their distances, computed on the whole array."""
    label, count = ndimage.label(damage, np.ones((3, 3)))
    _, first = np.unique(label, return_index=True)
    order = np.argsort(np.argsort(first[1:])) + 1
    return np.r_[0, order][label], count, ndimage.distance_transform_edt(damage)


@given(
    height=st.integers(1, 1200),
    width=st.integers(1, 1200),
    density=st.sampled_from([0.001, 0.05, 0.35, 0.6]),
    softness=st.sampled_from([0, 1, 6, 25]),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_regions_are_those_of_the_whole_array(
    tmp_path_factory, height, width, density, softness, seed
):
    noise = np.random.default_rng(seed).standard_normal((height, width))
    noise = ndimage.gaussian_filter(noise, softness) if softness else noise
    damage = noise >= np.quantile(noise, 1 - density)
    if damage.all():
        return
    regions = found_in(damage, tmp_path_factory.mktemp("regions"))
    label, count, depth = labelled(damage)
    numbers = range(1, count + 1)
    assert [r.number for r in regions] == list(numbers)
    assert [r.area for r in regions] == ndimage.sum(damage, label, numbers).astype(int).tolist()
    boxes = [Box(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(label)]
    assert [r.box for r in regions] == boxes
    radii = ndimage.maximum(depth, label, numbers)
    np.testing.assert_allclose([r.radius for r in regions], radii, rtol=0.03)
    around = [known_around(damage, box) for box in boxes]
    np.testing.assert_allclose([r.known for r in regions], around, rtol=1e-6)


def known_around(damage, box):
    """Share of known pixels in a box and 64 pixels around it, out to whole blocks of 32."""
    y0, x0 = (max(0, first - 64) // 32 * 32 for first in (box.y0, box.x0))
    y1, x1 = (-(-(last + 64) // 32) * 32 for last in (box.y1, box.x1))
    return 1 - damage[y0:y1, x0:x1].mean()


def test_pixels_touching_by_a_corner_belong_together_across_tiles(tmp_path):
    damage = np.zeros((1030, 1030), bool)
    damage[511, 511] = damage[512, 512] = damage[513, 511] = True
    damage[1024, 0:1030] = True
    regions = found_in(damage, tmp_path)
    assert [(r.area, r.box) for r in regions] == [
        (3, Box(511, 511, 514, 513)),
        (1030, Box(1024, 0, 1025, 1030)),
    ]


@pytest.mark.parametrize("radius", [40, 200, 430])
def test_the_radius_of_a_disc_is_its_radius(tmp_path, radius):
    y, x = np.mgrid[0:1000, 0:1400]
    disc = (y - 480) ** 2 + (x - 700) ** 2 < radius**2
    (region,) = found_in(disc, tmp_path)
    assert region.radius == pytest.approx(radius, rel=0.02)


def test_a_loss_at_the_edge_of_the_picture_is_as_deep_as_it_is_wide(tmp_path):
    damage = np.zeros((900, 1000), bool)
    damage[:, :300] = True
    (region,) = found_in(damage, tmp_path)
    assert region.radius == pytest.approx(300, rel=0.02)


def test_a_vast_loss_is_measured_at_reduced_scale_within_three_reduced_pixels(tmp_path):
    damage = np.zeros((3200, 3400), bool)
    damage[100:3100, 200:3300] = True
    (region,) = found_in(damage, tmp_path)
    assert 1500 - 3 * 2 <= region.radius <= 1500 * 1.02


def test_a_deep_loss_does_not_borrow_its_neighbours_depth(tmp_path):
    damage = np.zeros((900, 900), bool)
    damage[300:600, 300:600] = True
    damage[100:800, 610:613] = damage[100:103, 100:613] = damage[100:800, 100:103] = True
    shallow, deep = sorted(found_in(damage, tmp_path), key=lambda r: r.radius)
    assert shallow.radius < 3
    assert deep.radius == pytest.approx(150, rel=0.02)


def test_regions_behave_like_a_list(tmp_path):
    damage = np.zeros((50, 50), bool)
    damage[::10, ::10] = True
    regions = found_in(damage, tmp_path)
    listed = list(regions)
    assert len(regions) == len(listed) == 25
    last = Region(25, Box(40, 40, 41, 41), 1, 1.0, float(np.float32(0.99)))
    assert regions[-1] == listed[-1] == last
    assert regions[3:5] == listed[3:5]
    assert regions == listed
    assert Regions.of(listed) == regions
    with pytest.raises(IndexError):
        regions[25]
