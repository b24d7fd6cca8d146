"""Settings: what a site decides once, read from the environment and ``heritage.toml``.

What is said later wins: the default, ``heritage.toml``, the environment variable ``HERITAGE_NAME``,
the command line. An unknown name in the file is refused, because a misspelt setting that is
silently ignored is found out a year too late.
"""

from __future__ import annotations

import difflib
import getpass
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from heritage.errors import BadSetting
from heritage.sizes import parse_size, show_size

PREFIX = "HERITAGE_"
CONFIG_VARIABLE = "HERITAGE_CONFIG"
CONFIG_NAME = "heritage.toml"
DEVICE = re.compile(r"auto|cpu|mps|(cuda|xpu)(:\d+)?")
SECRET = {"database_url", "review_oidc_secret", "notify"}
PASSWORD = re.compile(r"(?<=://)([^:/@]*):.*(?=@)")


def _operating_system_user() -> str:
    """The name under which this process runs (containers may have no name for it)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _expand(path: object) -> object:
    return Path(path).expanduser().absolute() if isinstance(path, str | Path) else path


def _beside_home(known: dict[str, Any]) -> str:
    return f"sqlite:///{known.get('home', '')}/catalogue.sqlite"


class Settings(BaseSettings):
    """Everything a site can decide; made by ``load_settings``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    home: Annotated[Path, BeforeValidator(_expand)] = Field(
        default=Path("heritage-data"),
        validate_default=True,
        description="The workspace: a folder for the catalogue and what belongs to it.",
    )
    database_url: str = Field(
        default_factory=_beside_home,
        repr=False,
        description="The catalogue: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME.",
    )
    memory: Annotated[int, BeforeValidator(parse_size)] = Field(
        default=2 << 30,
        ge=64 << 20,
        description="Memory that one restoration may use, such as '2 GiB'.",
    )
    device: str = Field(
        default="auto",
        description="Where models run: auto, cpu, cuda, cuda:1, mps or xpu.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="How networks compute: auto, float32 or bfloat16.",
    )
    model: str | None = Field(
        default=None,
        description="The inpainter, by its name in `heritage models`; unset: the default one.",
    )
    models: Annotated[Path | None, BeforeValidator(_expand)] = Field(
        default=None,
        description="Folder of your own weights; unset: models/ in the workspace.",
    )
    batch: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="Windows a model sees at once; unset: as many as suit the device.",
    )
    detect: bool = Field(
        default=True,
        description="Whether masters without masks are searched for damage before restoring.",
    )
    policy: str = Field(
        default="painting",
        description="What of it is filled: painting, mural, manuscript, print or photograph.",
    )
    keep_staged: bool = Field(
        default=False,
        description="Whether masters fetched from a URL stay in the workspace when they are done.",
    )
    operator: str = Field(
        default_factory=_operating_system_user,
        min_length=1,
        max_length=200,
        description="Who is working, as the catalogue records it; by default the user's login.",
    )
    review_two_people: bool = Field(
        default=False,
        description="Whether somebody else than the author has to sign a restoration off.",
    )
    review_names: str = Field(
        default="localhost,127.0.0.1",
        description="Names under which browsers may reach the review room, with commas.",
    )
    review_https: bool = Field(
        default=False,
        description="Whether browsers reach the review room by https, through a proxy.",
    )
    review_proxies: str = Field(
        default="",
        description="Addresses of proxies that say in a header who somebody is, with commas.",
    )
    review_proxy_header: str = Field(
        default="X-Forwarded-User",
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
        description="The header in which those proxies name the person.",
    )
    review_oidc_issuer: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="The house's OpenID Connect server, under which its log-in is found.",
    )
    review_oidc_client: str | None = Field(
        default=None, description="As what the review room is registered there."
    )
    review_oidc_secret: str | None = Field(
        default=None, repr=False, description="The secret that goes with it."
    )
    review_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where staff find the review room; reports of runs link to it.",
    )
    inbox: Annotated[Path | None, BeforeValidator(_expand)] = Field(
        default=None,
        description="The folder where new masters arrive; unset: inbox/ in the workspace.",
    )
    runner: Literal["local", "dask", "prefect-workers"] = Field(
        default="local",
        description="Where collections are restored: local, dask or prefect-workers.",
    )
    dask_address: str | None = Field(
        default=None,
        pattern=r"^(tcp|tls|ws|wss|ucx)://",
        description="A Dask cluster's scheduler; unset: processes of this machine.",
    )
    dask_workers: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="How many processes; unset: one a GPU, or one for two cores.",
    )
    timezone: str = Field(
        default="UTC", description="The clock of the schedules, such as Europe/Amsterdam."
    )
    ingest_schedule: str = Field(
        default="0 20 * * *",
        description="When the inbox is looked into and restored, as cron writes it; '-': never.",
    )
    restore_schedule: str = Field(
        default="0 0-6 * * *",
        description="When what still waits is taken up again, as cron writes it; '-': never.",
    )
    audit_schedule: str = Field(
        default="0 2 * * *",
        description="When a share of all files is read again, as cron writes it; '-': never.",
    )
    backup_schedule: str = Field(
        default="0 6 * * *",
        description="When the catalogue is copied and the workspace cleaned; '-': never.",
    )
    institution: str = Field(
        default="",
        max_length=200,
        description="Who keeps the collection, as packages and credentials name it.",
    )
    rights: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="URI of the licence or rights statement that applies to the collection.",
    )
    archive: Annotated[Path | None, BeforeValidator(_expand)] = Field(
        default=None,
        description="Where packages are written; unset: archive/ in the workspace.",
    )
    archive_original: Literal["reference", "copy"] = Field(
        default="reference",
        description="Whether a package names the master or holds a copy: reference or copy.",
    )
    archive_ocfl: Annotated[Path | None, BeforeValidator(_expand)] = Field(
        default=None,
        description="An OCFL storage root that receives each signed restoration as a version.",
    )
    archive_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where packages are found on the web; set: IIIF tiles and a manifest are made.",
    )
    archive_caption: bool = Field(
        default=False,
        description="Whether access copies say below the picture what was completed.",
    )
    archive_tratteggio: bool = Field(
        default=False,
        description="Whether access copies show completions hatched, so that they can be told.",
    )
    archive_rules: str | None = Field(
        default=None,
        description="Rules of published TIFFs: tiff, baseline, ti-a, a file; unset: no new fault.",
    )
    archive_uncertainty: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether packages say how far fills can be trusted: auto, always or never.",
    )
    c2pa_certificate: Annotated[Path | None, BeforeValidator(_expand)] = Field(
        default=None,
        description="The certificate chain that signs Content Credentials; unset: there are none.",
    )
    c2pa_key: Annotated[Path | None, BeforeValidator(_expand)] = Field(
        default=None,
        description="The private key of that certificate, a file only this program can read.",
    )
    c2pa_timestamp: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="A server that confirms when Content Credentials were signed (RFC 3161).",
    )
    notify: str | None = Field(
        default=None,
        repr=False,
        description="Who is told how runs ended: addresses as Apprise has them, with spaces.",
    )
    prefect_api_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="A Prefect server to report to; unset: one of our own for each run.",
    )

    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How the log on standard error is written: text, or json, an object a line.",
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        default=None,
        description="What the log says; unset: nothing in text, info in json and under `serve`.",
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def model_folder(self) -> Path:
        """Where the user's own weights lie."""
        return self.models or self.home / "models"

    @property
    def archive_folder(self) -> Path:
        """Where packages are written."""
        return self.archive or self.home / "archive"

    @property
    def inbox_folder(self) -> Path:
        """Where new masters arrive."""
        return self.inbox or self.home / "inbox"

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone such as Europe/Amsterdam") from None
        return name

    @field_validator("ingest_schedule", "restore_schedule", "audit_schedule", "backup_schedule")
    @classmethod
    def _cron(cls, text: str) -> str:
        if text.strip() == "-":
            return ""
        if len(text.split()) != 5:
            raise ValueError("expected five fields as cron writes them, such as '0 20 * * *'")
        return text

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if any(DEVICE.fullmatch(one.strip()) is None for one in device.split(",")):
            raise ValueError(f"{device!r} is none of auto, cpu, cuda, cuda:N, mps, xpu, xpu:N")
        return device

    @field_validator("database_url")
    @classmethod
    def _lasting_database(cls, url: str) -> str:
        if url.startswith("sqlite:///") and url not in ("sqlite:///", "sqlite:///:memory:"):
            return url
        if re.match(r"postgres(ql)?(\+psycopg)?://", url):
            return url
        raise ValueError("expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file; nothing else is read."""
        file, _ = _read_config()
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=file)


