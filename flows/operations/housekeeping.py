"""``backup-catalogue`` and ``clean-workspace``."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger

from heritage.care import housekeeping
from heritage.settings import load_settings


@flow(name="backup-catalogue", persist_result=False)
def backup_catalogue(keep: int = 14) -> Path:
    """Copy the catalogue into `backups` of the workspace, while others use it.

    Args:
        keep: So many copies stay; older ones go.

    Returns:
        The copy.
    """
    made = housekeeping.backup(load_settings(), keep)
    get_run_logger().info("copied to %s", made)
    return made


@flow(name="clean-workspace", persist_result=False)
def clean_workspace(days: int = 30) -> int:
    """Take away pictures that the review room has prepared and can prepare again.

    Args:
        days: How long they stay after they were made.

    Returns:
        Bytes that are free now.
    """
    files, freed = housekeeping.clean(load_settings(), days)
    get_run_logger().info("%d files went, %.1f MB", files, freed / 1e6)
    return freed
