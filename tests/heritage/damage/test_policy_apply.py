import hashlib
import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from heritage.damage.classes import DamageClass
from heritage.damage.masks import open_mask
from heritage.damage.policy import Action, Policy, Rule
from heritage.damage.policy.apply import apply_policy
from heritage.errors import HeritageError, MaskRefused
from heritage.geometry import Box

H, W = 700, 1100
FILL = Policy("x", {DamageClass.PUNCTURE: Rule(Action.FILL, 5000, 0.5)})
SPARING = Policy("x", FILL.rules, spares_ink=True)

HOLES = {  # by what is done in a manuscript
    "on blank paper": (slice(60, 90), slice(60, 90)),
    "between tiles": (slice(495, 530), slice(500, 540)),
    "on a stroke": (slice(300, 320), slice(200, 220)),
    "near a stroke": (slice(300, 320), slice(304, 320)),
    "away from a stroke": (slice(300, 320), slice(812, 830)),
    "too large": (slice(590, 690), slice(600, 700)),
}


def page():
    """Noisy paper with vertical strokes of the pen."""
    rng = np.random.default_rng(3)
    paper = np.full((H, W, 3), (225, 210, 180), np.int16)
    for x in (208, 300, 800):
        paper[200:420, x : x + 3] = (90, 60, 40)
    return np.clip(paper + rng.normal(0, 4, paper.shape), 0, 255).astype(np.uint8)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(mask, sha256, mask_sha256, kind="PUNCTURE"):
    label, _ = ndimage.label(mask, np.ones((3, 3)))
    order = np.unique(label[label > 0], return_index=True)[1].argsort()
    boxes = ndimage.find_objects(label)
    regions = []
    for number, n in enumerate(order.tolist(), 1):
        y, x = boxes[n]
        box = [y.start, x.start, y.stop, x.stop]
        area = int((label[boxes[n]] == n + 1).sum())
        regions.append(
            {"number": number, "box": box, "area": area, "class": kind, "confidence": 0.8,
             "detector": "losses"}
        )  # fmt: skip
    return {
        "format": 1, "master": {"file": "m.tif", "sha256": sha256, "width": W, "height": H,
                                 "page": 0},
        "mask": {"sha256": mask_sha256},
        "detectors": ["losses"], "threshold": 0.5, "weights": {}, "heritage": "0",
        "status": "proposed",
        "regions": regions,
    }  # fmt: skip


def write_mask(path, mask):
    import rasterio

    from heritage.damage.mask_source import ungeoreferenced
    from heritage.damage.mask_writing import LAYOUT

    ungeoreferenced()
    with rasterio.open(path, "w", height=H, width=W, **LAYOUT) as file:
        file.write(mask.astype(np.uint8) * 255, 1)


@pytest.fixture
def found(tmp_path):
    picture, mask = page(), np.zeros((H, W), bool)
    for rows, columns in HOLES.values():
        rim = slice(rows.start - 1, rows.stop + 1), slice(columns.start - 1, columns.stop + 1)
        picture[rim] //= 2  # as a scanner blurs the edge
        mask[rows, columns], picture[rows, columns] = True, 5
    master = tmp_path / "m.tif"
    tifffile.imwrite(master, picture, tile=(256, 256), photometric="rgb")
    damage = tmp_path / "m.damage.json"
    sha256 = hashlib.sha256(master.read_bytes()).hexdigest()
    write_mask(tmp_path / "m.mask.tif", mask)
    damage.write_text(json.dumps(record(mask, sha256, digest(tmp_path / "m.mask.tif"))))
    return master, (tmp_path / "m.mask.tif", damage), mask


def filled(applied):
    with open_mask(applied.mask) as mask:
        return mask.read(Box(0, 0, H, W))


def apply(found, policy, **options):
    master, files, _ = found
    return apply_policy(master, files, policy, master.parent / "out", "m", **options)


def test_only_regions_that_are_filled_stay(found):
    applied = apply(found, FILL)
    expected = found[2].copy()
    expected[HOLES["too large"]] = False
    assert (filled(applied) == expected).all()
    assert (applied.filled, applied.documented) == (5, 1)
    assert {p.name for p in applied.mask.parent.iterdir()} == {"m.fill.tif", "m.policy.json"}


def test_a_hole_that_touches_ink_is_documented(found):
    applied = apply(found, SPARING)
    expected = found[2].copy()
    for name in ("too large", "on a stroke", "near a stroke"):
        expected[HOLES[name]] = False
    assert (filled(applied) == expected).all()
    reasons = [d.reason for d in applied.decisions if d.action is Action.DOCUMENT]
    assert sorted(reasons) == [
        "documented: 10 000 pixels, more than 5 000",
        "documented: touches ink",
        "documented: touches ink",
    ]


