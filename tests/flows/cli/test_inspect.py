import json
import time
from pathlib import Path

import pytest

# Odd rather than malformed; tests/heritage/tiff/test_compose.py says why.
SOUND = {
    "TwelveMonkeys__a33.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_alpha.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_mask.tif",
}


def test_every_malformed_file_is_one_line_and_exit_3(shared: Path, run) -> None:
    files = {path.name: path for path in (shared / "data/tiff/malformed").glob("*.[tT]*")}
    assert set(files) > SOUND
    for name in sorted(set(files) - SOUND):
        file = files[name]
        started = time.monotonic()
        result = run("inspect", file)
        lines = result.stderr.strip().splitlines()
        assert result.exit_code == 3, file.name
        assert len(lines) == 1, file.name
        assert str(file) in lines[0]
        assert not result.stdout
        assert time.monotonic() - started < 20, file.name


def test_a_master_is_described(run, make_master) -> None:
    result = run("inspect", make_master())
    assert result.exit_code == 0
    assert "160 x 160 pixels, rgb, 16 bits" in result.stdout


def test_json_is_all_there_is_and_lists_good_and_bad(run, make_master, tmp_path: Path) -> None:
    letter = tmp_path / "letter.tif"
    letter.write_text("Dear Sir")
    result = run("inspect", make_master(), letter, "--json")
    good, bad = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (good["width"], good["height"]) == (160, 160)
    assert bad["path"] == str(letter)
    assert bad["refused"]


@pytest.mark.parametrize("name", ["gone.tif", "."])
def test_what_is_no_file_is_one_line(run, name: str) -> None:
    result = run("inspect", name)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
