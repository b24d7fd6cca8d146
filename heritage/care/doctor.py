"""All that is looked at to say how an installation stands."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from heritage.care.checks.catalogue import begun_in, check_catalogue
from heritage.care.checks.clock import Clock, now
from heritage.care.checks.device import check_device
from heritage.care.checks.disk import check_space, check_speed
from heritage.care.checks.findings import Finding
from heritage.care.checks.leftovers import check_leftovers
from heritage.care.checks.server import Door, check_server
from heritage.settings import Settings

Check = Callable[[], list[Finding]]


def examine(settings: Settings, door: Door | None = None, clock: Clock = now) -> list[Finding]:
    """Look at everything, side by side; nothing is made or changed.

    Args:
        settings: Of the site.
        door: Of Prefect's server; None: there is none of the site's.
        clock: What time it is here.

    Returns:
        Findings, always in the same order.
    """
    checks: list[Check] = [
        lambda: check_device(settings),
        lambda: [check_space(settings.home), *check_speed(settings.home)],
        lambda: check_catalogue(settings, clock),
        lambda: [] if door is None else check_server(door, clock),
        lambda: check_leftovers(settings, begun_in(settings), clock().timestamp()),
    ]
    with ThreadPoolExecutor(len(checks), "doctor") as looking:
        return [
            finding for found in looking.map(lambda check: check(), checks) for finding in found
        ]
