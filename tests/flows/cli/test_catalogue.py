import json
import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_what_was_done_is_listed_told_and_proven(run, make_master, tmp_path: Path) -> None:
    source = make_master()
    letter = tmp_path / "letter.tif"
    letter.write_text("Dear Sir")
    run("restore", source, letter, "--model", "telea", "--output", "out")
    listed = run("catalogue")
    assert listed.exit_code == 0
    assert "mill.tif" in listed.stdout
    assert "letter.tif" in listed.stdout
    answer = json.loads(run("catalogue", "--json").stdout)
    assert [line["model"] for line in answer["restorations"]] == ["telea"]
    told = run("catalogue", "show", source)
    assert "modification: 2 regions" in told.stdout
    history = json.loads(run("catalogue", "show", source, "--json").stdout)
    assert history["sha256"] == answer["masters"][0]["sha256"]
    assert run("catalogue", "check").exit_code == 0


def test_an_empty_catalogue_says_so(run) -> None:
    result = run("catalogue")
    assert result.exit_code == 0
    assert result.stdout.startswith("0 artefacts, 0 masters")
    missing = run("catalogue", "show", "nothing")
    assert missing.exit_code == 3
    assert missing.stderr.count("\n") == 1


def test_an_altered_record_is_found(run, make_master, workspace: Path) -> None:
    run("restore", make_master(), "--model", "telea", "--output", "out")
    with sqlite3.connect(workspace / "catalogue.sqlite") as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("DELETE FROM event WHERE sequence = 2")
    connection.close()
    result = run("catalogue", "check")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
