"""What a check found, in words that somebody can act on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from enum import StrEnum

PATIENCE = 4.0
"""Seconds that a check waits for the network, all its questions together."""

SHOWN = 3
"""Names that a sentence gives as examples."""


class State(StrEnum):
    """How it stands with what was looked at."""

    SOUND = "sound"
    NOTICE = "notice"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: What, in one or two words.
        state: How it stands: a notice is worth knowing, what is wrong has to be put right.
        found: What was seen.
        do: What to do about it; empty where there is nothing to do.
    """

    about: str
    state: State
    found: str
    do: str = ""

    @property
    def sentence(self) -> str:
        """What was seen and what to do, on one line."""
        return f"{self.about}: {self.found}" + (f"; {self.do}" if self.do else "")

    def to_json(self) -> dict[str, str]:
        """As `heritage doctor --json` gives it."""
        return asdict(self) | {"state": self.state.value}


def sound(about: str, found: str) -> Finding:
    """All is well."""
    return Finding(about, State.SOUND, found)


def notice(about: str, found: str, do: str) -> Finding:
    """Worth knowing, and no fault."""
    return Finding(about, State.NOTICE, found, do)


def wrong(about: str, found: str, do: str) -> Finding:
    """To be put right."""
    return Finding(about, State.WRONG, found, do)


def some(names: Collection[object]) -> str:
    """The first of several names, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")
