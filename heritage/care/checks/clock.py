"""Clocks: leases end by the clock of whoever looks, so all clocks of a site must agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from heritage.care.checks.findings import Finding, sound, wrong

TOLERANCE = timedelta(seconds=5)
"""Apart so far, two machines still mean the same moment; a lease lasts two minutes."""

Clock = Callable[[], datetime]


def now() -> datetime:
    """What time it is on this machine, in UTC."""
    return datetime.now(UTC)


def compare(whose: str, before: datetime, theirs: datetime, after: datetime) -> Finding:
    """Whether another machine's clock agrees with this one's.

    Args:
        whose: The other machine.
        before: The time here when it was asked.
        theirs: What it answered.
        after: The time here when the answer had come.
    """
    apart = theirs - (before + (after - before) / 2)
    seconds = abs(apart.total_seconds())
    if abs(apart) <= TOLERANCE + (after - before) / 2:
        return sound("clocks", f"{whose} and this machine are {seconds:.1f} s apart")
    side = "ahead of" if apart > timedelta() else "behind"
    return wrong(
        "clocks",
        f"{whose} is {seconds:.0f} s {side} this machine, and leases on work end by the clock",
        "set both by the same time server (timedatectl set-ntp true)",
    )
