"""Which faults are worth another try."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from prefect.cache_policies import NO_CACHE

from heritage.care import measures
from heritage.care.tally import Note, note_down
from heritage.errors import CatalogueInterrupted, StorageFailed
from heritage.logs import say

if TYPE_CHECKING:
    from prefect import Task
    from prefect.client.schemas import TaskRun
    from prefect.client.schemas.objects import State

DELAYS = [1.0, 5.0, 20.0]
RETRIES = len(DELAYS)

# What a network share or a disk says on a bad moment. A full disk or a missing permission needs a
# person, and a file that is no master stays none.
TRANSIENT = frozenset(
    {
        errno.EIO,
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


def is_transient(error: BaseException) -> bool:
    """Whether the same thing may succeed a few seconds later."""
    if isinstance(error, CatalogueInterrupted):
        return True
    cause = error.__cause__
    return (
        isinstance(error, StorageFailed) and isinstance(cause, OSError) and cause.errno in TRANSIENT
    )


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """The same, as Prefect asks it of a failed task that may be tried again; it is counted."""
    error = state.result(raise_on_failure=False)
    again = isinstance(error, BaseException) and is_transient(error)
    if again:
        say("task.tried_again", "warning", task=task.name, reason=str(error))
        note_down(Note().add(measures.RETRIES, label=task.name))
    return again


PATIENT: dict[str, Any] = {
    "retries": RETRIES,
    "retry_delay_seconds": DELAYS,
    "retry_condition_fn": worth_retrying,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""How every task runs: again after a bad moment of disk, share or catalogue, never from a cache."""
