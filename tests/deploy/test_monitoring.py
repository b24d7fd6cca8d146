"""Dashboard, alerts and documentation name metrics that a site really has after a restoration."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from heritage.care import measures
from heritage.care.metrics import exposition, registry
from heritage.care.tally import Note, Tally
from heritage.settings import load_settings
from tests.flows.conftest import make_master, prefect_server, workspace

__all__ = ["make_master", "prefect_server", "workspace"]

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "heritage.json").read_text())
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
PAGE = (ROOT / "docs" / "monitoring.md").read_text()

SELECTOR = re.compile(r"\b(?P<name>heritage_\w+|up)\b(?:\{(?P<labels>[^}]*)\})?")
MATCHER = re.compile(r'(?P<label>\w+)\s*(?P<how>=~|!~|!=|=)\s*"(?P<value>[^"]*)"')
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
PROMETHEUS = {"instance", "job", "le"}
"""Labels that Prometheus adds, or that every histogram has."""


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions():
    """Every PromQL expression of dashboard and alerts, by where it stands."""
    drawn = [(p["title"], target["expr"]) for p in panels() for target in p["targets"]]
    return drawn + [(rule["alert"], rule["expr"]) for rule in RULES]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory, prefect_server):
    """Labels and their values, by sample, after a real restoration."""
    from flows.collection import attempt_restoration
    from heritage.restore.names import plan_names

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERITAGE_HOME", str(folder / "home"))
        patch.chdir(folder)
        (named,) = plan_names([make_master.__wrapped__(folder)()], folder / "out")
        assert attempt_restoration(named, folder / "out", model="telea").fate == "restored"
        settings = load_settings()
    # what only a machine with a GPU notes down
    Tally(settings.home).write(Note().keep(measures.DEVICE_MEMORY, 1, "cuda:0"))
    told = text_string_to_metric_families(exposition(registry(settings))[0].decode())
    found = {}
    for family in told:
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_what_is_asked_for_is_there(where, expression, scraped):
    named = list(SELECTOR.finditer(expression))
    assert named
    labels = set(PROMETHEUS)
    for one in named:
        if one["name"] == "up":
            continue
        assert one["name"] in scraped, f"{where}: no metric {one['name']}"
        labels |= set(scraped[one["name"]])
        for matcher in MATCHER.finditer(one["labels"] or ""):
            values = scraped[one["name"]].get(matcher["label"])
            assert values is not None, f"{where}: {one['name']} has no label {matcher['label']}"
            asked = matcher["value"].split("|") if "~" in matcher["how"] else [matcher["value"]]
            assert set(asked) <= values, f"{where}: {matcher[0]}"
    for group in GROUPED.findall(expression):
        assert {label.strip() for label in group.split(",")} <= labels, where


def test_legends_name_labels_that_are_left():
    for panel in panels():
        for target in panel["targets"]:
            legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = {g.strip() for m in GROUPED.findall(target["expr"]) for g in m.split(",")}
            assert legend <= grouped, panel["title"]


def test_every_metric_is_used_or_at_least_documented():
    rows = dict(re.findall(r"^\| `(heritage_\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert set(rows) == {measure.name for measure in measures.ALL}
    for measure in measures.ALL:
        kind, labels, meaning = (cell.strip() for cell in rows[measure.name].split(" | "))
        assert kind == measure.kind
        assert labels == (f"`{measure.label}`" if measure.label else "")
        assert meaning == measure.meaning


def test_every_value_of_a_label_is_documented():
    values = dict(re.findall(r"^\| `(\w+)` of `heritage_\w+` \| (.*) \|$", PAGE, re.MULTILINE))
    assert values
    for measure in measures.ALL:
        line = re.search(rf"^\| `{measure.label}` of `{measure.name}` \| (.*) \|$", PAGE, re.M)
        assert (line is not None) == bool(measure.values), measure.name
        if line is not None:
            assert tuple(re.findall(r"`([^`]+)`", line[1])) == measure.values


def test_every_alert_says_what_to_do():
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"]
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0m"))
        assert f"**{rule['alert']}**" in PAGE
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_brackets_match_and_no_expression_is_cut_off():
    for where, expression in expressions():
        for left, right in ("()", "{}", "[]"):
            assert expression.count(left) == expression.count(right), where
        assert not re.search(r"[-+*/>=]\s*$", expression), where


def test_prometheus_itself_finds_nothing_wrong():
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    for command in (["rules", ALERTS], ["config", ALERTS.with_name("prometheus.yaml")]):
        subprocess.run([program, "check", *command], check=True)


def test_the_dashboard_can_be_imported():
    assert DASHBOARD["uid"] == "heritage"
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"


def test_the_scrape_example_asks_where_the_site_answers():
    from heritage.care.exporter import HOST, PORT

    example = yaml.safe_load(ALERTS.with_name("prometheus.yaml").read_text())
    (job,) = example["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"{HOST}:{PORT}"]
    assert f'job="{job["job_name"]}"' in ALERTS.read_text()
    assert example["rule_files"] == [ALERTS.name]
