"""``restore-collection``: what the catalogue knows and nobody has restored yet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from flows.collection import Runner, collection_flow
from flows.operations.alarms import ALARMED
from flows.operations.alive import alive
from flows.operations.details import details
from flows.operations.names import RESTORE
from flows.report import Fate, Outcome
from heritage.care.custody import open_custody
from heritage.care.leases import TRIES
from heritage.care.notices import notify
from heritage.settings import load_settings

Policy = Literal["painting", "mural", "manuscript", "print", "photograph"]


def _run_name() -> str:
    chosen = flow_run.parameters
    return f"restore {chosen.get('folder') or 'all'} {chosen.get('search') or ''}".strip()


@flow(name=RESTORE, flow_run_name=_run_name, persist_result=False, **ALARMED)
def restore_chosen(
    folder: str = "",
    search: str = "",
    again: bool = False,
    limit: int = 1000,
    output: Path | None = None,
    model: str | None = None,
    policy: Policy | None = None,
    runner: Runner | None = None,
) -> dict[str, int]:
    """Restore masters of the catalogue that wait for it; one that fails stops no other.

    Args:
        folder: Only masters in this folder and below it; empty: all.
        search: Only masters with this in their accession number, title, maker or path.
        again: Those that are restored already as well (with another model, say).
        limit: At most so many.
        output: Folder that receives NAME/ for each; by default `restored` in the workspace.
        model: Inpainter by its name in `heritage models`; by default the setting `model`.
        policy: What kind of objects they are, which says what damage is filled.
        runner: Where: here, on a Dask cluster, or on the workers of Prefect's pool; by default the
            setting `runner`.

    Returns:
        How many were restored, left alone and failed.
    """
    settings = load_settings(model=model, policy=policy, runner=runner)
    target = output or settings.home / "restored"
    with open_custody(settings) as custody:
        masters = custody.unrestored(folder, search, again, limit)
    chosen = {
        name: getattr(settings, name)
        for name in ("model", "device", "memory", "batch", "detect", "policy")
    }
    log = get_run_logger()
    outcomes = []
    if masters:
        collection = collection_flow(settings.runner, settings)
        with alive():
            outcomes = collection(masters, target, runner=settings.runner, tries=TRIES, **chosen)
    for outcome in outcomes:
        log.info("%s: %s %s", outcome.source, outcome.fate.value, outcome.reason)
    summary = _summary(outcomes, settings.review_url)
    create_markdown_artifact(summary, key="restored-summary", description="How the run went.")
    if pictures := details(outcomes, settings):
        create_markdown_artifact(
            pictures, key="restored-details", description="The largest fills, before and after."
        )
    if outcomes:
        notify(settings, f"heritage: masters: {len(outcomes)}", summary)
    return {fate.value: sum(o.fate is fate for o in outcomes) for fate in Fate}


def _summary(outcomes: list[Outcome], room: str | None) -> str:
    """The run on one page, with the way to the worklist."""
    counted = Counter(outcome.fate.value for outcome in outcomes)
    lines = [f"**Masters: {len(outcomes)}**", ""]
    lines += [f"- {number} {fate}" for fate, number in sorted(counted.items())]
    faults = Counter(o.reason for o in outcomes if o.fate is Fate.FAILED)
    if faults:
        lines += ["", "Why masters failed:", ""]
        lines += [f"- {number} x {reason}" for reason, number in faults.most_common(20)]
    if room is not None:
        lines += ["", f"[What waits for review]({room.rstrip('/')}/worklist)"]
    return "\n".join(lines)
