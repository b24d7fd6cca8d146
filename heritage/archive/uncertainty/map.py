"""The uncertainty map: how far each filled pixel is the method's own invention.

The windows are those of the restoration, over the signed mask: each is filled again over flips and
quarter turns (``models.uncertain``), and how much the answers scatter is blended as the fills
were. Where fills were taken back, the picture counts as known, as in the signed picture. Grain,
which is added to smooth fills, is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from heritage.archive.dossier import Method
from heritage.archive.uncertainty.file import LARGEST, MOST, encoded, write_map
from heritage.archive.uncertainty.spreading import Spreading, Told
from heritage.damage.masks import TILE, MaskReader, open_mask
from heritage.damage.regions import find_regions
from heritage.errors import MaskRefused, UnknownModel
from heritage.geometry import Box
from heritage.restore import memory as budgets
from heritage.restore.allocator import keep_memory_steady
from heritage.restore.blend import Piece, WindowIndex, blend
from heritage.restore.colour import WorkingSpace, needs_value_range, value_range
from heritage.restore.devices import devices_of
from heritage.restore.inpainters import load_inpainter
from heritage.restore.options import Options
from heritage.restore.patches import PatchFolder
from heritage.restore.plan import BATCH, Plan, make_plan
from heritage.restore.prepare import needs_of
from heritage.restore.scan import scan_boxes
from heritage.restore.storage import storage
from heritage.restore.views import ViewReader
from heritage.tiff import Master, MasterInfo, inspect, open_master

if TYPE_CHECKING:
    from models.inpainter import Inpainter

_TURNING = 270  # bytes per pixel that the spread of a batch takes besides the fill


def recorded_inpainter(method: Method, device: str) -> Inpainter:
    """The inpainter that a restoration names, with the very weights that filled it.

    Args:
        method: As it is on record.
        device: ``auto``, a torch device, or several with commas between, of which the first counts.

    Raises:
        UnknownModel: If it is not here any more, or its weights are others.
    """
    inpainter = load_inpainter(method.name, devices_of(device)[0], method.device)
    if inpainter.weights_sha256 != method.weights_sha256:
        here, recorded = inpainter.weights_sha256 or "none", method.weights_sha256 or "none"
        raise UnknownModel(
            f"the weights of {method.name} are no longer those of the restoration "
            f"(SHA-256 {here[:12]} here, {recorded[:12]} on record): import the recorded ones"
        )
    return inpainter


def write_uncertainty(
    master: Path,
    mask: Path,
    page: int,
    inpainter: Inpainter,
    target: Path,
    *,
    memory: int,
    options: Options | None = None,
    limits: tuple[float, float] | None = None,
    told: Told | None = None,
) -> None:
    """Write the uncertainty map of a restoration; the same input gives the same bytes.

    It has the master's size, rows and columns as they are stored: 16-bit grey, 0 where the mask is
    0, else 1 to ``LARGEST`` for a standard deviation up to ``MOST``, where the full scale of the
    master is 1.

    Args:
        master: The master; only ever read.
        mask: Of the pixels that were filled, as ``heritage.damage`` keeps masks.
        page: Of the master, from 0.
        inpainter: What filled them.
        target: The file; there is the whole of it or none.
        memory: Bytes that the process may use.
        options: Window, context, overlap and batch as the restoration had them; nothing else of
            them counts here. None: the defaults.
        limits: The range of the master's values as the restoration's record has it
            (``working_space.value_range``); None: it is looked for where it is needed.
        told: Called with windows done and windows in all.

    Raises:
        MaskRefused: If the mask has another size, or is none.
        MasterRefused: If the master cannot be read.
        NotEnoughMemory: If not even one window fits, here or on the device.
        StorageFailed: If the disk does not take it.
    """
    keep_memory_steady()
    options = options or Options()
    info = inspect(master, page)
    with storage(target), ExitStack() as opened:
        reader = opened.enter_context(open_mask(mask))
        if (reader.height, reader.width) != (info.height, info.width):
            raise MaskRefused(
                f"has {reader.width} x {reader.height} pixels, its master "
                f"{info.width} x {info.height}: give the mask of this master",
                mask,
            )
        plan, cache = _planned(info, reader, inpainter, options, memory)
        picture = opened.enter_context(open_master(master, page, cache))
        if limits is None and needs_value_range(info.dtype):
            limits = _limits(picture, reader)
        view = ViewReader(picture, reader, WorkingSpace.of(picture.info, limits))
        work = opened.enter_context(
            TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent)
        )
        spreading = Spreading.begin(plan, view, inpainter, Path(work), cache // 2)
        spreading.run(memory, told)
        tiles = _tiles(plan, reader, spreading.spreads)
        write_map(target, reader.height, reader.width, tiles, inpainter.name)


def _planned(
    info: MasterInfo, mask: MaskReader, inpainter: Inpainter, options: Options, memory: int
) -> tuple[Plan, int]:
    """The windows over a mask, and bytes to keep of what is decoded, so that memory suffices."""
    regions = find_regions(mask)
    needs = needs_of(inpainter.card)
    needs = replace(needs, each=needs.each + _TURNING)
    damaged, wanted = int(regions.areas.sum()), options.batch or BATCH
    budget = budgets.fit(info, options.window, wanted, needs, memory, damaged)
    height, width = info.height, info.width
    measures = options.plan_arguments()
    plan = make_plan(regions, height, width, mask.read, batch=budget.batch, **measures)
    return plan, budget.cache


def _limits(master: Master, mask: MaskReader) -> tuple[float, float] | None:
    """The range of the known values, where a colour model has one."""
    info = master.info
    if info.colour not in ("grey", "rgb", "cmyk"):
        return None
    return value_range(
        master.read(box)[~mask.read(box)][:, : info.colour_samples] for box in scan_boxes(info)
    )


def _tiles(plan: Plan, mask: MaskReader, spreads: PatchFolder) -> Iterator[tuple[Box, bytes]]:
    """The tiles with filled pixels, encoded, in raster order."""
    index = WindowIndex(plan.at(0))
    for block in mask.blocks():
        damaged = mask.read(block)
        pieces = []
        for window in index.overlapping(block):
            patch = spreads.read(window.number)
            values = patch.values[:, :1]
            pieces.append(Piece.of(window, mask.read(window.core), patch.marks, values))
        found, answered = blend(pieces, block, damaged, plan.overlap, channels=1)
        assert answered.all(), f"no window answers for all of {block}"
        tile = np.zeros((TILE, TILE), "<u2")
        levels = np.rint(np.float64(LARGEST / MOST) * found[:, 0])
        tile[: block.height, : block.width][damaged] = np.clip(levels, 1, LARGEST)
        yield block, encoded(tile)
