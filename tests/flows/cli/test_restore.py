import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("prefect_server")

FAST = ("--model", "telea", "--output", "out")


def test_a_folder_is_restored_and_the_rest_is_told(run, make_master) -> None:
    make_master("a", seed=1)
    make_master("b", seed=2)
    make_master("bare", mask=False)
    result = run("restore", "scans", *FAST, "--no-detect")
    assert result.exit_code == 0
    assert "a.restored.tif" in result.stdout
    assert "bare.tif: left alone: has no mask" in result.stdout
    assert "Orchestration by Prefect:" in result.stdout
    assert not result.stderr


def test_some_failed_is_1_and_json_says_which(run, make_master, tmp_path: Path) -> None:
    make_master("a")
    (tmp_path / "scans" / "letter.tif").write_text("Dear Sir")
    result = run("restore", "scans", *FAST, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [m["status"] for m in answer["masters"]] == ["restored", "failed"]
    assert answer["masters"][1]["reason"]
    assert set(answer["prefect"]) == {"seconds", "percent"}
    again = json.loads(run("restore", "scans", *FAST, "--json").stdout)
    assert [m["status"] for m in again["masters"]] == ["already restored", "failed"]


def test_a_mask_that_is_given_wins(run, make_master) -> None:
    source = make_master("a")
    other = make_master("b").with_name("b.mask.tif").rename("given.tif")
    source.with_name("a.mask.tif").unlink()
    result = run("restore", source, "--mask", other, *FAST)
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.tif"], "gone.tif: failed: does not exist"),
        (["empty"], "no TIFF there"),
        (["scans/bare.tif"], "no mask"),
    ],
)
def test_nothing_done_is_3_with_the_reason(run, make_master, arguments, said: str) -> None:
    make_master("bare", mask=False)
    Path("empty").mkdir()
    result = run("restore", *arguments, *FAST, "--no-detect")
    assert result.exit_code == 3
    assert said in result.stdout + result.stderr


def test_a_model_that_does_not_exist_names_those_that_do(run, make_master) -> None:
    result = run("restore", make_master(), "--model", "toaster", "--output", "out")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "toaster" in result.stderr
    assert "telea" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["scans/a.tif", "scans/b.tif", "--mask", "m.tif", "--output", "out"],
        ["scans", "--mask", "m.tif", "--output", "out"],
        ["scans/a.tif"],
        ["--output", "out"],
        ["scans/a.tif", "--output", "out", "--memory", "much"],
    ],
)
def test_wrong_usage_is_2(run, make_master, arguments: list[str]) -> None:
    make_master("a")
    make_master("b")
    assert run("restore", *arguments).exit_code == 2


def test_killed_at_any_moment_it_continues_to_the_same_bytes(run, start, make_master) -> None:
    # Several batches of a slow model, so that there is something to be killed in.
    source = make_master("big", side=1200, cracks=6)
    arguments = ("--model", "biharmonic")
    started = time.monotonic()
    assert run("restore", source, *arguments, "--output", "whole").exit_code == 0
    took = time.monotonic() - started
    killed = 0
    for moment in random.Random(7).sample(range(1, 10), 3):
        process = start("restore", source, *arguments, "--output", "killed")
        _wait_for_work(process, Path("killed"))
        time.sleep(took * moment / 20)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed
    assert run("restore", source, *arguments, "--output", "killed").exit_code == 0
    for part in ("restored.tif", "mask.tif", "layer.tif"):
        one, other = (Path(o, "big", f"big.{part}").read_bytes() for o in ("whole", "killed"))
        assert one == other
    assert [p.name for p in Path("killed").iterdir()] == ["big"]
    assert run("catalogue", "check").exit_code == 0


def test_two_at_once_do_not_tread_on_each_other(run, start, make_master) -> None:
    first, second = make_master("a", seed=1), make_master("b", seed=2)
    three = [start("restore", source, *FAST, "--json") for source in (first, first, second)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in three]
    *rivals, other = (answer["masters"][0] for answer in answers)
    assert other["status"] == "restored"
    winner, loser = sorted(rivals, key=lambda one: one["status"] != "restored")
    assert winner["status"] == "restored"
    assert loser["status"] == "already restored" or "is working on it" in loser["reason"]
    assert run("verify", "out/a", "out/b").exit_code == 0
    assert run("catalogue", "check").exit_code == 0


def test_interrupted_it_ends_at_once_with_one_line(start, make_master) -> None:
    source = make_master("big", side=1200, cracks=6)
    process = start("restore", source, "--model", "biharmonic", "--output", "out")
    _wait_for_work(process, Path("out"))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "heritage: interrupted; the same command continues\n"


def _wait_for_work(process: "subprocess.Popen[str]", output: Path) -> None:
    """Until the work folder is there, or the process has ended."""
    while (
        process.poll() is None and not list(output.glob("*")) and not list(output.glob(".*.work"))
    ):
        time.sleep(0.02)


def test_a_dry_run_says_what_it_would_take_and_writes_nothing(run, make_master, workspace) -> None:
    make_master("a")
    make_master("bare", mask=False)
    result = run("restore", "scans", *FAST, "--dry-run", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    ahead, bare = answer["masters"]
    assert ahead["status"] == "would be restored"
    assert (ahead["regions"], ahead["damaged_pixels"], ahead["levels"]) == (2, 1400, 1)
    assert min(ahead[name] for name in ("windows", "megapixels", "batch")) > 0
    assert answer["seconds"] == ahead["seconds"] > 0
    assert answer["memory"] == ahead["memory"] > 100e6
    assert bare["status"] == "left alone"
    assert "no mask; it would be searched for damage" in bare["reason"]
    assert not Path("out").exists()
    assert not workspace.exists()
    words = run("restore", "scans", *FAST, "--dry-run", "--no-detect").stdout
    assert "1 to be restored in about" in words
    assert "nothing was written" in words
    assert "bare.tif: left alone: has no mask" in words


def test_a_dry_run_names_what_would_be_refused_and_its_status_is_that_of_the_run(
    run, make_master, tmp_path: Path
) -> None:
    make_master("a")
    letter = tmp_path / "scans" / "letter.tif"
    letter.write_text("Dear Sir")
    for sources, status in ((["scans"], 1), ([letter], 3), (["gone.tif"], 3)):
        ahead = run("restore", *sources, *FAST, "--dry-run")
        real = run("restore", *sources, *FAST)
        assert ahead.exit_code == real.exit_code == status
        assert ahead.stderr.replace("would fail", "failed") == real.stderr
    again = json.loads(run("restore", "scans", *FAST, "--dry-run", "--json").stdout)
    assert [one["status"] for one in again["masters"]] == ["already restored", "would fail"]


def test_a_dry_run_says_that_it_looks_at_this_machine_only(run) -> None:
    result = run("restore", "https://example.org/scans/1.tif", "--output", "out", "--dry-run")
    assert result.exit_code == 3
    assert "looks at files on this machine only" in result.output


def test_an_unknown_policy_is_noticed_before_anything_begins(run, make_master) -> None:
    make_master("bare", mask=False)
    result = run("restore", "scans", *FAST, "--policy", "fresco")
    assert result.exit_code == 2
    assert "no policy 'fresco'; known are painting, mural" in result.stderr
    assert not Path("out").exists()
