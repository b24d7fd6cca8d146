"""``restore_image``: one master through its tasks; paths and numbers travel, never pixels."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, task

from flows.detection import propose_mask
from flows.faults import PATIENT
from flows.pace import run_in_tasks
from flows.progress import COMPOSING, INPAINTING, PREPARING, Progress, tell
from flows.records import catalogue, record_begin, record_finish, recorded
from flows.report import Fate, Outcome
from flows.share import work
from flows.slots import device_slot
from flows.watched import amount
from heritage.care.leases import restoring, tenure_of
from heritage.care.stages import stage
from heritage.damage.masks import find_mask, open_mask
from heritage.errors import HeritageError, NothingToRestore
from heritage.restore.options import Options
from heritage.restore.workload import Load, loads

if TYPE_CHECKING:
    from heritage.restore.job import Job
    from heritage.restore.restoration import Restoration


@dataclass(frozen=True)
class Prepared:
    """A restoration that has been begun.

    Attributes:
        folder: Its work folder.
        result: Where its files will be.
        number: Its number in the catalogue.
        stages: Batches to be computed, by scale.
        loads: How much work each batch of the plan is, by its number.
        done: Nothing is left to do.
    """

    folder: Path
    result: Path
    number: int
    stages: tuple[tuple[int, ...], ...]
    loads: tuple[Load, ...]
    done: bool

    def left(self) -> Load:
        """All that is still to be computed."""
        return sum((self.loads[n] for stage in self.stages for n in stage), Load())


# The locks of the restorations that this process has begun and not ended, by work folder.
_locks: dict[Path, ExitStack] = {}


@task(name="prepare", task_run_name="prepare {source.name}", **PATIENT)
def prepare_master(
    source: Path,
    output: Path,
    mask: Path | None,
    model: str | None,
    device: str,
    options: Options,
    name: str | None,
    proposal: dict[str, Any] | None = None,
) -> Prepared:
    """Hash, inspect, import the mask, plan, record; or find what an interrupted run left."""
    from heritage.restore.prepare import prepare

    with work(), stage("prepare", source), ExitStack() as stack:
        tell(Progress(source, PREPARING))
        job = stack.enter_context(
            prepare(source, mask, model, output, options=options, name=name, proposal=proposal)
        )
        with catalogue() as open_:
            number, recorded = record_begin(open_, job, mask, device, proposal is not None)
            if job.done and not recorded:
                from heritage.restore.restoration import read_restoration

                record_finish(open_, number, read_restoration(job.result, job.master))
        stages = () if job.done else tuple(tuple(stage) for stage in job.stages())
        _locks[job.folder] = stack.pop_all()
        return Prepared(job.folder, job.result, number, stages, _loads(job), job.done)


def _loads(job: Job) -> tuple[Load, ...]:
    if job.plan is None:
        return ()
    with open_mask(job.mask) as mask:
        return loads(job.plan, mask, job.regions)


@task(name="inpaint", task_run_name="inpaint batches {batches}", **PATIENT)
def inpaint(
    source: Path, folder: Path, batches: list[int], device: str, parts: list[Load], sofar: Progress
) -> None:
    """Fill a few batches of windows; each is on disk before it is counted.

    Args:
        source: The master.
        folder: The work folder.
        batches: Numbers of batches.
        device: Where they run.
        parts: How much work each of them is.
        sofar: How far the master was before.
    """
    from heritage.restore.batches import run_batches
    from heritage.restore.paces import learn

    load = dict(zip(batches, parts, strict=True))

    def count(batch: int) -> None:
        nonlocal sofar
        sofar = sofar.further(load[batch].damaged, load[batch].regions)
        tell(sofar)

    with work():
        tell(sofar)
        with (
            device_slot(device),
            stage("inpaint", source, amount(parts)),
            learn(folder, device, sum(parts, Load())),
        ):
            run_batches(folder, batches, device, count)


@task(name="finish", task_run_name="finish {source.name}", **PATIENT)
def finish_master(source: Path, folder: Path, number: int) -> Outcome:
    """Blend, compose, verify, put the result under its name, record."""
    from heritage.restore import finish

    with work(), stage("finish", source):
        tell(Progress(source, COMPOSING))
        _require_lease(source)
        restoration = finish(
            folder, lambda done, total: tell(Progress(source, COMPOSING, done, total))
        )
        _require_lease(source)
        with catalogue() as open_:
            record_finish(open_, number, restoration)
        return _outcome(source, restoration, Fate.RESTORED)


def _require_lease(source: Path) -> None:
    """Go on only if nobody else has taken the master up, where leases are given at all."""
    tenure = tenure_of(restoring(source))
    if tenure is not None:
        tenure.require()


@flow(name="restore_image", flow_run_name="restore {source.name}", persist_result=False)
def restore_image(
    source: Path,
    output: Path,
    mask: Path | None = None,
    model: str | None = None,
    device: str = "auto",
    memory: int = 2 << 30,
    batch: int | None = None,
    grain: bool = True,
    name: str | None = None,
    detect: bool = True,
    policy: str = "painting",
) -> Outcome:
    """Restore one master where its mask says, and nowhere else.

    Args:
        source: The master, an archival TIFF. It is only read.
        output: Folder that receives NAME/ with the restored file, mask, layer and provenance.
        mask: Non-zero where to restore; by default NAME.mask.tif or .png beside the master.
        model: Inpainter by its name in `heritage models`; by default the default one.
        device: Where it runs: auto, cpu, cuda, cuda:1, mps or xpu.
        memory: Bytes that the restoration may use.
        batch: Windows a model sees at once; by default as many as suit the device.
        grain: Whether fills get the grain of their surroundings.
        name: NAME; by default the master's file name.
        detect: Whether a master without a mask is searched for damage; what is found is proposed.
        policy: What of that is filled: painting, mural, manuscript, print or photograph.

    Returns:
        What became of it. A master in which nothing is to be filled is left alone, which is no
        failure.

    Raises:
        HeritageError: One of its kinds; it is on record in the catalogue.
    """
    number: int | None = None
    folder: Path | None = None
    options = Options(memory=memory, batch=batch, grain=grain)
    try:
        facts = None
        if detect and mask is None and find_mask(source) is None:
            found = propose_mask(source, output, name, policy, memory)
            if found.nothing:
                return Outcome(source, Fate.LEFT_ALONE, found.nothing)
            mask, facts = found.mask, found.facts
        begun = prepare_master(source, output, mask, model, device, options, name, facts)
        number, folder = begun.number, begun.folder
        if begun.done:
            return _already(source, begun.result)
        _fill(source, begun, device)
        return finish_master(source, begun.folder, begun.number)
    except NothingToRestore as nothing:
        return Outcome(source, Fate.LEFT_ALONE, nothing.reason)
    except HeritageError as error:
        tenure = tenure_of(restoring(source))
        if tenure is not None and tenure.lost:
            raise  # whoever has taken it up records how it ends
        with work():
            known = recorded(error, source, number)
        raise known from error.__cause__
    finally:
        if folder is not None:
            _locks.pop(folder, ExitStack()).close()


def _fill(source: Path, begun: Prepared, device: str) -> None:
    """All batches, a task's worth at a time."""
    left, whole = begun.left(), sum(begun.loads, Load())
    done = whole.regions - left.regions
    sofar = Progress(source, INPAINTING, 0, left.damaged, done, whole.regions)

    def run(batches: list[int]) -> None:
        nonlocal sofar
        parts = [begun.loads[number] for number in batches]
        inpaint(source, begun.folder, batches, device, parts, sofar)
        together = sum(parts, Load())
        sofar = sofar.further(together.damaged, together.regions)

    run_in_tasks(begun.stages, run)


def _already(source: Path, result: Path) -> Outcome:
    from heritage.restore.restoration import read_restoration

    with work():
        return _outcome(source, read_restoration(result, source, skipped=True), Fate.ALREADY)


def _outcome(source: Path, restoration: Restoration, fate: Fate) -> Outcome:
    return Outcome(
        source=source,
        fate=fate,
        folder=restoration.folder,
        restored=restoration.restored,
        model=restoration.model,
        regions=restoration.regions,
        damaged_pixels=restoration.damaged_pixels,
        share=restoration.share,
        seconds=restoration.seconds,
        remark=restoration.reencoded or "",
    )
