"""Work in threads, results in the order asked for: never more under way than allowed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_turn(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """The results of ``work``, one after the other.

    Args:
        pool: Where the work is done.
        work: Called once for each item.
        items: Taken one by one, as room is made.
        ahead: How many are under way, or waiting to be taken, at once.

    Raises:
        BaseException: Whatever ``work`` raised; what was not begun is called off.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()
