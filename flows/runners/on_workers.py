"""Masters on Prefect's work pool: in shares, each a run of its own on whichever worker is free.

Prefect says that a run has begun and ended. Whether somebody is still at it the catalogue knows: a
share whose worker holds no lease any more and says nothing is given to another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
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
        for share in list(self.under_way):
            assert share.run is not None
            run = self.client.read_flow_run(share.run)
            if run.state is not None and run.state.is_final():
                self.under_way.remove(share)
                yield from self._outcomes(share, run.state)
            elif self._is_lost(share, run):
                lost: State[Any] = Crashed(message="nothing was heard of its worker any more")
                self.client.set_flow_run_state(share.run, lost, force=True)

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

    def _is_lost(self, share: Share, run: FlowRun) -> bool:
        """Whether a run that is said to run has had no lease for longer than one lasts."""
        if run.state is None or not run.state.is_running():
            return False
        with open_custody(self.settings) as custody:
            at_work = custody.held(map(self.about, share.sources))
        if at_work:
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
        for sources in shares_of([master.source for master in masters]):
            spreading.give_out(Share(sources))
        while spreading.under_way:
            with work():
                time.sleep(pause)
            yield from spreading.ended()


def shares_of(sources: list[Path]) -> list[list[Path]]:
    """Masters in shares of about equal number, neighbours together."""
    size = max(1, min(LARGEST, len(sources) // SHARES))
    return [sources[start : start + size] for start in range(0, len(sources), size)]
