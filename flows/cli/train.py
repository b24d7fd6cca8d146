"""``heritage train``: an inpainter of one's own, from a recipe."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from flows.cli.answers import AsJson, console, say_json

if TYPE_CHECKING:
    from heritage.train.loop import Training
    from heritage.train.reporting import Event, Tell


def train(
    recipe: Annotated[
        str, typer.Argument(help="A TOML file, or the name of a recipe that comes with this.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/NAME of the recipe.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many; the same command continues.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="WEIGHTS", help="safetensors, or a model's name, to start from."
        ),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of training pictures, instead of the recipe's.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Folder of pictures of other works, likewise.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of real damage masks, likewise.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many of them train together.")] = 1,
    every: Annotated[
        float | None, typer.Option(min=0, help="Minutes between checkpoints, if not the recipe's.")
    ] = None,
    validate: Annotated[
        float | None, typer.Option(min=0, help="Minutes between validations, likewise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train an inpainter, or a detector of damage; run the same command again to continue.

    Killed at any moment, a training resumes from its last checkpoint and computes what it would
    have computed. One that diverges stops, says why, and keeps the last good checkpoint.
    """
    if _trains_detector(recipe, out, minutes, pictures, masks, device, as_json, start):
        return
    from heritage.train.recipe import find_recipe, read_recipe

    places = {"pictures": pictures, "validation": validation, "masks": masks}
    checked = read_recipe(find_recipe(recipe), places)
    _require_fabric()
    from heritage.train.loop import Training

    with _telling(as_json) as tell:
        folder = out or Path("runs") / checked.name
        training = Training(checked, folder, start, device, devices, tell)
        training.run(minutes, every, validate)
    if training.fabric.is_global_zero:
        _answer(training, as_json)


def _trains_detector(
    recipe: str,
    out: Path | None,
    minutes: float | None,
    pictures: Path | None,
    masks: Path | None,
    device: str,
    as_json: bool,
    start: Path | None,
) -> bool:
    """Train a detector of damage, if that is what the recipe is of."""
    from heritage.train.detection.recipe import find_detector_recipe

    path = find_detector_recipe(recipe)
    if path is None:
        return False
    from heritage.train.detection.run import train_detector

    screen = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def tell(line: Mapping[str, float]) -> None:
        if not as_json:
            screen.print(f"step {line['step']:g}, loss {line['loss']:.3f}")

    done = train_detector(path, out, minutes, pictures, masks, device, tell=tell, start=start)
    if as_json:
        say_json(done)
    elif done["finished"]:
        console().print(f"Finished after {done['step']} steps: {done['weights']}")
    else:
        console().print(
            f"{done['progress']:.1%} done, {done['step']} steps; the same command continues"
        )
    return True


def _require_fabric() -> None:
    from importlib.util import find_spec

    if find_spec("lightning") is None:
        from heritage.errors import BadSetting

        raise BadSetting("training needs Lightning Fabric: pip install 'heritage[train]'")


def _answer(training: Training, as_json: bool) -> None:
    folder, done = training.folder, training.progress >= 1
    if as_json:
        say_json(
            {
                "folder": str(folder),
                "weights": str(folder / "weights.safetensors"),
                "step": training.number,
                "progress": training.progress,
                "finished": done,
            }
        )
    elif done:
        console().print(f"Finished after {training.number} steps: {folder}/weights.safetensors")
    else:
        console().print(
            f"{training.progress:.1%} done, {training.number} steps; the same command continues"
        )


@contextmanager
def _telling(quiet: bool) -> Iterator[Tell]:
    """A bar where a person watches, else plain lines on stderr; nothing but remarks if quiet."""
    screen = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    # The processes beside the first have nothing to say.
    if int(os.environ.get("LOCAL_RANK", "0")):
        yield lambda _event: None
    elif quiet or not screen.is_terminal:
        yield _Lines(screen, quiet)
    else:
        columns = (
            TextColumn("step {task.fields[step]}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:.1f} %", markup=False),
            TextColumn("{task.fields[pace]}", markup=False),
        )
        bars = Progress(*columns, console=screen, transient=True)
        with bars:
            yield _Bar(bars)


class _Lines:
    """Every event as a line."""

    def __init__(self, screen: Console, quiet: bool) -> None:
        self._screen, self._quiet = screen, quiet

    def __call__(self, event: Event) -> None:
        from heritage.train.reporting import Remark, plain

        if isinstance(event, Remark) or not self._quiet:
            self._screen.print(plain(event))


class _Bar:
    """Progress as a bar with throughput, time left and loss; the rest as lines above it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=1.0, step=0, pace="reading pictures")

    def __call__(self, event: Event) -> None:
        from heritage.train.reporting import Progressed, duration, loss_of, plain

        if not isinstance(event, Progressed):
            self._bars.console.print(plain(event))
            return
        pace = (
            f"{event.windows_per_second:.1f} windows/s, {duration(event.seconds_left)} left, "
            f"{loss_of(event.terms)}"
        )
        self._bars.update(self._task, completed=event.share, step=event.step, pace=pace)
