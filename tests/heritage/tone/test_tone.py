import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from heritage.geometry import Box
from heritage.tone.curve import Curve
from heritage.tone.tone import (
    Tone,
    ToneRefused,
    apply_tone,
    describe_tone,
    invert_tone,
    read_tone,
)

WHOLE = Box(0, 0, 61, 83)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(2).random((61, 83, 3)).astype(np.float32)


@pytest.mark.parametrize("side", [1, 7, 16, 40])
def test_however_it_is_cut_the_bits_are_the_same(tone: Tone, picture, side: int) -> None:
    whole = apply_tone(tone, picture, WHOLE)
    parts = np.empty_like(whole)
    for y in range(0, 61, side):
        for x in range(0, 83, side):
            box = Box(y, x, min(y + side, 61), min(x + side, 83))
            parts[box.slices] = apply_tone(tone, picture[box.slices], box)
    assert np.array_equal(whole.view(np.uint32), parts.view(np.uint32))


def test_nothing_is_clipped_and_the_pixels_given_stay(tone: Tone, picture) -> None:
    before = picture.copy()
    after = apply_tone(tone, picture, WHOLE)
    assert np.array_equal(picture, before)
    assert after.dtype == np.float32
    assert 0 < after.min() < after.max() < 1


def test_taken_back_it_is_the_master_within_a_step_of_16_bits(tone: Tone, picture) -> None:
    levels = np.rint(picture * 65535)
    given = (levels / 65535).astype(np.float32)
    back = invert_tone(tone, apply_tone(tone, given, WHOLE), WHOLE)
    assert np.abs(np.rint(back * 65535) - levels).max() <= 1


def test_taken_back_from_16_bit_samples_it_is_within_a_step_where_tones_were_spread(
    tone: Tone, picture
) -> None:
    gentle = Curve(((0.0, 0.0), (0.3, 0.25), (1.36, 1.0)))
    tone = dataclasses.replace(tone, curves=(gentle, gentle, gentle))
    levels = np.rint(picture * 65535)
    after = np.rint(apply_tone(tone, (levels / 65535).astype(np.float32), WHOLE) * 65535)
    back = invert_tone(tone, (after / 65535).astype(np.float32), WHOLE)
    assert np.abs(np.rint(back * 65535) - levels).max() <= 1


def test_the_record_comes_back_as_it_was(tone: Tone, tmp_path: Path) -> None:
    path = tmp_path / "a.tone.json"
    path.write_bytes(tone.to_json())
    again = read_tone(path)
    assert again == tone
    assert again.to_json() == tone.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"curves": [[[0, 0], [1, 1]]]},
        {"curves": [[[0, 0], [1, 2]]] * 3},
        {"field": [[1, 2], [3, 4]]},
        {"white": "yes"},
        {"master": {}},
        {"stray": 1},
    ],
)
def test_what_is_no_record_is_one_line(tone: Tone, tmp_path: Path, change) -> None:
    path = tmp_path / "a.tone.json"
    path.write_text(json.dumps(json.loads(tone.to_json()) | change))
    with pytest.raises(ToneRefused, match=r"a\.tone\.json: is no tone record"):
        read_tone(path)


def test_provenance_names_the_parameters_and_the_master(tone: Tone) -> None:
    said = describe_tone(tone)
    assert said["master_sha256"] == tone.master.sha256
    other = describe_tone(dataclasses.replace(tone, strength=0.5))
    assert said["parameters_sha256"] != other["parameters_sha256"]
    json.dumps(said, allow_nan=False)


def test_pixels_that_do_not_fill_the_box_are_a_mistake(tone: Tone, picture) -> None:
    with pytest.raises(ValueError, match="do not fill"):
        apply_tone(tone, picture, Box(0, 0, 10, 10))
