"""Prefect's server: whether it answers, is ours to use, has workers, and what waits too long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

import httpx

from heritage.care.checks.clock import Clock, compare, now
from heritage.care.checks.findings import PATIENCE, Finding, notice, some, sound, wrong
from heritage.settings import mask_password

NEARBY = ("127.0.0.1", "localhost", "::1")
"""Who is on this machine anyway may ask without a password."""


@dataclass(frozen=True)
class Door:
    """Where the server is, and how one comes in.

    Attributes:
        url: Of its interface, ending in ``/api``.
        pool: The work pool that our workers poll.
        auth: ``USER:PASSWORD``, as ``PREFECT_API_AUTH_STRING`` has it.
        key: As ``PREFECT_API_KEY`` has it.
        seconds: How long all questions together may take.
    """

    url: str
    pool: str
    auth: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    seconds: float = PATIENCE

    @property
    def shown(self) -> str:
        """The address, fit to be shown."""
        return mask_password(self.url)


class _Asking:
    """Questions to one server, all within one deadline."""

    def __init__(self, door: Door, http: httpx.Client) -> None:
        self._door, self._http = door, http
        self._end = time.monotonic() + door.seconds

    def ask(self, method: str, path: str, json: Any = None, open_: bool = False) -> httpx.Response:  # noqa: ANN401
        """One answer, whatever its status.

        Raises:
            httpx.HTTPError: If none comes in time.
        """
        left = max(self._end - time.monotonic(), 0.05)
        headers = {} if open_ or self._door.key is None else {"Authorization": self._key()}
        auth = None if open_ or self._door.auth is None else self._pair()
        url = f"{self._door.url.rstrip('/')}{path}"
        return self._http.request(
            method, url, json=json, headers=headers, auth=auth, timeout=left
        )  # fmt: skip

    def _key(self) -> str:
        return f"Bearer {self._door.key}"

    def _pair(self) -> tuple[str, str]:
        user, _, password = (self._door.auth or "").partition(":")
        return user, password


def check_server(door: Door, clock: Clock = now) -> list[Finding]:
    """Look at the server that flows report to.

    Args:
        door: Where it is.
        clock: What time it is here.
    """
    try:
        with httpx.Client() as http:
            return _look(_Asking(door, http), door, clock)
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
        return [
            wrong(
                "Prefect", f"{door.shown} answers, but not as Prefect does",
                "see that its address is right and ends in /api",
            )
        ]  # fmt: skip
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        return [
            wrong(
                "Prefect", f"{door.shown} does not answer ({reason})",
                "start it (heritage serve, or prefect server start), or unset its address",
            )
        ]  # fmt: skip


def _look(asking: _Asking, door: Door, clock: Clock) -> list[Finding]:
    before = clock()
    answer = asking.ask("GET", "/admin/version")
    clocks = _clocks(answer.headers, before, clock())
    if answer.status_code in (401, 403):
        return [
            wrong(
                "Prefect", f"{door.shown} does not let us in",
                "set PREFECT_API_AUTH_STRING to what the server has as "
                "PREFECT_SERVER_API_AUTH_STRING",
            ),
            *clocks,
        ]  # fmt: skip
    answer.raise_for_status()
    said = [_version(str(answer.json()), door.shown), *_openness(asking, door, answer), *clocks]
    return [*said, *_workers(asking, door)]


def _version(theirs: str, url: str) -> Finding:
    """Client and server of one version know the same of each other."""
    ours = version("prefect")
    if theirs == ours:
        return sound("Prefect", f"{theirs} at {url}")
    return wrong(
        "Prefect",
        f"the server at {url} is {theirs}, this program has {ours}",
        f"run the same on both: pip install prefect=={ours}",
    )


def _openness(asking: _Asking, door: Door, answer: httpx.Response) -> list[Finding]:
    """Whether a server that others reach asks for a password."""
    if answer.request.url.host in NEARBY:
        return []
    if asking.ask("GET", "/admin/version", open_=True).status_code != 200:
        return []
    return [
        notice(
            "Prefect", f"{door.shown} asks nobody for a password, and who reaches it can run flows",
            "set PREFECT_SERVER_API_AUTH_STRING where it runs (docs/deployment.md)",
        )
    ]  # fmt: skip


def _clocks(headers: Mapping[str, str], before: datetime, after: datetime) -> list[Finding]:
    """By the hour that every answer carries, to the second."""
    said = headers.get("date")
    if said is None:
        return []
    try:
        theirs = parsedate_to_datetime(said)
    except ValueError:
        return []
    return [compare("Prefect's server", before, theirs.astimezone(UTC), after)]


def _workers(asking: _Asking, door: Door) -> list[Finding]:
    """Who polls our pool, and what should have begun and has not."""
    answer = asking.ask("POST", f"/work_pools/{door.pool}/workers/filter", {})
    if answer.status_code == 404:
        return [
            wrong(
                "workers", f"Prefect has no work pool {door.pool!r}",
                "make our flows known to it: python -m flows.operations.deployed",
            )
        ]  # fmt: skip
    answer.raise_for_status()
    online = sorted(one["name"] for one in answer.json() if one["status"] == "ONLINE")
    return [_present(online, len(answer.json()), door.pool), *_late(asking, door.pool, online)]


def _present(online: list[str], known: int, pool: str) -> Finding:
    if online:
        return sound("workers", f"{len(online)} online: {some(online)}")
    silent = f"; {known} were heard of before" if known else ""
    return wrong(
        "workers",
        f"none is online in the pool {pool!r}{silent}",
        f"start one: prefect worker start --type process --pool {pool}",
    )


def _late(asking: _Asking, pool: str, online: list[str]) -> list[Finding]:
    asked = {
        "flow_runs": {"state": {"name": {"any_": ["Late"]}}},
        "work_pools": {"name": {"any_": [pool]}},
    }
    answer = asking.ask("POST", "/flow_runs/count", asked)
    answer.raise_for_status()
    late = int(answer.json())
    if not late:
        return []
    do = "the workers are busy: wait, or add one" if online else "start a worker"
    return [notice("late runs", f"{late} should have begun and have not", do)]