@dataclass(frozen=True)
class SettingShown:
    """One setting as ``heritage doctor`` lists it; passwords are masked."""

    name: str
    variable: str
    value: str
    origin: str
    description: str


def load_settings(**given: Any) -> Settings:  # noqa: ANN401
    """Read the settings.

    Args:
        given: Values from the command line, by the setting's name; ``None`` means not given.

    Raises:
        BadSetting: In one line: where it was set, what is wrong, what would be right.
    """
    given = {name: value for name, value in given.items() if value is not None}
    file, path = _read_config()
    origins = dict.fromkeys(file, str(path))
    origins |= {n: v for n in Settings.model_fields if os.environ.get(v := _variable(n))}
    origins |= dict.fromkeys(given, "command line")
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise BadSetting("; ".join(_fault(fault, origins) for fault in error.errors())) from None
    settings._origins.update(origins)
    return settings


def list_settings(settings: Settings) -> list[SettingShown]:
    """Every setting with its value and where that came from, in the order of this file."""
    return [
        SettingShown(
            name=name,
            variable=_variable(name),
            value=_show(name, getattr(settings, name)),
            origin=settings._origins.get(name, "default"),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def unknown_variables() -> list[str]:
    """Environment variables that look like ours and mean nothing: misspelt, most likely."""
    known = {CONFIG_VARIABLE, *map(_variable, Settings.model_fields)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def mask_password(url: str) -> str:
    """The address of a database, fit to be shown."""
    return PASSWORD.sub(r"\1:***", url)


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _show(name: str, value: Any) -> str:  # noqa: ANN401
    if value is None:
        return "unset"
    if name == "memory":
        return show_size(value)
    if name in SECRET - {"database_url"}:
        return "***"
    return mask_password(value) if name == "database_url" else str(value)


def _read_config() -> tuple[dict[str, Any], Path]:
    """The settings in the file, and the file; empty if there is none.

    Paths in the file are relative to the file, so that it means the same wherever one stands.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    path = Path(named or CONFIG_NAME).expanduser().absolute()
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except FileNotFoundError:
        if named is None:
            return {}, path
        raise BadSetting(f"{CONFIG_VARIABLE} names this file, which does not exist", path) from None
    except OSError as error:
        raise BadSetting(f"cannot be read: {error.strerror}", path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"is not valid TOML: {error}", path) from None
    if isinstance(values.get("home"), str):
        values["home"] = path.parent / Path(values["home"]).expanduser()
    return values, path


def _fault(fault: ErrorDetails, origins: dict[str, str]) -> str:
    """One of pydantic's findings in a registrar's words."""
    name = str(fault["loc"][0])
    where = origins.get(name, "default")
    where = where if where == _variable(name) else f"{where}: {name}"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        return f"{where} is no setting" + (f"; did you mean {near[0]}?" if near else "")
    message = str(fault["msg"]).removeprefix("Value error, ")
    said = (
        name in ("database_url", "review_oidc_secret", "notify") or repr(fault["input"]) in message
    )
    return f"{where}: {message}" if said else f"{where}={fault['input']}: {message}"
