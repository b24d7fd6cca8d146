import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heritage.errors import BadSetting
from heritage.settings import (
    Settings,
    list_settings,
    load_settings,
    mask_password,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    """Neither variables nor a file, in an empty folder."""
    for name in list(os.environ):
        if name.startswith("HERITAGE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def shown():
    return {line.name: line for line in list_settings(load_settings())}


def test_without_anything_set_all_have_defaults(tmp_path):
    settings = load_settings()
    assert settings.home == tmp_path / "heritage-data"
    assert settings.database_url == f"sqlite:///{tmp_path}/heritage-data/catalogue.sqlite"
    assert settings.memory == 2 << 30
    assert (settings.device, settings.model, settings.batch) == ("auto", None, None)
    assert settings.operator == getpass.getuser()
    assert {line.origin for line in shown().values()} == {"default"}


def test_loading_settings_touches_nothing(tmp_path):
    load_settings()
    assert list(tmp_path.iterdir()) == []


def test_the_catalogue_lies_in_the_workspace(monkeypatch):
    monkeypatch.setenv("HERITAGE_HOME", "/srv/heritage")
    assert load_settings().database_url == "sqlite:////srv/heritage/catalogue.sqlite"


def test_command_line_wins_over_environment_over_file_over_default(monkeypatch, tmp_path):
    (tmp_path / "heritage.toml").write_text('device = "cuda"\nmodel = "telea"\nbatch = 4\n')
    monkeypatch.setenv("HERITAGE_MODEL", "patchmatch")
    monkeypatch.setenv("HERITAGE_BATCH", "8")
    settings = load_settings(batch=16, device=None)
    assert (settings.device, settings.model, settings.batch) == ("cuda", "patchmatch", 16)
    origins = {line.name: line.origin for line in list_settings(settings)}
    assert origins["device"] == str(tmp_path / "heritage.toml")
    assert origins["model"] == "HERITAGE_MODEL"
    assert origins["batch"] == "command line"
    assert origins["memory"] == "default"


def test_a_file_elsewhere_means_the_same_wherever_one_stands(monkeypatch, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "site.toml").write_text('home = "data"\nmemory = "4 GiB"\n')
    monkeypatch.setenv("HERITAGE_CONFIG", str(tmp_path / "etc" / "site.toml"))
    assert load_settings().home == tmp_path / "etc" / "data"
    assert load_settings().memory == 4 << 30


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("HERITAGE_MODEL", "")
    assert load_settings().model is None
    assert shown()["model"].origin == "default"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MEMORY", "lots", "HERITAGE_MEMORY: 'lots' is not an amount of memory such as '2 GiB'"),
        ("MEMORY", "1 KiB", "HERITAGE_MEMORY"),
        ("BATCH", "0", "HERITAGE_BATCH=0"),
        ("BATCH", "many", "HERITAGE_BATCH=many"),
        ("DEVICE", "gpu", "HERITAGE_DEVICE: 'gpu' is none of auto, cpu, cuda"),
        ("DATABASE_URL", "mysql://root:secret@db/x", "HERITAGE_DATABASE_URL: expected sqlite"),
        ("DATABASE_URL", "sqlite:///:memory:", "HERITAGE_DATABASE_URL: expected sqlite"),
        ("PREFECT_API_URL", "localhost", "HERITAGE_PREFECT_API_URL"),
        ("OPERATOR", "x" * 201, "HERITAGE_OPERATOR"),
    ],
)
def test_a_bad_value_is_one_clear_line(monkeypatch, name, value, said):
    monkeypatch.setenv(f"HERITAGE_{name}", value)
    with pytest.raises(BadSetting) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(said)
    assert "\n" not in message
    assert "secret" not in message


def test_a_misspelt_setting_in_the_file_is_refused(tmp_path):
    (tmp_path / "heritage.toml").write_text('modle = "telea"\n')
    with pytest.raises(
        BadSetting, match=r"heritage\.toml: modle is no setting; did you mean model"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"model = ", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        (b"database_url = 3", "database_url: Input should be a valid string"),
        (b"batch = 'x'", "batch"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, content, said):
    (tmp_path / "heritage.toml").write_bytes(content)
    with pytest.raises(BadSetting, match=said) as caught:
        load_settings()
    assert str(tmp_path / "heritage.toml") in str(caught.value)


def test_a_named_file_that_is_missing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HERITAGE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(BadSetting, match="does not exist"):
        load_settings()


def test_a_folder_is_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("HERITAGE_CONFIG", str(tmp_path))
    with pytest.raises(BadSetting, match="cannot be read"):
        load_settings()


def test_all_faults_are_told_at_once(monkeypatch):
    monkeypatch.setenv("HERITAGE_BATCH", "0")
    monkeypatch.setenv("HERITAGE_DEVICE", "gpu")
    with pytest.raises(BadSetting, match=r"HERITAGE_DEVICE.*; HERITAGE_BATCH"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://a:b@c/d", "postgresql://a:***@c/d"),
        ("postgresql://a:p@ss:w/rd@c:5432/d", "postgresql://a:***@c:5432/d"),
        ("postgresql://a@c/d", "postgresql://a@c/d"),
        ("sqlite:////x/y.sqlite", "sqlite:////x/y.sqlite"),
        ("sqlite:////x:y@z/y.sqlite", "sqlite:////x:y@z/y.sqlite"),
    ],
)
def test_passwords_are_never_shown(monkeypatch, url, masked):
    assert mask_password(url) == masked
    monkeypatch.setenv("HERITAGE_DATABASE_URL", url)
    assert shown()["database_url"].value == masked
    assert url == masked or url not in repr(load_settings())


def test_every_setting_is_described_and_has_its_variable():
    lines = shown()
    assert set(lines) == set(Settings.model_fields)
    for line in lines.values():
        assert line.description.endswith(".")
        assert line.variable == f"HERITAGE_{line.name.upper()}"
    assert lines["memory"].value == "2 GiB"


def test_misspelt_variables_are_noticed(monkeypatch):
    assert unknown_variables() == []
    monkeypatch.setenv("HERITAGE_CONFIG", "/x")
    monkeypatch.setenv("HERITAGE_MODLE", "telea")
    assert unknown_variables() == ["HERITAGE_MODLE"]


def test_every_setting_is_documented():
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    text = page.read_text()
    missing = [line.variable for line in shown().values() if f"`{line.variable}`" not in text]
    assert missing == []


def test_settings_need_no_database_no_torch_no_prefect():
    program = "import sys, heritage.settings as s; s.load_settings(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"sqlalchemy", "torch", "prefect", "numpy"} & set(done.stdout.split())


def test_several_devices_share_the_work(monkeypatch):
    monkeypatch.setenv("HERITAGE_DEVICE", "cuda:0,cuda:1")
    assert load_settings().device == "cuda:0,cuda:1"
    monkeypatch.setenv("HERITAGE_DEVICE", "cuda:0,gpu")
    with pytest.raises(BadSetting, match="none of auto"):
        load_settings()
