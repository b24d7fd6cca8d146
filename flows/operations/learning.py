"""``train-model`` and ``evaluate-models``: the same as on the command line, on a worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prefect import flow, get_run_logger

from flows.operations.alarms import ALARMED
from flows.report import ALL_DONE
from heritage.errors import HeritageError


@flow(name="train-model", flow_run_name="train {recipe}", persist_result=False, **ALARMED)
def train_model(recipe: str, out: Path) -> None:
    """Train a network by a recipe; a run that was stopped goes on where it was.

    Args:
        recipe: The recipe's name or file.
        out: Folder that receives checkpoints, curves and weights.
    """
    _run("train", recipe, "--out", str(out))


@flow(name="evaluate-models", flow_run_name="evaluate {models}", persist_result=False, **ALARMED)
def evaluate_models(images: Path, models: list[str], output: Path) -> None:
    """Compare inpainters on pictures whose undamaged state is known.

    Args:
        images: Folder of pictures.
        models: Names of inpainters in `heritage models`.
        output: Folder that receives the report.
    """
    _run(
        "evaluate", "--images", str(images), "--models", ",".join(models), "--output", str(output)
    )  # fmt: skip


def _run(*arguments: str) -> None:
    """A command of ours, its lines in the log of the run.

    Raises:
        HeritageError: With the last line that it said, if it failed.
    """
    log, last = get_run_logger(), ""
    command = [sys.executable, "-m", "flows.cli", *arguments]
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line.strip() or last
            log.info("%s", line.rstrip())
    if process.returncode != ALL_DONE:
        raise HeritageError(last or f"ended with status {process.returncode}")
