"""What interrupted work has left behind, and that nobody is at any more."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from heritage.care.checks.findings import Finding, notice, some
from heritage.care.housekeeping import BACKUPS
from heritage.remote.origin import FOLDER as STAGING
from heritage.restore.job import work_folder
from heritage.restore.lock import holder_lives, lock_path
from heritage.settings import Settings

RESTORED = "restored"
WORK = re.compile(r"\.(?P<name>.+)\.work")
PART = re.compile(r".+\.part")
QUIET_SECONDS = 3600.0
"""What was not written for so long, nobody is writing, on whatever machine."""

LOOK_SECONDS = 2.0
"""After so long the rest of the folders is left for another time."""


def check_leftovers(
    settings: Settings, outputs: Iterable[Path] = (), at: float | None = None
) -> list[Finding]:
    """Look for unfinished work, halves of files, and fetched masters that nobody is at.

    Args:
        settings: Of the site.
        outputs: Folders that received restorations, besides the workspace's own.
        at: What time it is, in seconds since 1970.
    """
    quiet = (time.time() if at is None else at) - QUIET_SECONDS
    places = dict.fromkeys([settings.home / RESTORED, *outputs])
    looking = _Looking()
    work = [path for place in places for path in looking.at(place) if _is_abandoned(path, quiet)]
    kept = [settings.home, settings.home / BACKUPS, *places]
    parts = [path for place in kept for path in looking.at(place) if _is_half(path, quiet)]
    staged = [] if settings.keep_staged else _unheld(settings.home / STAGING, looking, quiet)
    said = [*_unfinished(work), *_halves(parts), *_fetched(staged)]
    return [*said, *looking.unfinished()]


class _Looking:
    """Entries of folders, for as long as there is time."""

    def __init__(self) -> None:
        self._end = time.monotonic() + LOOK_SECONDS
        self._cut: Path | None = None

    def at(self, folder: Path) -> Iterator[Path]:
        """What lies in a folder; nothing where there is none."""
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return
        with entries:
            for entry in entries:
                if time.monotonic() > self._end:
                    self._cut = folder
                    return
                yield Path(entry.path)

    def unfinished(self) -> list[Finding]:
        """That not everything was looked at."""
        if self._cut is None:
            return []
        found = f"{self._cut} holds more than could be looked at in {LOOK_SECONDS:.0f} s"
        return [notice("leftovers", found, "nothing has to be done about it")]


def _written(path: Path) -> float:
    """When a file, or anything directly in a folder, was last written; now if it just went."""
    try:
        own = path.stat().st_mtime
        inside = [one.stat().st_mtime for one in path.iterdir()] if path.is_dir() else []
    except OSError:
        return time.time()
    return max([own, *inside])


def _is_abandoned(path: Path, quiet: float) -> bool:
    """Whether this is a restoration's work folder that nobody is at."""
    named = WORK.fullmatch(path.name)
    if named is None or path != work_folder(path.parent, named["name"]):
        return False
    return not holder_lives(lock_path(path.parent, named["name"])) and _written(path) < quiet


def _is_half(path: Path, quiet: float) -> bool:
    return PART.fullmatch(path.name) is not None and path.is_file() and _written(path) < quiet


def _unheld(staging: Path, looking: _Looking, quiet: float) -> list[Path]:
    """Folders of the staging folder that hold something and are nobody's."""
    return [
        berth
        for berth in looking.at(staging)
        if berth.is_dir()
        and any(looking.at(berth))
        and not any(holder_lives(lock) for lock in staging.glob(f".*.{berth.name}.lock"))
        and _written(berth) < quiet
    ]


def _unfinished(work: list[Path]) -> list[Finding]:
    if not work:
        return []
    return [
        notice(
            "unfinished work",
            f"{len(work)} restorations were begun and nobody is at them: {some(work)}",
            "restore the masters again, which goes on there, or remove the folders",
        )
    ]


def _halves(parts: list[Path]) -> list[Finding]:
    if not parts:
        return []
    found = f"{len(parts)} files were never finished: {some(parts)}"
    return [notice("halves of files", found, "remove them")]


def _fetched(staged: list[Path]) -> list[Finding]:
    if not staged:
        return []
    return [
        notice(
            "staging",
            f"{len(staged)} folders hold fetched masters or results that nobody is at: "
            f"{some(staged)}",
            "restore their masters again, which goes on there, or remove the folders",
        )
    ]
