"""How an attempt at a master ended, as it is counted and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from flows.report import Fate, Outcome
from heritage.care.measures import FAILURES, OUTCOMES, UNEXPECTED, kind_of
from heritage.care.stages import Amount
from heritage.care.tally import Note, note_down
from heritage.errors import SetAside
from heritage.logs import concerning, say

if TYPE_CHECKING:
    from heritage.restore.workload import Load

Rest = ParamSpec("Rest")
Attempt = Callable[Rest, Outcome]

# The kind of what the attempt under way failed for, once it is known.
_kind: ContextVar[list[str] | None] = ContextVar("heritage_kind", default=None)


def watched(attempt: Attempt[Rest]) -> Attempt[Rest]:
    """Count how each attempt at a ``NamedSource`` ends, and have all its lines carry the file."""

    @wraps(attempt)
    def attempted(*given: Rest.args, **more: Rest.kwargs) -> Outcome:
        master: Any = given[0] if given else more["master"]
        kinds: list[str] = []
        token = _kind.set(kinds)
        try:
            with concerning(master=str(master.source)):
                outcome = attempt(*given, **more)
                _tell(outcome, kinds[-1] if kinds else UNEXPECTED)
        finally:
            _kind.reset(token)
        return outcome

    return attempted


def failed_for(error: BaseException) -> None:
    """Remember of what kind the error is for which the attempt under way fails."""
    kinds = _kind.get()
    if kinds is not None:
        kinds.append(kind_of(error))


def amount(loads: Sequence[Load]) -> Amount:
    """How much the batches with these loads fill."""
    regions, pixels = sum(load.regions for load in loads), sum(load.damaged for load in loads)
    return Amount(regions, pixels, sum(load.computed for load in loads), len(loads))


def _tell(outcome: Outcome, kind: str) -> None:
    note = Note().add(OUTCOMES, label=outcome.fate.value)
    if outcome.fate is Fate.FAILED:
        note.add(FAILURES, label=kind)
        event = "attempt.set_aside" if kind == SetAside.__name__ else "attempt.failed"
        say(event, "error", kind=kind, reason=outcome.reason)
    else:
        facts = {"reason": outcome.reason} if outcome.reason else {}
        say(f"attempt.{outcome.fate.value.replace(' ', '_')}", **facts)
    note_down(note)
