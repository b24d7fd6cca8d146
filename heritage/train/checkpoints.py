"""The checkpoints of a run: the last few, and the one that is known to be good."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from heritage.errors import HeritageError
from models.checkpoints import load_checkpoint, save_checkpoint

_NAME = re.compile(r"checkpoint-(\d+)\.pt")
_FAULTS = (OSError, EOFError, RuntimeError, ValueError, LookupError, pickle.UnpicklingError)


class CheckpointsUnreadable(HeritageError):
    """A run that was begun and of which no checkpoint can be read."""


class Checkpoints:
    """The files of one run: ``checkpoint-STEP.pt``, the last few, and ``good.pt``.

    Every one appears complete, by rename. ``good.pt`` is the last whose validation gave numbers.

    Args:
        folder: Of the run.
        keep: How many are kept besides the good one.
        warn: Told in one line when a file is passed over.
    """

    def __init__(self, folder: Path, keep: int, warn: Callable[[str], None]) -> None:
        self.folder, self.keep, self.warn = folder, keep, warn

    @property
    def good(self) -> Path:
        """The last checkpoint that was validated."""
        return self.folder / "good.pt"

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.folder / f"checkpoint-{step:07d}.pt"

    def newest_first(self) -> list[Path]:
        """All checkpoints but the good one."""
        found = [path for path in self.folder.glob("checkpoint-*.pt") if _NAME.match(path.name)]
        return sorted(found, key=_step, reverse=True)

    def save(self, step: int, state: Mapping[str, Any]) -> Path:
        """Keep a state, then drop what is too old."""
        path = self.path(step)
        save_checkpoint(path, state)
        for old in self.newest_first()[self.keep :]:
            old.unlink(missing_ok=True)
        return path

    def bless(self, step: int) -> None:
        """Make the checkpoint of a step the good one. Costs no room: both names are one file."""
        partial = self.folder / f".good.{os.getpid()}.partial"
        partial.unlink(missing_ok=True)
        try:
            os.link(self.path(step), partial)
        except OSError:  # a file system without links
            partial.write_bytes(self.path(step).read_bytes())
        partial.replace(self.good)

    def load(self) -> dict[str, Any] | None:
        """The newest state that can be read; None where no run was begun.

        Raises:
            CheckpointsUnreadable: If there are checkpoints, but none that can be read.
        """
        last = None
        for path in self._candidates():
            try:
                return load_checkpoint(path)
            except _FAULTS as error:
                last = path
                reason = (str(error).strip() or "cut short").splitlines()[0][:200]
                self.warn(f"{path} cannot be read ({reason}); trying the one before")
        if last is None:
            return None
        raise CheckpointsUnreadable(
            "no checkpoint of this run can be read; give another --out to begin anew", self.folder
        )

    def _candidates(self) -> Iterator[Path]:
        yield from self.newest_first()
        for name in ("good.pt", "checkpoint.pt"):  # the latter of versions that kept only one
            if (self.folder / name).exists():
                yield self.folder / name

    def set_aside(self) -> dict[str, Any] | None:
        """After a training went wrong: put away what came after the good checkpoint.

        ``checkpoint-STEP.pt`` becomes ``diverged-STEP.pt``, to be looked at; whoever goes on goes
        on from ``good.pt``. Where there is no good one, all stay as they are.

        Returns:
            The good state, or None.
        """
        if not self.good.exists():
            return None
        state = load_checkpoint(self.good)
        for path in self.newest_first():
            if _step(path) > state["step"]:
                path.replace(path.with_name(path.name.replace("checkpoint", "diverged")))
        return state


def _step(path: Path) -> int:
    found = _NAME.match(path.name)
    assert found is not None
    return int(found[1])
