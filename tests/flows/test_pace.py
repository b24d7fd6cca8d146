from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pace import GROWTH, SMALL, TASK_SECONDS, next_size, run_in_tasks

seconds = st.floats(1e-4, 100)
stage_sizes = st.lists(st.integers(0, 60), max_size=4)


def _simulate(sizes: list[int], per_batch: float) -> tuple[list[list[int]], list[list[int]]]:
    """The stages of those sizes, and the tasks they were run in, at that speed."""
    numbers = iter(range(sum(sizes)))
    stages = [[next(numbers) for _ in range(size)] for size in sizes]
    tasks: list[list[int]] = []
    time = 0.0

    def run(batches: list[int]) -> None:
        nonlocal time
        tasks.append(batches)
        time += per_batch * len(batches)

    clock: Callable[[], float] = lambda: time  # noqa: E731
    run_in_tasks(stages, run, clock)
    return stages, tasks


@given(stage_sizes, seconds)
@settings(deadline=None)
def test_every_batch_runs_once_in_order_and_no_task_spans_two_stages(
    sizes: list[int], per_batch: float
) -> None:
    stages, tasks = _simulate(sizes, per_batch)
    assert [number for task in tasks for number in task] == list(range(sum(sizes)))
    stage_of = {number: n for n, stage in enumerate(stages) for number in stage}
    assert all(len({stage_of[number] for number in task}) == 1 for task in tasks)


@given(st.integers(SMALL + 1, 3_000), seconds)
@settings(deadline=None, max_examples=50)
def test_tasks_soon_last_as_long_as_they_should(batches: int, per_batch: float) -> None:
    _, tasks = _simulate([batches], per_batch)
    for task in tasks[8:-1]:
        assert len(task) == 1 or per_batch * len(task) >= TASK_SECONDS / 2
        assert len(task) == 1 or per_batch * len(task) <= TASK_SECONDS * 1.01 or len(task) <= SMALL


def test_a_small_picture_is_one_task() -> None:
    assert _simulate([SMALL], 3.0)[1] == [list(range(SMALL))]


@given(st.integers(1, 1000), st.floats(0, 1e5))
def test_the_next_task_is_never_empty_and_never_far_larger(size: int, took: float) -> None:
    assert 1 <= next_size(size, took) <= size * GROWTH
