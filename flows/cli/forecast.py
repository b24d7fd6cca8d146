"""``heritage restore --dry-run``: what each master would take, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.answers import console, percent, say_table
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import HeritageError, NothingToRestore
from heritage.remote.address import shown
from heritage.restore.forecast import Forecast, Forecaster
from heritage.restore.storage import megabytes

if TYPE_CHECKING:
    from heritage.settings import Settings


SEARCHED = "has no mask; it would be searched for damage, and only that says what there is to do"
ELSEWHERE = "a dry run looks at files on this machine only; `heritage inspect` looks at URLs"


@dataclass(frozen=True)
class Prospect:
    """One master: what is to be expected of it, or why nothing is.

    Attributes:
        source: Its file.
        status: ``would be restored``, ``already restored``, ``left alone`` or ``would fail``.
        reason: Why it would not be restored; empty if it would.
        forecast: What is to be expected; None where it would not be restored.
    """

    source: Path
    status: str
    reason: str = ""
    forecast: Forecast | None = None

    @property
    def is_done(self) -> bool:
        """Whether its restoration would be there afterwards."""
        return self.forecast is not None

    def to_json(self) -> dict[str, Any]:
        """Fields for a JSON answer."""
        said = {"source": shown(self.source), "status": self.status}
        if self.forecast is None:
            return said | {"reason": self.reason}
        fields = self.forecast.to_json()
        return said | {name: value for name, value in fields.items() if name != "done"}


def look_ahead(
    sources: list[Path],
    output: Path,
    settings: Settings,
    mask: Path | None = None,
    grain: bool = True,
) -> list[Prospect]:
    """What ``restore`` with the same arguments would do to each master.

    Raises:
        UnknownModel: If there is no such inpainter.
    """
    from flows.sources import find_masters
    from heritage.remote.address import is_remote
    from heritage.restore.names import plan_names
    from heritage.restore.options import Options

    options = Options(memory=settings.memory, batch=settings.batch, grain=grain)
    forecaster = Forecaster(settings.model, settings.device, options)
    found = find_masters(sources, leave_out=(output, settings.home))
    prospects = [Prospect(fault.source, "would fail", fault.reason) for fault in found.refused]
    for master in plan_names(found.masters, output):
        if master.name is None:
            reason = master.reason or "cannot be named"
            prospects.append(Prospect(master.source, "would fail", reason))
        elif any(is_remote(place) for place in (master.source, output, mask or "")):
            prospects.append(Prospect(master.source, "would fail", ELSEWHERE))
        else:
            prospects.append(
                _prospect(forecaster, master.source, mask, output, master.name, settings.detect)
            )
    return prospects


def _prospect(
    forecaster: Forecaster, source: Path, mask: Path | None, output: Path, name: str, detect: bool
) -> Prospect:
    try:
        forecast = forecaster.forecast(source, mask, output, name)
    except NothingToRestore as nothing:
        reason = SEARCHED if detect and mask is None else nothing.reason
        return Prospect(source, "left alone", reason)
    except HeritageError as error:
        return Prospect(source, "would fail", error.reason)
    status = "already restored" if forecast.done else "would be restored"
    return Prospect(source, status, forecast=forecast)


def verdict(prospects: list[Prospect]) -> int:
    """The exit status: 0 all would be done, 1 some would fail, 3 nothing would be done."""
    if not any(prospect.is_done for prospect in prospects):
        return NOTHING_DONE
    failing = any(prospect.status == "would fail" for prospect in prospects)
    return SOME_FAILED if failing else ALL_DONE


def answer(prospects: list[Prospect]) -> dict[str, Any]:
    """What a script reads."""
    forecasts = [one.forecast for one in prospects if one.forecast is not None]
    return {
        "dry_run": True,
        "masters": [prospect.to_json() for prospect in prospects],
        "seconds": round(sum(forecast.seconds for forecast in forecasts), 2),
        "memory": max((forecast.memory for forecast in forecasts), default=0),
        "disk": sum(forecast.disk for forecast in forecasts),
    }


def report(prospects: list[Prospect]) -> None:
    """What a person reads."""
    ahead = [one.forecast for one in prospects if one.forecast and not one.forecast.done]
    if ahead:
        say_table(
            ("master", "regions", "damaged", "of the picture", "windows", "levels", "megapixels",
             "batch", "time", "memory", "disk"),
            (_row(forecast) for forecast in ahead),
        )  # fmt: skip
        total = duration(sum(forecast.seconds for forecast in ahead))
        console().print(f"{len(ahead)} to be restored in about {total}; nothing was written.")
    for forecast in ahead:
        if forecast.begun:
            console().print(f"{forecast.source}: was begun before; what is done counts as to do")
    for prospect in prospects:
        if prospect.status != "would be restored":
            failing = prospect.status == "would fail"
            words = f"{shown(prospect.source)}: {prospect.status}"
            words += f": {prospect.reason}" if prospect.reason else ""
            console(stderr=failing).print(f"heritage: {words}" if failing else words)
    if not prospects:
        console(stderr=True).print("heritage: no TIFF there that could be a master")


def _row(forecast: Forecast) -> tuple[object, ...]:
    return (
        forecast.source.name,
        forecast.regions,
        f"{forecast.damaged_pixels:,}",
        percent(forecast.share),
        forecast.windows,
        forecast.levels,
        forecast.megapixels,
        forecast.batch,
        duration(forecast.seconds),
        megabytes(forecast.memory),
        megabytes(forecast.disk),
    )


def duration(seconds: float) -> str:
    """A time for people, no more exact than a forecast is."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