@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 1}, {"tile": (512, 128)}])
def test_how_the_master_is_stored_does_not_matter(found, layout):
    master, (stored, damage), mask = found
    before = filled(apply(found, SPARING))
    pixels = tifffile.imread(master)
    tifffile.imwrite(master, pixels, photometric="rgb", **layout)
    sha256 = hashlib.sha256(master.read_bytes()).hexdigest()
    damage.write_text(json.dumps(record(mask, sha256, digest(stored))))
    assert (filled(apply(found, SPARING)) == before).all()


def test_a_search_can_be_handed_over_as_it_is(found, tmp_path):
    from heritage.damage.detect.finding import Finding
    from heritage.damage.detect.search import search

    class Black:
        name, context, weights = "black", 0, None

        def detect(self, picture):
            black = picture.max(axis=-1) < 0.03
            classes = np.where(black, DamageClass.PUNCTURE, 0).astype(np.uint8)
            return Finding(black.astype(np.float32), classes)

    searched = search(found[0], tmp_path / "s", "m", [Black()])
    applied = apply_policy(found[0], searched, SPARING, tmp_path / "s", "m")
    assert (filled(applied) == filled(apply(found, SPARING))).all()


def test_nothing_to_fill_is_an_empty_mask(found):
    applied = apply(found, Policy("x", {}))
    assert not filled(applied).any()
    assert applied.filled == 0


def test_the_record_says_what_was_decided_and_repeats_itself(found):
    applied = apply(found, SPARING)
    first = applied.mask.read_bytes(), applied.record.read_bytes()
    said = json.loads(applied.record.read_bytes())
    assert said["policy"]["rules"] == {
        "PUNCTURE": {"action": "fill", "largest": 5000, "confidence": 0.5}
    }
    assert [entry["number"] for entry in said["regions"]] == [1, 2, 3, 4, 5, 6]
    assert sum(entry["filled"] for entry in said["regions"]) == filled(applied).sum()
    again = apply(found, SPARING)
    assert (again.mask.read_bytes(), again.record.read_bytes()) == first


def test_protected_pixels_are_never_filled_whether_painted_or_drawn(found, tmp_path):
    area = np.zeros((H, W), np.uint8)
    area[50:80, 50:200] = 255  # part of one hole
    area[290:330, 800:900] = 255  # all of another
    painted = tmp_path / "protect.png"
    Image.fromarray(area).save(painted)
    drawn = tmp_path / "protect.geojson"
    corners = [
        [[[50, 50], [200, 50], [200, 80], [50, 80], [50, 50]]],
        [[[800, 290], [900, 290], [900, 330], [800, 330], [800, 290]]],
    ]
    drawn.write_text(json.dumps({"type": "MultiPolygon", "coordinates": corners}))
    expected = found[2] & (area == 0)
    expected[HOLES["too large"]] = False
    for protect in (painted, drawn):
        applied = apply(found, FILL, protect=protect)
        assert (filled(applied) == expected).all()
        reasons = [d.reason for d in applied.decisions]
        assert "filled, except 600 pixels in a protected area" in reasons
        assert "documented: lies in a protected area" in reasons
        said = json.loads(applied.record.read_bytes())["protect"]
        assert said["sha256"] == hashlib.sha256(protect.read_bytes()).hexdigest()
        assert len(list(applied.mask.parent.iterdir())) == 2


def test_what_does_not_belong_together_is_refused(found):
    master, (_, damage), marked = found
    said = json.loads(damage.read_text())
    said["regions"].pop()
    damage.write_text(json.dumps(said))
    with pytest.raises(MaskRefused, match=r"does not describe the regions in m\.mask\.tif"):
        apply(found, FILL)
    damage.write_text(json.dumps(record(marked, "0" * 64, digest(master.parent / "m.mask.tif"))))
    with pytest.raises(MaskRefused, match=r"another file than m\.tif"):
        apply(found, FILL)
    assert not list((master.parent / "out").iterdir())


def test_a_failure_leaves_what_was_there(found, tmp_path, monkeypatch):
    applied = apply(found, FILL)
    before = applied.mask.read_bytes(), applied.record.read_bytes()
    wrong = tmp_path / "wrong.png"
    Image.fromarray(np.full((5, 5), 255, np.uint8)).save(wrong)
    with pytest.raises(HeritageError, match=r"wrong\.png"):
        apply(found, SPARING, protect=wrong)
    assert (applied.mask.read_bytes(), applied.record.read_bytes()) == before

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("heritage.damage.policy.apply.sync", full)
    with pytest.raises(HeritageError, match="disk is full"):
        apply(found, SPARING)
    assert (applied.mask.read_bytes(), applied.record.read_bytes()) == before
    assert len(list(applied.mask.parent.iterdir())) == 2
