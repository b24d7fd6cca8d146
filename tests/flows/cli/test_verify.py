import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_proven_is_0_and_tampering_is_3_with_what_differs(run, make_master) -> None:
    run("restore", make_master(), "--model", "telea", "--output", "out")
    folder = Path("out/mill")
    proven = run("verify", folder)
    assert (proven.exit_code, proven.stdout) == (0, "out/mill: proven\n")
    layer = folder / "mill.layer.tif"
    layer.write_bytes(layer.read_bytes() + b"\0")
    result = run("verify", folder)
    assert result.exit_code == 3
    assert "mill.layer.tif" in result.stderr
    answer = json.loads(run("verify", folder, "--json").stdout)
    assert [one["ok"] for one in answer] == [False]


def test_a_folder_that_is_none_is_one_finding(run) -> None:
    result = run("verify", "nowhere")
    assert result.exit_code == 3
    assert "Traceback" not in result.stderr


def test_one_master_cannot_belong_to_several_folders(run) -> None:
    assert run("verify", "a", "b", "--master", "a.tif").exit_code == 2
