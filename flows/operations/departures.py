"""Runs that nobody carries on any more: to Prefect a lost machine looks busy.

A worker reports how its runs end. Where the worker is lost, its runs are shown as running, or about
to, for ever, and keep the places of others. Of the runs of this machine the system knows whether
their process is there; of the others the catalogue does, where every run holds a lease.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flows.operations.names import POOL
from flows.operations.server import asking
from heritage.care.custody import open_custody
from heritage.care.leases import FLOW_RUN, is_alive, is_gone
from heritage.settings import Settings

TAKEN_UP = ("PENDING", "RUNNING", "CANCELLING")
PENDING_AT_MOST = timedelta(hours=1)
"""A worker that has taken up a run starts it within seconds, or never."""

NAMELESS_AT_MOST = timedelta(minutes=2)
"""A worker puts its name to a run right after it has taken it up, or was lost in between."""

Run = dict[str, Any]


class Departures:
    """Tells Prefect's server of runs whose process is gone.

    Args:
        settings: Of the site.
        address: Of the server.
        worker: The name of this machine's worker; None: only the catalogue is asked.
    """

    def __init__(self, settings: Settings, address: str | None, worker: str | None = None) -> None:
        self._settings, self._address, self._worker = settings, address, worker
        self._suspects: set[str] = set()

    def report(self, down: bool = False) -> list[str]:
        """Look once.

        A worker that lives reports the end of its runs itself, so a process that is gone is only
        reported when it was gone the last time as well.

        Args:
            down: Whether the worker is down: then what it had is gone with it.

        Returns:
            Names of the runs that are shown as crashed from now on.

        Raises:
            ServerUnreachable: If the server cannot be asked.
            CatalogueRefused: If the catalogue cannot.
        """
        with asking(self._address) as http:
            asked = {
                "flow_runs": {"state": {"type": {"any_": TAKEN_UP}}},
                "work_pools": {"name": {"any_": [POOL]}},
            }
            runs: list[Run] = http.post("/flow_runs/filter", json=asked).raise_for_status().json()
            gone = self._gone(runs, down)
            for run in gone:
                state = {
                    "type": "CRASHED", "name": "Crashed",
                    "message": "nothing was heard of it any more",
                }  # fmt: skip
                path = f"/flow_runs/{run['id']}/set_state"
                http.post(path, json={"state": state, "force": True}).raise_for_status()
        return [str(run["name"]) for run in gone]

    def _gone(self, runs: list[Run], down: bool) -> list[Run]:
        mine = [run for run in runs if self._worker is not None and self._worker == _worker(run)]
        dead = {run["id"] for run in mine if not _process_lives(run, down)}
        sure = dead if down else dead & self._suspects
        self._suspects = dead - sure
        old = {run["id"] for run in runs if run not in mine and _waits_too_long(run)}
        departed = sure | old | self._abandoned(runs)
        return [run for run in runs if run["id"] in departed]

    def _abandoned(self, runs: list[Run]) -> set[str]:
        """Those whose lease ended and was not given back."""
        if not runs:
            return set()
        about = {f"{FLOW_RUN}{run['id']}": str(run["id"]) for run in runs}
        with open_custody(self._settings) as custody:
            return {about[one] for one in custody.abandoned(about, is_gone)}


def _worker(run: Run) -> str | None:
    name = (run.get("labels") or {}).get("prefect.worker.name")
    return None if name is None else str(name)


def _process_lives(run: Run, down: bool) -> bool:
    """Whether a run of this machine has a process, or may still get one."""
    pid = str(run.get("infrastructure_pid") or "")
    if pid.isdigit():
        return is_alive(int(pid))
    return not down and not _waits_too_long(run)


def _waits_too_long(run: Run) -> bool:
    if run["state"]["type"] != "PENDING":
        return False
    nameless = _worker(run) is None and not run.get("infrastructure_pid")
    since = datetime.fromisoformat(str(run["state"]["timestamp"]))
    return datetime.now(UTC) - since > (NAMELESS_AT_MOST if nameless else PENDING_AT_MOST)
