import json
from types import SimpleNamespace

import pytest

from heritage.damage.classes import DamageClass
from heritage.damage.detect.proposal import FoundRegion
from heritage.damage.detect.reading import read_damage
from heritage.damage.detect.record import damage_json
from heritage.errors import MaskRefused
from heritage.geometry import Box

REGIONS = (
    FoundRegion(1, Box(0, 5, 4, 9), 12, DamageClass.CRACKS, 0.8125, "cracks"),
    FoundRegion(2, Box(7, 0, 9, 9), 15, DamageClass.LACUNA, 1.0, "losses"),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.damage.json"
    info = SimpleNamespace(path=tmp_path / "m.tif", width=30, height=20, page=1)
    path.write_bytes(damage_json(info, "ab" * 32, "cd" * 32, ["cracks", "losses"], 0.5, REGIONS))
    return path


def test_what_was_written_is_read(path):
    record = read_damage(path)
    assert record.regions == REGIONS
    assert (record.file, record.sha256) == ("m.tif", "ab" * 32)
    assert (record.width, record.height, record.threshold) == (30, 20, 0.5)
    assert (record.page, record.mask) == (1, "cd" * 32)
    assert record.detectors == ("cracks", "losses")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(format=2), "its format is 2, not 1"),
        (lambda r: r.pop("regions"), "regions is missing"),
        (lambda r: r["master"].update(width="30"), "width is '30'"),
        (lambda r: r.update(detectors=[1]), "detectors must be names"),
        (lambda r: r.update(threshold=2), "threshold is 2, not from 0 to 1"),
        (lambda r: r["regions"].reverse(), "region 1: its number is 2"),
        (lambda r: r["regions"][1].update({"class": "MOTH"}), "region 2: 'MOTH' is no class"),
        (lambda r: r["regions"][1].update({"class": "NONE"}), "region 2: 'NONE' is no class"),
        (lambda r: r["regions"][1].update(box=[0, 0, 21, 5]), "region 2: its box and area"),
        (lambda r: r["regions"][1].update(box=[4, 0, 4, 5]), "region 2: empty box"),
        (lambda r: r["regions"][1].update(area=19), "region 2: its box and area"),
        (lambda r: r["regions"][1].update(confidence=float("nan")), "region 2: confidence"),
        (lambda r: r["regions"].append(3), "region 3: an object was expected"),
    ],
)
def test_a_record_that_was_spoilt_is_refused_in_one_line(path, change, said):
    record = json.loads(path.read_bytes())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises(MaskRefused) as refused:
        read_damage(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100000])
def test_what_is_no_record_is_refused(path, text):
    path.write_text(text)
    with pytest.raises(MaskRefused, match="is no record of damage"):
        read_damage(path)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(MaskRefused, match=r"x\.damage\.json: there is no such record"):
        read_damage(tmp_path / "x.damage.json")
