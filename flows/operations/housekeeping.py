"""``backup-catalogue`` and ``clean-workspace``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from prefect import flow, get_run_logger

from flows.operations.alarms import ALARMED
from flows.operations.departures import Departures
from flows.operations.server import server_of
from heritage.care import housekeeping
from heritage.care.custody import open_custody
from heritage.care.leases import FLOW_RUN, is_gone
from heritage.settings import load_settings


@flow(name="backup-catalogue", persist_result=False, **ALARMED)
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


@flow(name="clean-workspace", persist_result=False, **ALARMED)
def clean_workspace(days: int = 30) -> int:
    """Take away pictures that the review room has prepared and can prepare again.

    Runs of which nothing was heard any more are reported as crashed, and leases that outlived
    their work are given back.

    Args:
        days: How long they stay after they were made.

    Returns:
        Bytes that are free now.
    """
    settings = load_settings()
    for name in Departures(settings, server_of(settings)).report():
        get_run_logger().warning("%s: nothing was heard of it any more", name)
    with open_custody(settings) as custody:
        custody.settle_leases(is_gone)
        custody.forget_leases(FLOW_RUN, custody.now() - timedelta(days=1))
    files, freed = housekeeping.clean(settings, days)
    get_run_logger().info("%d files went, %.1f MB", files, freed / 1e6)
    return freed
