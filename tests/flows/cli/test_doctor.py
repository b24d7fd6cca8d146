import json

from heritage.settings import Settings


def test_every_setting_is_listed_with_its_origin(run, monkeypatch, workspace) -> None:
    monkeypatch.setenv("HERITAGE_MEMORY", "3 GiB")
    answer = json.loads(run("doctor", "--json").stdout)
    shown = {one["name"]: one for one in answer["settings"]}
    assert set(shown) == set(Settings.model_fields)
    assert (shown["memory"]["value"], shown["memory"]["origin"]) == ("3 GiB", "HERITAGE_MEMORY")
    assert not workspace.exists()  # looking changes nothing


def test_a_misspelt_variable_is_named(run, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_MEMROY", "3 GiB")
    result = run("doctor")
    assert result.exit_code == 1
    assert "HERITAGE_MEMROY" in result.stderr


def test_a_device_that_is_not_there_is_named(run, monkeypatch) -> None:
    monkeypatch.setenv("HERITAGE_DEVICE", "cuda:9")
    result = run("doctor")
    assert result.exit_code == 1
    assert "cuda:9" in result.stderr
