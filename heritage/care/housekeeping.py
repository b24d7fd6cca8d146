"""Copies of the catalogue, and what the workspace need not keep."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from db.backup import copy_catalogue, suffix
from db.errors import CatalogueUnreachable
from heritage.errors import CatalogueRefused
from heritage.logs import say
from heritage.restore.storage import partial_of, storage
from heritage.settings import Settings

BACKUPS = "backups"
CACHE = "review-cache"


def backup(settings: Settings, keep: int, now: datetime | None = None) -> Path:
    """Copy the catalogue into the workspace, and take away the oldest copies.

    Args:
        settings: Of the site.
        keep: How many copies stay.
        now: What time it is.

    Returns:
        The copy: whole, or not there at all.

    Raises:
        CatalogueRefused: If it cannot be copied.
        StorageFailed: If the disk is full.
    """
    folder = settings.home / BACKUPS
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    target = folder / f"catalogue-{stamp}{suffix(settings.database_url)}"
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with storage(target), partial_of(target) as partial:
            copy_catalogue(settings.database_url, partial)
            partial.replace(target)
    except CatalogueUnreachable as error:
        raise CatalogueRefused(str(error)) from None
    with storage(target):
        copies = sorted(folder.glob(f"catalogue-*{target.suffix}"))
        for old in copies[: -max(keep, 1)]:
            old.unlink(missing_ok=True)
        say("backup.made", path=str(target), bytes=target.stat().st_size)
    return target


def newest_backup(settings: Settings) -> float | None:
    """When the newest copy in the workspace was made, in seconds since 1970; None without one."""
    made = []
    for copy in (settings.home / BACKUPS).glob("catalogue-*Z.*"):
        with suppress(OSError):
            made.append(copy.stat().st_mtime)
    return max(made, default=None)


def clean(settings: Settings, days: int, now: datetime | None = None) -> tuple[int, int]:
    """Take away what can be computed again and nobody asked for in so many days.

    Args:
        settings: Of the site.
        days: How long it stays after it was last written.
        now: What time it is.

    Returns:
        How many files went, and their bytes.
    """
    before = ((now or datetime.now(UTC)) - timedelta(days=days)).timestamp()
    files = freed = 0
    for path in sorted((settings.home / CACHE).rglob("*")):
        with suppress(OSError):
            found = path.lstat()
            if path.is_file() and found.st_mtime < before:
                path.unlink()
                files, freed = files + 1, freed + found.st_size
    say("workspace.cleaned", files=files, bytes=freed)
    return files, freed
