"""How much work one task gets: enough to be worth its message, little enough to be counted often.

Batches are fixed by the plan, so that how they are divided among tasks changes no byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

TASK_SECONDS = 6.0
GROWTH = 8
SMALL = 4


def next_size(size: int, seconds: float) -> int:
    """How many batches to give the next task.

    Args:
        size: Batches of the task before.
        seconds: What it took.

    Returns:
        As many as fill ``TASK_SECONDS`` at that pace, at most ``GROWTH`` times as many as before:
        the first task also loads the model, and says little.
    """
    wanted = size * TASK_SECONDS / max(seconds, 1e-6)
    return int(max(1, min(wanted, size * GROWTH)))


def run_in_tasks(
    stages: Sequence[Sequence[int]],
    run: Callable[[list[int]], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Give all batches to ``run``, a task's worth at a time; no task spans two stages.

    Args:
        stages: Numbers of batches; a stage needs those before it.
        run: Does the batches it is given.
        clock: Seconds.
    """
    size = 1
    for stage in stages:
        left = list(stage)
        while left:
            now = len(left) if len(left) <= max(size, SMALL) else size
            started = clock()
            run(left[:now])
            size = next_size(now, clock() - started)
            left = left[now:]
