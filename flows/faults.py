"""Which faults are worth another try."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from prefect.cache_policies import NO_CACHE

from heritage.errors import StorageFailed

if TYPE_CHECKING:
    from prefect import Task
    from prefect.client.schemas import TaskRun
    from prefect.client.schemas.objects import State

RETRIES = 2
DELAYS = [1.0, 5.0]

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
    cause = error.__cause__
    return (
        isinstance(error, StorageFailed) and isinstance(cause, OSError) and cause.errno in TRANSIENT
    )


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """The same, as Prefect asks it of a failed task."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, BaseException) and is_transient(error)


PATIENT: dict[str, Any] = {
    "retries": RETRIES,
    "retry_delay_seconds": DELAYS,
    "retry_condition_fn": worth_retrying,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""How every task runs: again after a bad moment of a disk or share, never from a cache."""
