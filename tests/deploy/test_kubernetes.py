"""The manifests: as Kubernetes' schemas have it, and with nothing that leads nowhere."""

import asyncio
import shutil
import subprocess

import httpx
import kubernetes_validate
import pytest
import yaml

from heritage.care.exporter import Exporter
from heritage.listening import listen
from heritage.review.desk import open_desk
from heritage.review.web.app import create_app
from heritage.settings import load_settings
from tests.deploy.checking import (
    DEPLOY,
    ROOT,
    command_faults,
    documents,
    image_faults,
    variable_faults,
)

FOLDER = DEPLOY / "kubernetes"
VERSION = "1.34"
KUSTOMIZATION = documents(FOLDER / "kustomization.yaml")[0]
MANIFESTS = [one for name in KUSTOMIZATION["resources"] for one in documents(FOLDER / name)]
NAMES = [f"{one['kind']} {one['metadata']['name']}" for one in MANIFESTS]
WORKLOADS = [one for one in MANIFESTS if "template" in one.get("spec", {})]
WORKLOAD_NAMES = [one["metadata"]["name"] for one in WORKLOADS]
VALUES = ("prefect-server.yaml", "prefect-worker.yaml")
APPLIED_BY_OTHERS = {"prefect-server", "prefect-worker"}
"""What the charts make."""


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def container_of(workload):
    (only,) = pod_of(workload)["containers"]
    return only


def named(kind):
    return {one["metadata"]["name"]: one for one in MANIFESTS if one["kind"] == kind}


