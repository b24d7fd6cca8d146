"""Masters on Prefect's work pool: in shares, each a run of its own on whichever worker is free.

Prefect says that a run has begun and ended. Whether somebody is still at it the catalogue knows: a
share whose worker holds no lease any more and says nothing is given to another one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.operations.names import RESTORE_SHARE, deployment_of
from flows.report import Fate, Outcome
from flows.share import work
from heritage.care.custody import open_custody
from heritage.care.leases import LENGTH
from heritage.errors import BadSetting
from heritage.remote.address import shown
from heritage.restore.names import NamedSource
from heritage.settings import Settings

POLL_SECONDS = 2.0
LARGEST = 16
"""Masters of a share: what a worker takes at once, so that a thousand masters are 63 runs."""

SHARES = 64
"""Into so many shares a collection is divided, as far as it goes, so that all workers end
together."""

TOGETHER = 128
"""Shares that are given out at the same time; Prefect answers for two hundred runs at once."""

ATTEMPTS = 3
"""How often a share is given out whose worker was lost."""


@dataclass
class Share:
    """Some masters and the run that has them.

    Attributes:
        sources: The masters.
        run: Prefect's number of the run.
        attempts: How often it was given out.
        silent_since: When (``time.monotonic``) it was last without a lease while running.
    """

    sources: list[Path]
    run: UUID | None = None
    attempts: int = 0
    silent_since: float | None = None


@dataclass
class Spreading:
    """A collection under way on other workers.

    Args:
        settings: Of the site.
        about: What a lease on a master is about.
        parameters: Of the runs, but for ``sources``.
        client: Prefect's.
    """

    settings: Settings
    about: Callable[[Path], str]
    parameters: dict[str, Any]
    client: SyncPrefectClient
    under_way: list[Share] = field(default_factory=list)

    def give_out(self, share: Share) -> None:
        """Ask for a run of a share."""
        asked = self.parameters | {"sources": [str(source) for source in share.sources]}
        try:
            run: Any = run_deployment(deployment_of(RESTORE_SHARE), parameters=asked, timeout=0)
        except ObjectNotFound:
            raise BadSetting(
                "Prefect's server does not know our flows; deploy them: "
                "python -m flows.operations.deployed"
            ) from None
        share.run, share.silent_since = run.id, None
        share.attempts += 1
        self.under_way.append(share)

    def ended(self) -> Iterator[Outcome]:
        """What became of the masters of runs that have ended since."""
        known, at_work = self._runs(), self._at_work()
        for share in list(self.under_way):
            assert share.run is not None
            state = known[share.run].state if share.run in known else None
            if state is None:
                continue
            if state.is_final():
                self.under_way.remove(share)
                yield from self._outcomes(share, state)
            elif self._is_lost(share, state, at_work):
                lost: State[Any] = Crashed(message="nothing was heard of its worker any more")
                self.client.set_flow_run_state(share.run, lost, force=True)

    def _runs(self) -> dict[UUID, FlowRun]:
        """All runs of shares, asked for at once."""
        numbers = [share.run for share in self.under_way if share.run is not None]
        asked = FlowRunFilter(id=FlowRunFilterId(any_=numbers))
        return {run.id: run for run in self.client.read_flow_runs(flow_run_filter=asked)}

    def _at_work(self) -> set[str]:
        """On which masters somebody is at work."""
        sources = [source for share in self.under_way for source in share.sources]
        with open_custody(self.settings) as custody:
            return custody.held(map(self.about, sources))

    def _outcomes(self, share: Share, state: State[Any]) -> Iterator[Outcome]:
        """What the run has told; what it has not is given out again."""
        assert share.run is not None
        told = {shown(outcome.source): outcome for outcome in self._told(share.run)}
        yield from told.values()
        left = [source for source in share.sources if shown(source) not in told]
        if not left:
            return
        if state.is_crashed() and share.attempts < ATTEMPTS:
            self.give_out(Share(left, attempts=share.attempts))
            return
        reason = " ".join(f"its run ended as {state.name}: {state.message or ''}".split())
        yield from (Outcome(source, Fate.FAILED, reason) for source in left)

    def _told(self, run: UUID) -> Iterator[Outcome]:
        """The table that a run leaves."""
        asked = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        for artifact in self.client.read_artifacts(artifact_filter=asked):
            if artifact.key == "restored" and isinstance(artifact.data, str):
                yield from Outcome.list_from_table(artifact.data)

    def _is_lost(self, share: Share, state: State[Any], at_work: set[str]) -> bool:
        """Whether some worker has taken a share up, and for twice a lease nobody was at it."""
        taken_up = state.is_running() or state.is_pending()
        if not taken_up or any(self.about(source) in at_work for source in share.sources):
            share.silent_since = None
            return False
        now = time.monotonic()
        share.silent_since = share.silent_since or now
        return now - share.silent_since > 2 * LENGTH.total_seconds()


def spread_on_workers(
    masters: list[NamedSource],
    about: Callable[[Path], str],
    settings: Settings,
    parameters: dict[str, Any],
    pause: float = POLL_SECONDS,
) -> Iterator[Outcome]:
    """What became of masters, as the runs that have them end.

    Args:
        masters: Those to be restored.
        about: What a lease on a master is about.
        settings: Of the site.
        parameters: Of ``restore_collection``, but for ``sources``.
        pause: Seconds between looks.

    Raises:
        BadSetting: If the flows are not deployed.
    """
    with get_client(sync_client=True) as client:
        spreading = Spreading(settings, about, parameters, client)
        waiting = deque(shares_of([master.source for master in masters]))
        while waiting or spreading.under_way:
            while waiting and len(spreading.under_way) < TOGETHER:
                spreading.give_out(Share(waiting.popleft()))
            with work():
                time.sleep(pause)
            yield from spreading.ended()


def shares_of(sources: list[Path]) -> list[list[Path]]:
    """Masters in shares of about equal number, neighbours together."""
    size = max(1, min(LARGEST, len(sources) // SHARES))
    return [sources[start : start + size] for start in range(0, len(sources), size)]
