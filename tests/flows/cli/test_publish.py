"""From a signature to a package, and what can be asked of packages, as a user does it."""

import json
from pathlib import Path

import pytest

from db.decisions import Choice
from db.vocabulary import Decision, Role, Statement
from heritage.review.desk import open_desk
from heritage.settings import load_settings

pytestmark = pytest.mark.usefixtures("prefect_server")


def sign() -> str:
    """Approve everything and sign; the restoration."""
    with open_desk(load_settings()) as desk:
        desk.add_account(None, "ann", "Ann Lee", Role.ADMINISTRATOR, "correct horse battery")
        ann, _ = desk.log_in("ann", "correct horse battery")
        found = desk.restorations()[0].identifier
        regions = desk.regions(found)
        desk.decide(ann, found, [Choice(r.number, r.version, Decision.APPROVED) for r in regions])
        desk.hand_in(ann, found, Statement.HYPOTHESIS, "")
        desk.approve(ann, found, two_people=False)
    return found


def test_what_is_signed_is_published_proven_and_read_again(run, make_master, monkeypatch):
    assert run("publish").stdout == "nothing that is signed waits to be published\n"
    run("restore", make_master(), "--model", "telea", "--output", "out")
    assert run("certificate", "certificate", "--name", "Trial").exit_code == 0
    assert run("certificate", "certificate", "--name", "Trial").exit_code == 3
    monkeypatch.setenv("HERITAGE_C2PA_CERTIFICATE", "certificate/Trial.pem")
    restoration = sign()
    half = run("publish")
    assert half.exit_code == 2
    assert "c2pa_key" in half.stderr
    monkeypatch.setenv("HERITAGE_C2PA_KEY", "certificate/Trial.key.pem")
    monkeypatch.setenv("HERITAGE_ARCHIVE_OCFL", "store")
    result = run("publish")
    assert result.exit_code == 0, result.stderr
    package = Path(result.stdout.strip().partition(": ")[2])
    assert package.name == f"mill-{restoration}"
    assert (Path("store") / "0=ocfl_1.1").is_file()
    assert json.loads(run("publish", "--json").stdout) == []
    again = json.loads(run("publish", restoration, "--json").stdout)
    assert again == [{"restoration": restoration, "package": str(package), "reason": ""}]
    with open_desk(load_settings()) as desk:
        assert desk.package(restoration).folder == str(package)
        assert desk.restoration(restoration)[0].status == "published"

    proven = run("verify", package)
    assert proven.exit_code == 0
    assert "pixels: proven" in proven.stdout
    assert "content credentials: proven" in proven.stdout
    assert run("reaudit", package.parent).exit_code == 0
    report = package / "data" / "report" / "condition.html"
    report.write_text(report.read_text() + " ")
    broken = run("verify", package)
    assert broken.exit_code == 3
    assert "condition.html" in broken.stderr
    reread = run("reaudit", package.parent, "--json")
    assert reread.exit_code == 3
    assert list(json.loads(reread.stdout)["findings"]) == [package.name]
    lost = run("reaudit", "certificate")
    assert lost.exit_code == 3
    assert "no package" in lost.stderr


def test_what_nobody_signed_is_not_published(run, make_master):
    run("restore", make_master(), "--model", "telea", "--output", "out")
    with open_desk(load_settings()) as desk:
        restoration = desk.restorations()[0].identifier
    result = run("publish", restoration)
    assert result.exit_code == 3
    assert "not signed" in result.stderr
    assert "nobody" in run("publish", "nobody").stderr


def test_tiffs_are_held_against_rules(run, make_master):
    master = make_master()
    sound = run("check", master)
    assert sound.exit_code == 0
    assert "keeps the rules" in sound.stdout
    Path("none.tif").write_bytes(b"no picture")
    mixed = run("check", master, "none.tif", "--json")
    assert mixed.exit_code == 1
    assert [one["ok"] for one in json.loads(mixed.stdout)] == [True, False]
    assert run("check", master, "--rules", "nothing").exit_code == 2
