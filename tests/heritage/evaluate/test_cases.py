import zlib

import numpy as np
import pytest
from PIL import Image

from heritage.damage.simulate import FAMILIES
from heritage.errors import BadSetting, MaskRefused
from heritage.evaluate.cases import cases_of, find_material, hole
from heritage.evaluate.families import DEFAULT, choose, words_of
from heritage.evaluate.pictures import PictureRefused, read_picture


def _mask(path, shape=(64, 64), where=(slice(10, 20), slice(30, 50))):
    pixels = np.zeros(shape, np.uint8)
    pixels[where] = 255
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_two_people_get_the_same_holes(images):
    first, second = (list(cases_of(find_material(images), "thick")) for _ in range(2))
    assert [case.sha256 for case in first] == [case.sha256 for case in second]
    assert len({case.sha256 for case in first}) == 3


def test_the_hole_follows_from_family_and_name_alone():
    rng = np.random.default_rng(zlib.crc32(b"thick/night"))
    assert np.array_equal(hole("thick", "night", 90, 70), FAMILIES["thick"](rng, 90, 70) > 0)


@pytest.mark.parametrize("family", DEFAULT)
def test_every_usual_family_leaves_something_and_takes_something(family):
    mask = hole(family, "x", 96, 96)
    assert 0 < mask.mean() < 1
    assert words_of(family)


def test_a_case_hides_what_is_in_the_hole(images):
    case = next(cases_of(find_material(images), "thick"))
    assert not case.damaged[case.mask].any()
    assert np.array_equal(case.damaged[~case.mask], case.truth[~case.mask])


def test_pictures_are_cut_to_their_middle_and_never_scaled(images):
    material = find_material(images, side=40)
    case = next(cases_of(material, "thick"))
    assert np.array_equal(case.truth, read_picture(images / "a.png")[12:52, 12:52])


def test_a_limit_spreads_over_all(images):
    assert list(find_material(images, limit=2).pictures) == ["a", "b"]
    assert list(find_material(images, limit=9).pictures) == ["a", "b", "c"]


def test_masks_named_like_pictures_are_theirs(images, tmp_path):
    _mask(tmp_path / "masks" / "b.png")
    material = find_material(images, tmp_path / "masks", side=40, limit=1)
    assert list(material.pictures) == ["a"], "the limit does not hide masks"
    assert material.names == ["a.png", "b.png"]
    assert choose(None, material.masks)[-1] == "given"
    (case,) = cases_of(material, "given")
    assert case.stem == "b"
    assert case.mask.sum() == 10 * 20
    assert case.mask.shape == (40, 40)
    # cut around the damage, not around the middle
    assert np.array_equal(case.truth, read_picture(images / "b.png")[0:40, 19:59])


def test_other_masks_are_real_damage(images, tmp_path):
    _mask(tmp_path / "masks" / "crack.png")
    material = find_material(images, tmp_path / "masks")
    assert choose(None, material.masks)[-1] == "real"
    assert all(case.mask.any() for case in cases_of(material, "real"))


@pytest.mark.parametrize(
    ("shape", "where", "said"),
    [((32, 64), slice(0, 9), "another size"), ((64, 64), slice(0, 0), "marks no damage")],
)
def test_a_given_mask_that_does_not_fit_is_refused_by_name(images, tmp_path, shape, where, said):
    _mask(tmp_path / "masks" / "a.png", shape, where)
    with pytest.raises(MaskRefused, match=said) as refusal:
        list(cases_of(find_material(images, tmp_path / "masks"), "given"))
    assert "a.png" in str(refusal.value)


def test_what_is_no_picture_is_refused_by_name(images, tmp_path):
    (images / "d.png").write_text("no picture")
    with pytest.raises(PictureRefused, match=r"d\.png"):
        list(cases_of(find_material(images), "thick"))
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(images / "d.png")
    with pytest.raises(PictureRefused, match="more than 8 bits"):
        list(cases_of(find_material(images), "thick"))
    Image.new("RGB", (8, 8)).save(images / "a.jpg")
    with pytest.raises(PictureRefused, match="same name"):
        find_material(images)
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "nowhere"):
        with pytest.raises(PictureRefused, match="no"):
            find_material(folder)
    with pytest.raises(MaskRefused, match="no masks"):
        find_material(_copy(images, tmp_path), empty)


def _copy(images, tmp_path):
    target = tmp_path / "copy"
    target.mkdir()
    (target / "b.png").write_bytes((images / "b.png").read_bytes())
    return target


def test_unknown_families_and_missing_masks_are_wrong_usage():
    with pytest.raises(BadSetting, match="holes"):
        choose(["holes"], [])
    with pytest.raises(BadSetting, match="--masks"):
        choose(["real"], [])
    assert choose(["thick", "thick"], []) == ["thick"]
