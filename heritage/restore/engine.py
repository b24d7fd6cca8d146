"""The library call: one master from file to restoration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heritage.restore.batches import run_batches
from heritage.restore.finishing import finish
from heritage.restore.options import Options
from heritage.restore.prepare import prepare
from heritage.restore.restoration import Restoration, read_restoration

Progress = Callable[[str, int, int], None]


def restore(
    source: Path | str,
    mask: Path | str | None = None,
    model: str | None = None,
    output: Path | str | None = None,
    device: str = "auto",
    *,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Restoration:
    """Restore one master.

    An interrupted run is continued; a finished one is found and returned.

    Args:
        source: The master; only ever read.
        mask: Raster of its size, non-zero where it is damaged; None: ``NAME.mask.tif`` beside it.
        model: Name of an inpainter of ``models.available()``; None: the default.
        output: Folder that receives ``NAME/``; None: ``restored`` in the current folder.
        device: ``auto`` or a torch device such as ``cpu`` or ``cuda:1``.
        options: Memory, window, grain and the like.
        progress: Called with "inpaint" or "compose", steps done, steps in all.

    Returns:
        Where everything is, and what was done.

    Raises:
        HeritageError: One of its kinds, with the reason in one line.
    """
    with prepare(source, mask, model, output, options=options) as job:
        if job.done:
            return read_restoration(job.result, job.master, skipped=True)
        pending = job.pending()
        done = 0

        def batch_done(_: int) -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress("inpaint", done, len(pending))

        def pixels_done(count: int, total: int) -> None:
            if progress is not None:
                progress("compose", count, total)

        run_batches(job.folder, pending, device, batch_done)
        return finish(job.folder, pixels_done)
