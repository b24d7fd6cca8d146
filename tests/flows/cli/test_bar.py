"""Bars count damaged pixels, and nobody sees them who is not at a terminal."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from flows.cli.bar import Bars, bars, progress_bar
from flows.progress import COMPOSING, INPAINTING, PREPARING, Progress, tell
from flows.report import Fate, Outcome

A, B = Path("a.tif"), Path("b.tif")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def screen() -> Console:
    return Console(file=StringIO(), force_terminal=True, width=200)


def test_time_left_follows_the_damage_and_not_the_number_of_steps() -> None:
    clock = Clock()
    shown = bars(screen(), clock)
    turn = Bars(shown, 1)
    turn(Progress(A, INPAINTING, 0, 1_000_000, 0, 9))
    for step in range(1, 4):  # three batches of 100 000 pixels, a second each
        clock.now = step
        turn(Progress(A, INPAINTING, step * 100_000, 1_000_000, step, 9))
    (task,) = shown.tasks
    assert task.percentage == 30
    assert task.speed is not None
    assert abs(task.speed - 100_000) < 1
    assert task.time_remaining == 7
    assert task.fields["said"] == "inpainting, 3 of 9 regions, 0.1 megapixels/s"


def test_one_bar_for_the_master_and_one_for_all() -> None:
    shown = bars(screen(), Clock())
    turn = Bars(shown, 4)
    turn(Progress(A, PREPARING))
    whole, master = shown.tasks
    assert whole.total is None
    assert master.total is None
    turn(Progress(A, INPAINTING, 300, 600))
    assert (whole.completed, whole.total) == (300, 2400)  # all like this one, as far as one knows
    turn(Progress(A, INPAINTING, 600, 600))
    turn(Progress(A, COMPOSING, 600, 1200))
    turn(Outcome(A, Fate.RESTORED))
    assert (whole.completed, whole.total) == (600, 2400)
    assert whole.fields["said"] == "1 of 4"
    assert [task.description for task in shown.tasks] == ["all masters"]
    turn(Outcome(B, Fate.LEFT_ALONE))  # has no damage: the average falls
    assert (whole.completed, whole.total) == (600, 1200)
    turn(Progress(B, INPAINTING, 0, 300))
    assert [task.description for task in shown.tasks] == ["all masters", "b.tif"]
    assert (whole.completed, whole.total) == (600, 1200)


def test_a_new_stage_begins_with_a_new_pace() -> None:
    clock = Clock()
    shown = bars(screen(), clock)
    turn = Bars(shown, 1)
    for step in range(4):
        clock.now = step
        turn(Progress(A, INPAINTING, step * 10, 30))
    clock.now = 5
    turn(Progress(A, COMPOSING, 0, 60))
    (task,) = shown.tasks
    assert (task.completed, task.total, task.speed) == (0, 60, None)


def test_where_nobody_watches_nothing_is_said(capfd) -> None:
    with progress_bar(2):
        tell(Progress(A, INPAINTING, 1, 2))
        tell(Outcome(A, Fate.RESTORED))
    assert capfd.readouterr() == ("", "")
