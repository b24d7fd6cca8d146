"""Whether a deployment says what our program and its neighbours understand; used by all tests."""

import importlib.util
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import yaml
from prefect.settings import Settings as PrefectSettings
from typer.testing import CliRunner

from flows.cli.app import app
from heritage import __version__
from heritage.settings import CONFIG_VARIABLE, PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

INTERPOLATED = re.compile(r"\$\$|\$\{(\w+)(?::([?-])([^}]*))?\}")
PINNED = re.compile(r"(?P<name>[\w./:-]+):(?P<tag>v?\d+\.\d+[\w.-]*)")


def documents(path):
    """All documents of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def example(name):
    """Variables of an example of an environment file."""
    lines = (DEPLOY / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolate(value, given):
    """What Compose makes of a value; a variable that must be set and is not is an error."""
    if isinstance(value, dict):
        return {key: interpolate(one, given) for key, one in value.items()}
    if isinstance(value, list):
        return [interpolate(one, given) for one in value]
    if not isinstance(value, str):
        return value

    def replaced(found):
        if found[0] == "$$":
            return "$"
        said = given.get(found[1], "")
        if not said and found[2] == "?":
            raise KeyError(found[1])
        return said or (found[3] if found[2] == "-" else "")

    return INTERPOLATED.sub(replaced, value)


def command_faults(words):
    """What is wrong with a command of a container or unit; empty if it can be run."""
    program, rest = Path(words[0]).name, [str(word) for word in words[1:]]
    if program == "heritage":
        return _ours(rest)
    if program == "prefect":
        return _prefects(rest)
    if program == "python" and rest[0] == "-m":
        found = importlib.util.find_spec(rest[1])
        return [] if found else [f"there is no module {rest[1]}"]
    if program == "sh":
        lines = [shlex.split(line) for line in rest[-1].splitlines()]
        return [fault for line in lines if line for fault in command_faults(line)]
    return [f"{program} is no program that is known here"]


def _ours(words):
    """Whether our command line takes these words."""
    answer = CliRunner().invoke(app, [*words, "--help"])
    return [] if answer.exit_code == 0 else [answer.stderr.strip()]


def _prefects(words):
    """Whether Prefect's command line has the command and the options."""
    words = [word for word in words if word != "--no-prompt"]
    path = tuple(word for word in words[:2] if not word.startswith("-"))
    text = _help(path)
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [f"prefect {' '.join(path)} has no {option}" for option in options if option not in text]


@cache
def _help(path):
    asked = [sys.executable, "-m", "prefect", *path, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, f"prefect {' '.join(path)}: {done.stderr or done.stdout}"
    return done.stdout


def variable_faults(names):
    """Variables that look like ours or Prefect's and mean nothing."""
    ours = {CONFIG_VARIABLE, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
    return [
        f"{name} is no setting"
        for name in names
        if (name.startswith(PREFIX) and name not in ours)
        or (name.startswith("PREFECT_") and name not in PREFECTS_OWN | prefect_variables())
    ]


PREFECTS_OWN = {"PREFECT_NAME", "PREFECT_AUTH", "PREFECT_PASSWORD"}
"""Names of ours in Compose's own variables, which no program reads."""


@cache
def prefect_variables():
    """All variables that Prefect reads its settings from."""
    from prefect.settings.legacy import _get_settings_fields

    return frozenset(_get_settings_fields(PrefectSettings))


def image_faults(image):
    """Whether an image is one certain version, and ours and Prefect's those of this program."""
    found = PINNED.fullmatch(image)
    if found is None:
        return [f"{image} is not pinned to a version"]
    name, tag = found["name"].rpartition("/")[2], found["tag"]
    if name == "heritage" and tag.rpartition("-")[0] != __version__:
        return [f"{image} is not of version {__version__}"]
    if name == "prefect" and tag.partition("-")[0] != constraint("prefect"):
        return [f"{image} is not of Prefect {constraint('prefect')}"]
    return []


def constraint(package):
    """The version of a package that was tested."""
    text = (ROOT / "constraints.txt").read_text()
    return re.search(rf"^{package}==(\S+)$", text, re.MULTILINE)[1]
