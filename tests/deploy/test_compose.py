"""compose.yaml: what it starts exists, what it refers to is there, and no secret is in it."""

import re
import subprocess
import sys

import pytest

from heritage.settings import Settings
from tests.deploy.checking import (
    DEPLOY,
    INTERPOLATED,
    command_faults,
    documents,
    example,
    image_faults,
    interpolate,
    variable_faults,
)

FILE = DEPLOY / "compose.yaml"
SECRETS = ("POSTGRES_PASSWORD", "CATALOGUE_PASSWORD", "PREFECT_PASSWORD", "PREFECT_AUTH")
FILLED = example("env.example") | dict.fromkeys(SECRETS, "ann:secret")
SITE = interpolate(documents(FILE)[0], FILLED)
SERVICES = SITE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("heritage:")}


def test_it_is_a_compose_file():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", OURS)
def test_our_commands_exist(name):
    assert command_faults(OURS[name]["command"]) == []


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    assert image_faults(SERVICES[name]["image"]) == []


@pytest.mark.parametrize("name", SERVICES)
def test_variables_mean_something(name):
    assert variable_faults(SERVICES[name].get("environment", {})) == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_and_comes_back(name):
    assert "healthcheck" in SERVICES[name]
    assert SERVICES[name]["restart"].startswith(("unless-stopped", "on-failure"))
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    assert SERVICES[name]["read_only"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_it_refers_to_is_there(name):
    service = SERVICES[name]
    for other, how in service.get("depends_on", {}).items():
        awaited = SERVICES[other]
        ends = how["condition"] == "service_completed_successfully"
        assert ends == bool(awaited["healthcheck"].get("disable"))
    assert set(service["networks"]) <= set(SITE["networks"])
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        assert source.startswith(("/", "./")) or source in SITE["volumes"], volume
    for host, port in _addresses(service):
        assert port in _ports(SERVICES[host]), f"{name} asks {host} at {port}"


def _addresses(service):
    """Services and ports that the environment names."""
    said = " ".join(map(str, service.get("environment", {}).values()))
    return re.findall(rf"(?:@|//)({'|'.join(SERVICES)}):(\d+)", said)


def _ports(service):
    """The port that a service listens at, by its command or its image."""
    said = [w.partition("=")[2] for w in service.get("command", []) if w.startswith("--port=")]
    return [*said, *(["5432"] if service["image"].startswith("postgres:") else [])]


def test_files_that_are_mounted_exist():
    mounted = {v.partition(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    local = {path for path in mounted if path.startswith("./")} - {"./certificates"}
    assert local
    assert all((DEPLOY / path).is_file() for path in local)


def test_masters_are_only_read():
    assert all(f"{FILLED['ARCHIVE']}:/archive:ro" in one["volumes"] for one in _with_archive())


def _with_archive():
    found = [one for one in OURS.values() if any("/archive" in v for v in one.get("volumes", []))]
    assert found
    return found


def test_the_example_has_every_variable_and_no_secret():
    used = {found[1] for found in INTERPOLATED.finditer(FILE.read_text()) if found[1]}
    given = example("env.example")
    assert used == set(given)
    assert not any(given[name] for name in SECRETS)
    with pytest.raises(KeyError):
        interpolate(documents(FILE)[0], given)


def test_the_example_of_settings_can_be_loaded(monkeypatch):
    given = example("settings.example")
    assert variable_faults(given) == []
    fixed = {name for one in OURS.values() for name in one.get("environment", {})}
    assert not fixed & set(given)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Settings().review_two_people


def test_nobody_reaches_anything_but_the_proxy_from_outside():
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    outside = {n for n, ports in published.items() if any(not p.startswith("127.") for p in ports)}
    assert outside == {"proxy"}


def test_prefect_asks_for_its_password_and_everybody_has_it():
    assert SERVICES["prefect"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"] == "ann:secret"
    for name in set(OURS) - {"prefect"}:
        assert OURS[name]["environment"]["PREFECT_API_AUTH_STRING"] == "ann:secret"


def test_the_proxy_leads_where_something_listens():
    text = (DEPLOY / "Caddyfile").read_text()
    led = re.findall(r"reverse_proxy (\w+):(\d+)", text)
    assert {host for host, _ in led} == {"review", "prefect"}
    assert all(port in _ports(SERVICES[host]) for host, port in led)
    used = set(re.findall(r"\{\$(\w+)", text))
    assert used == set(SERVICES["proxy"]["environment"])
    assert text.count("{") == text.count("}")


def test_the_room_trusts_the_proxy_and_it_lets_nobody_say_who_he_is():
    room, proxy = SERVICES["review"]["environment"], SERVICES["proxy"]["networks"]["site"]
    assert room["HERITAGE_REVIEW_PROXIES"] == proxy["ipv4_address"]
    header = Settings.model_fields["review_proxy_header"].default
    assert f"request_header -{header}" in (DEPLOY / "Caddyfile").read_text()


def test_gpus_are_reserved_by_the_workers_that_have_a_gpu():
    reserved = {n: one["deploy"] for n, one in SERVICES.items() if "gpu" in one.get("profiles", [])}
    assert reserved
    for name, one in reserved.items():
        (device,) = one["resources"]["reservations"]["devices"]
        assert device["capabilities"] == ["gpu"]
        assert [name.rpartition("-")[2]] == device["device_ids"]
        assert SERVICES[name]["image"].endswith("-cuda")
