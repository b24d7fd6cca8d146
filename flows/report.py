"""What became of every master of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from heritage.remote.address import shown

ALL_DONE, SOME_FAILED, WRONG_USAGE, NOTHING_DONE = range(4)
INTERRUPTED = 130  # what shells expect after Ctrl-C


class Fate(StrEnum):
    """How it ended for one master."""

    RESTORED = "restored"
    ALREADY = "already restored"
    LEFT_ALONE = "left alone"
    FAILED = "failed"

    @property
    def is_done(self) -> bool:
        """Whether its restoration is there now."""
        return self in (Fate.RESTORED, Fate.ALREADY)


@dataclass(frozen=True)
class Outcome:
    """What became of one master.

    Attributes:
        source: Its file.
        fate: How it ended.
        reason: Why it was not restored, as one sentence; empty if it was.
        folder: Where the restoration is.
        restored: The restored TIFF.
        model: The inpainter's name.
        regions: Damaged regions filled.
        damaged_pixels: Pixels filled.
        share: The same as a part of all pixels, 0..1.
        seconds: Time the work took.
        remark: What a reader should know of the result, such as that segments were lossy.
    """

    source: Path
    fate: Fate
    reason: str = ""
    folder: Path | None = None
    restored: Path | None = None
    model: str | None = None
    regions: int = 0
    damaged_pixels: int = 0
    share: float = 0.0
    seconds: float = 0.0
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """Fields for a JSON answer; those without a value are left out."""
        fields: dict[str, Any] = {"source": shown(self.source), "status": self.fate.value}
        if not self.fate.is_done:
            return fields | {"reason": self.reason}
        fields |= {
            "folder": shown(self.folder or ""),
            "restored": shown(self.restored or ""),
            "model": self.model,
            "regions": self.regions,
            "damaged_pixels": self.damaged_pixels,
            "share": self.share,
            "seconds": round(self.seconds, 3),
        }
        return fields | ({"remark": self.remark} if self.remark else {})

    @classmethod
    def list_from_table(cls, table: str) -> list[Outcome]:
        """Outcomes as an artifact's table has them.

        Raises:
            ValueError: If it is no such table.
        """
        return [cls._from_json(row) for row in json.loads(table)]

    @classmethod
    def _from_json(cls, row: dict[str, Any]) -> Outcome:
        named = dict(row)
        source, fate = Path(named.pop("source")), Fate(named.pop("status"))
        for name in ("folder", "restored"):
            if name in named:
                named[name] = Path(named[name])
        return cls(source, fate, **named)


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """The command line's verdict on a batch: 0 all done, 1 some failed, 3 nothing was done."""
    fates = [outcome.fate for outcome in outcomes]
    if not any(fate.is_done for fate in fates):
        return NOTHING_DONE
    return SOME_FAILED if Fate.FAILED in fates else ALL_DONE
