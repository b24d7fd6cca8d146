"""The image: pinned, without secrets, somebody without rights, and with all that is needed."""

import json
import re
import shutil
import subprocess
import tomllib

import pytest

from tests.deploy.checking import DEPLOY, ROOT, command_faults, constraint, image_faults

FILE = DEPLOY / "Dockerfile"


def instructions():
    """Pairs of an instruction and its words; continued lines are one."""
    text = re.sub(r"^#.*\n", "", FILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def said(name):
    return [words for instruction, words in instructions() if instruction == name]


def test_the_base_is_pinned_and_used_throughout():
    base = said("ARG")[0].partition("=")
    assert base[0] == "PYTHON_IMAGE"
    assert image_faults(base[2]) == []
    assert {words.split()[0] for words in said("FROM")} == {"${PYTHON_IMAGE}"}


def test_it_runs_as_somebody_without_rights():
    assert said("USER") == ["1001:1001"]
    after = instructions().index(("USER", "1001:1001"))
    assert not [one for one in instructions()[after:] if one[0] in ("RUN", "COPY", "ADD")]


def test_what_is_copied_is_there_and_not_ignored():
    kept = {line[1:] for line in _ignored() if line.startswith("!")}
    copied = [w.split() for w in said("COPY") if not w.startswith("--from")]
    sources = [s for words in copied for s in words[:-1] if not s.startswith("--")]
    assert sources
    assert set(sources) == kept
    assert all((ROOT / source).exists() for source in sources)


def _ignored():
    return (ROOT / ".dockerignore").read_text().splitlines()


def test_nothing_is_sent_to_the_builder_unless_it_is_named():
    assert _ignored()[0] == "*"


def test_what_the_package_is_built_from_is_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]}
    needed |= set(project["project"]["license-files"])
    assert needed <= {source for words in said("COPY") for source in words.split()}


def test_extras_exist_and_versions_are_the_tested_ones():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    chosen = next(w for w in said("ARG") if w.startswith("EXTRAS=")).partition("=")[2].split(",")
    assert set(chosen) <= set(extras)
    assert "postgresql" in chosen
    runs = " ".join(said("RUN"))
    assert "-c constraints.txt" in runs
    assert "grep '^torch==' constraints.txt" in runs
    assert constraint("torch")


def test_it_answers_for_itself():
    (command,), (health,) = said("CMD")[:1], said("HEALTHCHECK")
    assert command_faults(json.loads(command)) == []
    assert ":8040/health" in health
    assert "--port" in command
    assert "8040" in command


def test_the_programs_that_others_expect_are_in_it():
    runs = " ".join(said("RUN"))
    assert "postgresql-client-17" in runs
    assert "postgres:17." in (DEPLOY / "compose.yaml").read_text()
    assert "tini" in runs
    assert any("/opt/prefect/entrypoint.sh" in words for words in said("COPY"))


def test_no_secret_is_in_it():
    names = re.findall(r"(\w+)=", " ".join(said("ENV") + said("ARG")))
    assert names
    assert not [n for n in names if re.search("PASSWORD|SECRET|TOKEN|AUTH|KEY|DATABASE_URL", n)]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing():
    # Debian keeps one version of a package: a pinned one could not be had after its next update.
    done = subprocess.run(["hadolint", "--ignore=DL3008", FILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
