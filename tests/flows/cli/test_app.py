import subprocess
import sys
from pathlib import Path

import pytest
import typer

from flows.cli.app import app

ROOT = Path(__file__).resolve().parents[3]


def _commands() -> dict[str, typer.core.TyperCommand]:
    group = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        found[name] = command
        found |= {f"{name} {sub}": c for sub, c in getattr(command, "commands", {}).items()}
    return found


@pytest.mark.parametrize("name", ["", *_commands()])
def test_every_help_shows_an_example(name: str, run) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"Example: heritage {name}".strip() in result.stdout


@pytest.mark.parametrize("name", _commands())
def test_every_command_and_option_is_documented(name: str) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    assert f"heritage {name}" in text
    section = text.partition(f"## heritage {name.split()[0]}\n")[2].partition("\n## ")[0]
    for parameter in _commands()[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert option in section, f"{option} of heritage {name}"


@pytest.mark.parametrize(
    ("program", "strangers"),
    [
        ("import heritage", {"torch", "prefect", "sqlalchemy", "numpy", "typer"}),
        ("from flows.cli import main; main()", {"torch", "prefect", "sqlalchemy", "numpy"}),
    ],
)
def test_what_is_heavy_is_not_imported_to_say_hello(program: str, strangers: set[str]) -> None:
    code = (
        "import sys; sys.argv = ['heritage', '--help']\n"
        f"try:\n    {program}\nexcept SystemExit:\n    pass\n"
        "print(*(name for name in sys.modules if '.' not in name))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not strangers & set(answer.stdout.splitlines()[-1].split())


def test_a_setting_that_makes_no_sense_is_wrong_usage(run, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_DEVICE", "toaster")
    result = run("catalogue")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "HERITAGE_DEVICE" in result.stderr


def test_version(run) -> None:
    from heritage import __version__

    assert run("--version").stdout == f"heritage {__version__}\n"
