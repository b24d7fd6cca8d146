"""What is counted and measured, by name: the one list that code, dashboard, alerts and docs follow.

Labels have few values, all known beforehand, so that a series never grows with the collection: no
file names, no numbers of restorations, no persons.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import StrEnum

from db.vocabulary import Soundness, Status
from heritage import errors

STAGES = ("prepare", "detect", "inpaint", "finish", "publish", "fetch", "send")
"""What is done to a master, in order."""

TASKS = ("prepare", "detect", "inpaint", "finish", "compose", "audit", "admit")
"""Tasks that are tried again after a bad moment of a disk or share."""

FATES = ("restored", "already restored", "left alone", "failed")
"""How an attempt at a master ends."""

UNEXPECTED, OTHER = "Unexpected", "Other"

KINDS = (
    *(
        name
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.HeritageError)
    ),
    UNEXPECTED,
    OTHER,
)
"""Why something failed or was refused: the error's kind."""

QUEUE = ("untried", "begun", "failed")
"""Masters that wait: nobody has begun; somebody has, or was stopped; the last attempt failed."""

WORKLIST = ("review", "signature", "publication")
"""What finished restorations wait for."""

LEASES = ("held", "lapsed")
"""Whether whoever works on something has been heard of in time."""

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
"""Upper bounds of the classes into which seconds of a stage fall."""


class Kind(StrEnum):
    """How Prometheus reads a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Measure:
    """One metric.

    Attributes:
        name: As it is scraped; a histogram's without ``_bucket``, ``_sum`` and ``_count``.
        kind: Counter, gauge or histogram.
        meaning: In one sentence, with the unit.
        label: The label's name; empty: it has none.
        values: What the label can be; empty: whatever devices there are.
    """

    name: str
    kind: Kind
    meaning: str
    label: str = ""
    values: tuple[str, ...] = ()


READY = Measure(
    "heritage_ready", Kind.GAUGE,
    "1 if the catalogue answers at the right revision and the workspace can be written, else 0.",
)  # fmt: skip
MASTERS = Measure("heritage_masters", Kind.GAUGE, "Masters on record.")
WAITING = Measure(
    "heritage_masters_waiting", Kind.GAUGE,
    "Masters that nobody has dealt with yet, by how far they have come: the queue.", "state", QUEUE,
)  # fmt: skip
RESTORATIONS = Measure(
    "heritage_restorations", Kind.GAUGE, "Restorations on record, by status.", "status",
    tuple(Status),
)  # fmt: skip
REGIONS = Measure(
    "heritage_restored_regions", Kind.GAUGE, "Regions filled in all finished restorations."
)
PIXELS = Measure(
    "heritage_restored_pixels", Kind.GAUGE,
    "Damaged pixels filled in all finished restorations.",
)  # fmt: skip
REFUSALS = Measure(
    "heritage_refusals", Kind.GAUGE,
    "Files that could not be taken up and still cannot, by the error's kind.", "kind", KINDS,
)  # fmt: skip
HELD = Measure(
    "heritage_leases", Kind.GAUGE,
    "What somebody works on: heard of in time (held) or not (lapsed).", "state", LEASES,
)  # fmt: skip
SET_ASIDE = Measure(
    "heritage_set_aside", Kind.GAUGE,
    "What was tried in vain so often that a person has to look at it.",
)  # fmt: skip
HOLDINGS = Measure(
    "heritage_holdings", Kind.GAUGE, "Files of the archive, by what the last audit found.",
    "state", tuple(Soundness),
)  # fmt: skip
WORKLIST_LENGTH = Measure(
    "heritage_worklist", Kind.GAUGE,
    "Finished restorations that wait for review, for the signature after it, or for their files.",
    "waits_for", WORKLIST,
)  # fmt: skip
UNDECIDED = Measure(
    "heritage_undecided_regions", Kind.GAUGE,
    "Regions on which nobody has decided, of restorations that await review.",
)  # fmt: skip
AUDITED = Measure(
    "heritage_last_audit_timestamp_seconds", Kind.GAUGE,
    "When the last audit ended, in seconds since 1970; 0: never.",
)  # fmt: skip
BACKED_UP = Measure(
    "heritage_last_backup_timestamp_seconds", Kind.GAUGE,
    "When the newest copy of the catalogue was made, in seconds since 1970; 0: never.",
)  # fmt: skip

STAGE_SECONDS = Measure(
    "heritage_stage_seconds", Kind.HISTOGRAM,
    "Seconds that a stage took, of those that were completed; of `inpaint` a task's worth.",
    "stage", STAGES,
)  # fmt: skip
FILLED_REGIONS = Measure(
    "heritage_filled_regions_total", Kind.COUNTER, "Regions whose last window was filled."
)
FILLED_PIXELS = Measure(
    "heritage_filled_pixels_total", Kind.COUNTER,
    "Damaged pixels filled; where windows overlap, and on coarser scales, they count anew.",
)  # fmt: skip
COMPUTED_PIXELS = Measure(
    "heritage_computed_pixels_total", Kind.COUNTER,
    "Pixels that models computed, context included.",
)  # fmt: skip
BATCHES = Measure("heritage_batches_total", Kind.COUNTER, "Batches of windows put on disk.")
RETRIES = Measure(
    "heritage_retries_total", Kind.COUNTER,
    "Tasks tried again after a bad moment of a disk or share.", "task", TASKS,
)  # fmt: skip
OUTCOMES = Measure(
    "heritage_outcomes_total", Kind.COUNTER, "Attempts at masters, by how they ended.", "fate",
    FATES,
)  # fmt: skip
FAILURES = Measure(
    "heritage_failures_total", Kind.COUNTER,
    "Attempts at masters that failed, by the error's kind.", "kind", KINDS,
)  # fmt: skip
DEVICE_MEMORY = Measure(
    "heritage_device_memory_peak_bytes", Kind.GAUGE,
    "Most memory that the process which filled windows last had on the device, in bytes.", "device",
)  # fmt: skip
PROCESSES = Measure(
    "heritage_processes", Kind.GAUGE,
    "Processes that have begun or ended a stage in the last five minutes.",
)  # fmt: skip

OF_THE_COLLECTION = (
    MASTERS, WAITING, RESTORATIONS, REGIONS, PIXELS, REFUSALS, HELD, SET_ASIDE, HOLDINGS,
    WORKLIST_LENGTH, UNDECIDED, AUDITED, BACKED_UP,
)  # fmt: skip
"""Facts that the catalogue and the backups tell."""

OF_WORK = (
    STAGE_SECONDS, FILLED_REGIONS, FILLED_PIXELS, COMPUTED_PIXELS, BATCHES, RETRIES, OUTCOMES,
    FAILURES, DEVICE_MEMORY, PROCESSES,
)  # fmt: skip
"""What processes note down while they work."""

ALL = (READY, *OF_THE_COLLECTION, *OF_WORK)


def kind_of(error: BaseException | str) -> str:
    """The label of an error, or of the name of one: a kind of the list, its nearest base there."""
    if isinstance(error, str):
        return error if error in KINDS else OTHER
    if not isinstance(error, errors.HeritageError):
        return UNEXPECTED
    return next((base.__name__ for base in type(error).__mro__ if base.__name__ in KINDS), OTHER)
