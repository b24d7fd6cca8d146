import json
from pathlib import Path

import tifffile


def test_a_tone_is_proposed_and_the_master_stays(run, make_master, tmp_path: Path) -> None:
    master = make_master(mask=False)
    before = master.read_bytes()
    result = run("tone", master, "--output", tmp_path / "tones", "--preview", "--render")
    assert result.exit_code == 0
    folder = tmp_path / "tones" / "mill"
    record = json.loads((folder / "mill.tone.json").read_bytes())
    assert record["status"] == "proposed"
    assert record["strength"] == 0.8
    assert tifffile.imread(folder / "mill.toned.tif").shape == (160, 160, 3)
    assert (folder / "mill.tone.jpg").stat().st_size
    assert master.read_bytes() == before
    assert f"{folder / 'mill.tone.json'}: hue " in result.stdout


def test_json_lists_good_and_bad(run, make_master, tmp_path: Path) -> None:
    letter = tmp_path / "letter.tif"
    letter.write_text("Dear Sir")
    options = ("--strength", "0.5", "--no-field", "--keep-hue", "--json")
    result = run("tone", make_master(), letter, "--output", tmp_path / "tones", *options)
    good, bad = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (good["strength"], good["field"], good["hue"]) == (0.5, False, "kept")
    assert good["rendered"] is None
    assert bad["source"] == str(letter)
    assert bad["failed"]
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "tones" / "letter").exists()


def test_folders_are_walked_and_what_is_ours_is_left_out(run, make_master, tmp_path: Path) -> None:
    make_master()
    make_master("barn")
    result = run("tone", tmp_path / "scans", "--output", tmp_path / "tones", "--json")
    assert result.exit_code == 0
    names = [Path(answer["source"]).name for answer in json.loads(result.stdout)]
    assert names == ["barn.tif", "mill.tif"]


def test_a_strength_that_makes_no_sense_is_wrong_usage(run, make_master, tmp_path: Path) -> None:
    result = run("tone", make_master(), "--output", tmp_path / "tones", "--strength", "2")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "tones").exists()


def test_what_is_not_there_is_one_line(run, tmp_path: Path) -> None:
    result = run("tone", "gone.tif", "--output", tmp_path / "tones")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