def everything_under(value, key):
    """All values that stand under a key, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from everything_under(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from everything_under(inner, key)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=NAMES)
def test_each_is_what_kubernetes_expects(manifest):
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_no_file_is_forgotten():
    files = {path.name for path in FOLDER.glob("*.yaml")}
    assert files == {*KUSTOMIZATION["resources"], *VALUES, "kustomization.yaml"}


def test_kustomize_puts_them_together():
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert len(made) == len(MANIFESTS)
    assert {one["metadata"].get("namespace", "heritage") for one in made} == {"heritage"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=WORKLOAD_NAMES)
def test_selectors_find_their_pods(workload):
    wanted = workload["spec"].get("selector", {}).get("matchLabels", {})
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert wanted.items() <= labels.items()
    assert wanted or workload["kind"] == "Job"


@pytest.mark.parametrize("service", named("Service").values(), ids=named("Service"))
def test_services_lead_to_ports_of_pods(service):
    pods = [
        w
        for w in WORKLOADS
        if service["spec"]["selector"].items()
        <= w["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert len(pods) == 1
    ports = {p["name"]: p["containerPort"] for p in container_of(pods[0])["ports"]}
    for port in service["spec"]["ports"]:
        assert ports[port["targetPort"]] == port["port"]


def test_the_ingress_leads_to_a_service():
    for ingress in named("Ingress").values():
        for backend in everything_under(ingress, "backend"):
            service = named("Service")[backend["service"]["name"]]
            ports = {port["name"] for port in service["spec"]["ports"]}
            assert backend["service"]["port"]["name"] in ports


def test_network_policies_are_about_pods_and_ports_that_exist():
    open_at = {
        w["metadata"]["name"]: {p["containerPort"] for p in container_of(w).get("ports", [])}
        for w in WORKLOADS
    }
    for policy in named("NetworkPolicy").values():
        about = policy["spec"]["podSelector"].get("matchLabels")
        if about is None:
            assert "ingress" not in policy["spec"]
            continue
        name = about["app.kubernetes.io/name"]
        ports = {port["port"] for port in next(everything_under(policy, "ports"))}
        assert name in APPLIED_BY_OTHERS or ports == open_at[name]


@pytest.mark.parametrize("name", VALUES)
def test_values_are_read(name):
    assert isinstance(documents(FOLDER / name)[0], dict)


def test_what_is_referred_to_is_made_here_or_documented():
    page = (ROOT / "docs" / "deployment.md").read_text()
    everything = [*MANIFESTS, *(documents(FOLDER / name)[0] for name in VALUES)]
    for claim in everything_under(everything, "claimName"):
        assert claim in named("PersistentVolumeClaim")
    for reference in everything_under(everything, "configMapRef"):
        assert reference["name"] in named("ConfigMap")
    assert list(everything_under(everything, "extraEnvVarsCM")) == ["heritage-settings"]
    keys = list(everything_under(everything, "secretKeyRef"))
    assert keys
    for reference in keys:
        assert f"`{reference['name']}`" in page
        assert f"--from-literal={reference['key']}=" in page
    for name in [
        *everything_under(everything, "existingSecret"),
        *everything_under(everything, "secretName"),
        *(one["name"] for one in everything_under(everything, "secret") if "name" in one),
    ]:
        assert f"`{name}`" in page


def test_volumes_that_are_mounted_are_there():
    for workload in WORKLOADS:
        there = {one["name"] for one in pod_of(workload)["volumes"]}
        assert {one["name"] for one in container_of(workload)["volumeMounts"]} == there


@pytest.mark.parametrize("workload", WORKLOADS, ids=WORKLOAD_NAMES)
def test_containers_run_what_exists(workload):
    container = container_of(workload)
    assert command_faults([*container["command"], *container.get("args", [])]) == []
    assert image_faults(container["image"]) == []
    assert variable_faults(one["name"] for one in container["env"]) == []


def test_settings_mean_something():
    assert variable_faults(named("ConfigMap")["heritage-settings"]["data"]) == []


def test_values_name_images_of_this_version():
    server, worker = (documents(FOLDER / name)[0] for name in VALUES)
    for image in (server["global"]["prefect"]["image"], worker["worker"]["image"]):
        assert image_faults(f"{image['repository']}:{image['prefectTag']}") == []
    names = [one["name"] for one in worker["worker"]["extraEnvVars"]]
    assert variable_faults(names) == []


def test_the_workers_of_the_chart_poll_our_pool():
    from flows.operations.names import POOL

    config = documents(FOLDER / "prefect-worker.yaml")[0]["worker"]["config"]
    assert (config["workPool"], config["type"]) == (POOL, "process")
    assert f"--pool={POOL}" in container_of(_workload("heritage-gpu-worker"))["command"]


def _workload(name):
    return next(w for w in WORKLOADS if w["metadata"]["name"] == name)


@pytest.mark.parametrize("workload", WORKLOADS, ids=WORKLOAD_NAMES)
def test_pods_have_no_more_rights_than_they_need(workload):
    pod, own = pod_of(workload)["securityContext"], container_of(workload)["securityContext"]
    assert pod["runAsNonRoot"]
    assert own["readOnlyRootFilesystem"]
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert not own["allowPrivilegeEscalation"]
    assert not pod_of(workload)["automountServiceAccountToken"]
    assert "memory" in container_of(workload)["resources"]["limits"]


def probes(workload):
    container = container_of(workload)
    return [container[k]["httpGet"] for k in container if k.endswith("Probe")]


def test_probes_ask_for_ports_that_are_named():
    for workload in WORKLOADS:
        ports = {one["name"] for one in container_of(workload).get("ports", [])}
        assert all(probe["port"] in ports for probe in probes(workload))


def test_the_review_room_answers_its_probes(tmp_path, monkeypatch):
    for name, value in named("ConfigMap")["heritage-settings"]["data"].items():
        if name.startswith("HERITAGE_REVIEW"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("HERITAGE_HOME", str(tmp_path))
    settings = load_settings()
    asked = probes(_workload("heritage-review"))
    assert asked
    with open_desk(settings) as desk:
        app = create_app(settings, desk)
        for probe in asked:
            headers = {one["name"]: one["value"] for one in probe["httpHeaders"]}
            assert _ask(app, probe["path"], headers) == 200
        assert _ask(app, asked[0]["path"], {}) == 400  # so the header is needed


def _ask(app, path, headers):
    """The status that an application answers with, asked at a pod's address."""

    async def get():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://10.1.2.3:8040"
        ) as client:
            return (await client.get(path, headers=headers)).status_code

    return asyncio.run(get())


def test_metrics_answer_their_probes(tmp_path):
    settings = load_settings(home=tmp_path)
    with open_desk(settings), listen("127.0.0.1", 0) as listener:
        exporter = Exporter(settings, listener)
        asked = [probe["path"] for probe in probes(_workload("heritage-metrics"))]
        assert [exporter.answer(path, "")[0] for path in asked] == [200, 200]
        annotations = _workload("heritage-metrics")["spec"]["template"]["metadata"]["annotations"]
        assert exporter.answer(annotations["prometheus.io/path"], "")[0] == 200


def test_workers_ask_prefects_own_health_page():
    from prefect.workers.server import _build_healthcheck_server

    app = _build_healthcheck_server(lambda: True).config.app
    (probe,) = probes(_workload("heritage-gpu-worker"))
    assert _ask(app, probe["path"], {}) == 200


def test_a_gpu_worker_asks_for_one_gpu():
    resources = container_of(_workload("heritage-gpu-worker"))["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == 1
