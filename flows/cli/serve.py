"""``heritage serve``: everything a site needs, on one machine."""

from __future__ import annotations

import signal
from typing import Annotated

import typer


def serve(
    prefect_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where runs are looked at; 0: any that is free.")
    ] = 4200,
    review_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the review room is; 0: any.")
    ] = 8040,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where Prometheus asks; 0: any that is free.")
    ] = 8041,
    runs: Annotated[int, typer.Option(min=1, help="Flows that run side by side.")] = 4,
) -> None:
    """Run the site: Prefect's server and schedules, one worker, the review room, metrics.

    New masters in the inbox are recorded and restored by schedule, files are audited, the catalogue
    is copied. What ends by itself is started again; Ctrl-C ends all of it.
    """
    from flows.operations.site import Site
    from heritage.review.desk import open_desk
    from heritage.review.serve import require_somebody
    from heritage.settings import load_settings

    settings = load_settings()
    with open_desk(settings) as desk:
        require_somebody(desk, settings)
    site = Site(
        settings, prefect_port, review_port, lambda w: print(w, flush=True), runs, metrics_port
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: site.stop())
    site.run()
