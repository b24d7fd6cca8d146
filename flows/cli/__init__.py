"""The command line: ``heritage …``."""

from __future__ import annotations


def main() -> None:
    """Console script ``heritage``."""
    from flows.cli.app import app

    app()
