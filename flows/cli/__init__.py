"""The command line: ``heritage …``."""

from __future__ import annotations


def main() -> None:
    """Console script ``heritage``."""
    from flows.cli.app import app
    from flows.report import INTERRUPTED
    from heritage.leaving import leave_soon

    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            leave_soon(INTERRUPTED)
        raise
