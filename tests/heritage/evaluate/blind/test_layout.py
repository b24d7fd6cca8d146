import json

import numpy as np
import pytest
from PIL import Image

from db.votes import Contender
from heritage.evaluate.blind.errors import EvaluationUnreadable
from heritage.evaluate.blind.layout import identifier_of, read_evaluation


def rewrite(folder, change):
    path = folder / "evaluation.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_every_picture_of_every_family_comes_with_its_fills(folder):
    found = read_evaluation(folder)
    assert len(found.cases) == 6
    case = found.cases[0]
    assert (case.family, case.picture) == ("hairlines", "SK-A-1")
    assert case.models == (
        Contender("art", "a" * 64),
        Contender("art-small", "b" * 64),
        Contender("opencv-telea"),
    )
    assert case.file(case.models[0]) == folder / "fills/hairlines/SK-A-1/art.png"
    assert found.identifier == identifier_of(folder)


def test_votes_outlive_another_run_of_the_same_evaluation(folder, write_evaluation):
    before = identifier_of(folder)
    rewrite(folder, lambda content: content["circumstances"].update(date="2026-12-01"))
    assert identifier_of(folder) == before
    write_evaluation(folder, {"art": "a" * 64, "new": "c" * 64})
    assert identifier_of(folder) == before
    assert [m.name for m in read_evaluation(folder).cases[0].models] == ["art", "new"]


def test_other_pictures_or_holes_are_another_evaluation(folder):
    before = identifier_of(folder)
    Image.new("L", (32, 40)).save(folder / "fills/losses/SK-A-2/mask.png")
    other = identifier_of(folder)
    assert other != before
    rewrite(folder, lambda content: content["seeds"].pop("losses"))
    assert identifier_of(folder) not in (before, other)


def test_a_picture_that_one_model_only_has_filled_is_left_out(folder):
    place = folder / "fills/losses/SK-A-1"
    (place / "art.png").unlink()
    assert len(read_evaluation(folder).cases) == 6
    (place / "opencv-telea.png").unlink()
    assert len(read_evaluation(folder).cases) == 5


def test_a_file_that_is_no_model_of_the_evaluation_is_no_fill(folder):
    Image.new("RGB", (32, 40)).save(folder / "fills/losses/SK-A-1/forgotten.png")
    names = {m.name for case in read_evaluation(folder).cases for m in case.models}
    assert names == {"art", "art-small", "opencv-telea"}


def test_fills_of_another_size_are_refused_by_name(folder):
    Image.new("RGB", (31, 40)).save(folder / "fills/losses/SK-A-1/art.png")
    with pytest.raises(EvaluationUnreadable, match=r"art\.png: is 31×40 pixels .* 32×40"):
        read_evaluation(folder)


def test_a_broken_fill_is_refused_by_name(folder):
    (folder / "fills/losses/SK-A-1/art.png").write_bytes(b"no picture")
    with pytest.raises(EvaluationUnreadable, match=r"art\.png: cannot be read as a picture"):
        read_evaluation(folder)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"models": 1, "seeds": {}}', '{"models": {"a": 1}, "seeds": {}}']
)
def test_what_is_no_evaluation_is_refused(tmp_path, content):
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(EvaluationUnreadable, match="evaluate again"):
        read_evaluation(tmp_path)


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(EvaluationUnreadable, match="first run heritage evaluate"):
        read_evaluation(tmp_path)


def test_one_model_alone_cannot_be_compared(tmp_path, write_evaluation):
    write_evaluation(tmp_path, {"art": "a" * 64})
    with pytest.raises(EvaluationUnreadable, match="evaluate at least two"):
        read_evaluation(tmp_path)


@pytest.mark.parametrize("name", ["../truth", "a/b", "", "..", "/etc/passwd"])
def test_no_name_leads_out_of_the_folder(folder, name):
    rewrite(folder, lambda content: content["models"].update({name: {}}))
    with pytest.raises(EvaluationUnreadable):
        read_evaluation(folder)


def test_the_fixture_is_what_heritage_evaluate_writes(tmp_path):
    """A real run, of the two methods that need no weights."""
    from heritage.evaluate.run import Request, evaluate

    images = tmp_path / "images"
    images.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    Image.fromarray(pixels).resize((128, 128)).save(images / "SK-A-1.png")
    request = Request(
        images, tmp_path / "out", ["opencv-telea", "opencv-ns"], ["medium"], side=128, device="cpu"
    )
    evaluate(request)
    (case,) = read_evaluation(tmp_path / "out").cases
    assert (case.family, case.picture) == ("medium", "SK-A-1")
    assert [model.name for model in case.models] == ["opencv-ns", "opencv-telea"]
