"""``heritage metrics``: what Prometheus is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer


def metrics(
    host: Annotated[
        str, typer.Option(help="The address of this machine to be reached at.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8041,
    once: Annotated[bool, typer.Option("--once", help="Print them, and serve nothing.")] = False,
) -> None:
    """Serve metrics for Prometheus, and whether this site can work, until interrupted.

    /metrics: the collection and the work in figures. /health/live: this program answers.
    /health/ready: the catalogue answers, and the workspace can be written; else 503 and why.
    """
    from heritage.settings import load_settings

    settings = load_settings()
    if once:
        from heritage.care.metrics import exposition, registry

        print(exposition(registry(settings))[0].decode(), end="")
        return
    from heritage.care.exporter import serve_metrics

    with suppress(KeyboardInterrupt):  # the way to end it
        serve_metrics(settings, host, port, lambda words: print(words, flush=True))
