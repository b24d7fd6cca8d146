"""Searching masters for damage: the task that proposes a mask where a person has given none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task

from flows.faults import PATIENT
from flows.progress import SEARCHING, Progress, tell
from flows.share import work
from heritage.care.stages import stage


@dataclass(frozen=True)
class Found:
    """What a search proposes.

    Attributes:
        mask: What is to be filled.
        regions: Regions of damage.
        filled: Of these, to be filled.
        policy: By which policy.
        facts: What the provenance says of it.
    """

    mask: Path
    regions: int
    filled: int
    policy: str
    facts: dict[str, Any]

    @property
    def nothing(self) -> str:
        """Why there is nothing to be filled; empty where there is."""
        if self.filled:
            return ""
        if not self.regions:
            return "no damage found; give a mask if there is some"
        return (
            f"damage found in {self.regions} places and documented in {self.mask.parent}, "
            f"none of it to be filled under the policy {self.policy}"
        )


def found_folder(output: Path, name: str) -> Path:
    """Where the files of a search lie, beside the folder of the restoration."""
    return output / f"{name}.found"


@task(name="detect", task_run_name="detect {source.name}", **PATIENT)
def propose_mask(source: Path, output: Path, name: str | None, policy: str, memory: int) -> Found:
    """Search a master and decide what of the damage is to be filled; found again if done before."""
    from heritage.damage.policy import find_policy, read_policies
    from heritage.damage.propose import propose
    from heritage.restore.names import restoration_name

    with work(), stage("detect", source):
        tell(Progress(source, SEARCHING))
        chosen = find_policy(read_policies(), policy)
        name = name or restoration_name(source)
        made = propose(
            source,
            found_folder(output, name),
            name,
            chosen,
            memory=memory,
            tell=lambda done, total: tell(Progress(source, SEARCHING, done, total)),
        )
        return Found(made.mask, made.found, made.filled, chosen.name, dict(made.facts))
