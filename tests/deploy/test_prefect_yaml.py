"""prefect.yaml gives the deployments that the program itself makes."""

import os
import subprocess
import sys

import pytest
from prefect.client.orchestration import get_client

from flows.operations.deployments import deploy
from heritage.settings import PREFIX, load_settings
from tests.deploy.checking import DEPLOY, ROOT, constraint, documents

FILE = DEPLOY / "prefect.yaml"
SAME = (
    "concurrency_options", "description", "enforce_parameter_schema",
    "entrypoint", "job_variables", "parameter_openapi_schema", "parameters", "path", "paused",
    "pull_steps", "tags", "work_pool_name", "work_queue_name",
)  # fmt: skip


def test_it_is_for_the_prefect_that_was_tested():
    assert str(documents(FILE)[0]["prefect-version"]) == constraint("prefect")


def told():
    """What the server knows of each deployment, by flow and name."""
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        return {f"{flows[d.flow_id]}/{d.name}": _facts(d) for d in client.read_deployments()}


def _facts(deployment):
    schedules = [
        (one.active, one.schedule.model_dump(exclude={"anchor_date"}))
        for one in deployment.schedules
    ]
    limit = deployment.global_concurrency_limit
    facts = {name: getattr(deployment, name) for name in SAME}
    return facts | {"schedules": schedules, "at once": limit and limit.limit}


def forget():
    """Take away all deployments; other tests make those that they need."""
    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments():
            client.delete_deployment(deployment.id)


@pytest.mark.slow
def test_it_gives_what_the_program_deploys(prefect_server, monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    forget()
    names = deploy(load_settings())
    by_program = told()
    assert set(by_program) == set(names)
    forget()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"),
            *("--prefect-file", "deploy/prefect.yaml"),
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    by_file = told()
    forget()
    assert not (missing := set(by_program) - set(by_file)), f"{FILE.name} lacks {missing}"
    assert not (strange := set(by_file) - set(by_program)), f"{FILE.name} alone has {strange}"
    for name, facts in by_program.items():
        differing = {key: (by_file[name][key], facts[key]) for key in facts}
        differing = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
        assert differing == {}, f"{name}: {FILE.name} against the program"
