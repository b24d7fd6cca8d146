"""The uncertainty map: how far each filled pixel is the method's own invention.

The windows are those of the restoration, over the signed mask: each is filled again over flips and
quarter turns (``models.uncertainty``), and how much the answers scatter is blended as the fills
were. Where fills were taken back, the picture counts as known, as in the signed picture. Grain,
which is added to smooth fills, is not counted.

A hole too deep for one window follows a coarser scale, which is as uncertain as it is. What it lent
to a window adds to the window's own spread in squares, by the law of total variance, with the
weight that the guide has in the fill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

import heritage
from heritage.ahead import in_turn
from heritage.archive.dossier import Method
from heritage.damage.masks import TILE, MaskReader, open_mask
from heritage.damage.regions import find_regions
from heritage.errors import MaskRefused, NotEnoughMemory, UnknownModel, VerificationFailed
from heritage.geometry import Box
from heritage.resident import resident
from heritage.restore import memory as budgets
from heritage.restore.allocator import give_back, keep_memory_steady, memory_reused
from heritage.restore.blend import Piece, WindowIndex, blend, claims
from heritage.restore.colour import WorkingSpace, needs_value_range, value_range
from heritage.restore.devices import devices_of
from heritage.restore.filling import repeatable
from heritage.restore.guide import merge_guide
from heritage.restore.inpainters import load_inpainter
from heritage.restore.leading import Leader
from heritage.restore.options import Options
from heritage.restore.patches import Patch, PatchFolder
from heritage.restore.patching import patch_of
from heritage.restore.plan import BATCH, Plan, make_plan
from heritage.restore.prepare import needs_of
from heritage.restore.scan import scan_boxes
from heritage.restore.staging import Shown, Staged
from heritage.restore.storage import partial_of, storage, sync, sync_folder
from heritage.restore.views import ViewReader
from heritage.restore.windows import Window
from heritage.tiff import Master, MasterInfo, inspect, open_master

if TYPE_CHECKING:
    from models.inpainter import Inpainter

Floats = NDArray[np.float32]
Told = Callable[[int, int], None]

MOST: Final = 0.5
"""The largest standard deviation that values within 0..1 can have."""

LARGEST: Final = 65535
"""How ``MOST`` is written; a filled pixel is never 0, not even where all answers agree."""

_TURNING = 270  # bytes per pixel that the spread of a batch takes besides the fill
_CLASSIC = 3 << 30  # bytes before compression up to which offsets of 32 bits are surely enough
_LEVEL = 6
_FULL = 0.7  # share of the memory beyond which what is not in use is given back


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
        spreading = _Spreading.begin(plan, view, inpainter, Path(work), cache // 2)
        spreading.run(memory, told)
        tiles = _tiles(plan, reader, spreading.spreads)
        _write(target, reader.height, reader.width, tiles, inpainter.name)


def summary(path: Path) -> dict[str, Any]:
    """What an uncertainty map says over all filled pixels, as JSON values.

    Args:
        path: A file of ``write_uncertainty``.

    Returns:
        ``pixels``, and of their standard deviations (full scale is 1) the ``mean``, the ``p95``
        that 95 % do not exceed, and the ``largest``; 0 where no pixel is filled.

    Raises:
        VerificationFailed: If it is no such file.
        StorageFailed: If it cannot be read.
    """
    with storage(path):
        counts = _histogram(path)
    counts[0] = 0
    pixels = int(counts.sum())
    below = np.cumsum(counts)
    sum_of = int((counts * np.arange(len(counts))).sum())
    found = {
        "mean": sum_of / max(pixels, 1),
        "p95": int(np.searchsorted(below, 0.95 * pixels)),
        "largest": int(np.flatnonzero(counts).max(initial=0)),
    }
    return {"pixels": pixels} | {
        name: round(MOST * value / LARGEST, 6) for name, value in found.items()
    }


@dataclass(frozen=True)
class _Spreading:
    """Computes the windows of a plan, batch by batch; what is found lies on disk."""

    plan: Plan
    view: ViewReader
    inpainter: Inpainter
    guides: PatchFolder
    spreads: PatchFolder

    @classmethod
    def begin(
        cls, plan: Plan, view: ViewReader, inpainter: Inpainter, work: Path, cache: int
    ) -> _Spreading:
        """With empty folders."""
        folders = []
        for name in ("guides", "spreads"):
            (work / name).mkdir()
            folders.append(PatchFolder(work / name, plan.batches, name, cache))
        return cls(plan, view, inpainter, *folders)

    def run(self, memory: int, told: Told | None) -> None:
        """All batches, coarser scales first."""
        done = 0
        with repeatable(), memory_reused(), ThreadPoolExecutor(1, "read") as pool:
            numbered = range(len(self.plan.batches))
            for level, stage in groupby(numbered, lambda number: self._windows(number)[0].level):
                guide, spread = (Leader(self.plan, f, level) for f in (self.guides, self.spreads))
                read_one = partial(self._read, guide=guide, spread=spread)
                # While one is computed, the next is read.
                for read in in_turn(pool, read_one, stage, 2):
                    self._compute(read)
                    done += len(read.shown)
                    if told is not None:
                        told(done, len(self.plan.windows))
                    if resident() > _FULL * memory:
                        give_back()

    def _windows(self, batch: int) -> list[Window]:
        return [self.plan.windows[number] for number in self.plan.batches[batch]]

    def _read(self, batch: int, guide: Leader, spread: Leader) -> _Read:
        windows = self._windows(batch)
        staged = Staged(len(windows), windows[0].shape, False)
        shown, inherited = [], []
        for place, window in enumerate(windows):
            one = staged.put(place, window, self.view.read(window), guide.lead(window))
            shown.append(one)
            inherited.append(self._inherited(one, spread))
        return _Read(batch, staged, shown, inherited)

    def _inherited(self, shown: Shown, spread: Leader) -> Floats | None:
        """(h, w) what the coarser scale's own spread comes to in a window."""
        lead = spread.lead(shown.window)
        if lead is None:
            return None
        nothing = np.zeros((*shown.hole.shape, 1), np.float32)
        merged = merge_guide(nothing, lead.picture[..., :1], shown.hole, lead.covered, self._reach)
        return merged[..., 0]

    @property
    def _reach(self) -> float:
        return min(64.0, float(self.plan.context))

    def _compute(self, read: _Read) -> None:
        spreads, fills = self._answers(read)
        numbers = self.plan.batches[read.batch]
        device = self.inpainter.device_class
        if fills is not None:
            made = {
                number: patch_of(shown, read.staged.image(place), fills[place], False, self._reach)
                for place, (number, shown) in enumerate(zip(numbers, read.shown, strict=True))
            }
            self.guides.write(read.batch, made, device)
        for own, more in zip(spreads, read.inherited, strict=True):
            if more is not None:
                np.hypot(own, more, out=own)
        found = map(_patch_of, read.shown, spreads)
        self.spreads.write(read.batch, dict(zip(numbers, found, strict=True)), device)

    def _answers(self, read: _Read) -> tuple[Floats, Floats | None]:
        """(n, h, w) the spread of each window; (n, 3, h, w) its fill where others follow it."""
        import torch

        from models.uncertain import uncertainty

        images, holes = read.staged.images, read.staged.holes
        try:
            spread = uncertainty(self.inpainter, images, holes)[:, 0].numpy()
            leads = read.shown[0].window.level > 0
            fills = self.inpainter(images, holes).numpy() if leads else None
        except torch.OutOfMemoryError as error:
            raise NotEnoughMemory(
                f"the device cannot hold one window of {self.inpainter.name}; choose another device"
            ) from error
        # All answers are mid-grey then, which is no agreement.
        spread[holes.flatten(1).all(1).numpy()] = MOST
        return spread, fills


@dataclass(frozen=True)
class _Read:
    """A batch that can be computed."""

    batch: int
    staged: Staged
    shown: list[Shown]
    inherited: list[Floats | None]


def _patch_of(shown: Shown, spread: Floats) -> Patch:
    """The spread of a window as patches are kept: three times the same."""
    window = shown.window
    if window.level > 0:
        return Patch(_three(spread), shown.hole.astype(np.uint8))
    core = window.core.within(window.box)
    damaged = shown.damaged[core]
    return Patch(_three(spread[core][damaged]), claims(window, shown.damaged)[damaged])


def _three(values: Floats) -> Floats:
    return np.repeat(values[..., None], 3, axis=-1)


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
        yield block, _encoded(tile)


def _encoded(tile: NDArray[np.uint16]) -> bytes:
    # its annotations know only bytes
    return bytes(imagecodecs.deflate_encode(tile, level=_LEVEL))  # type: ignore[arg-type]


def _write(
    target: Path, height: int, width: int, tiles: Iterable[tuple[Box, bytes]], method: str
) -> None:
    """Write the map under its name in one step.

    Empty tiles are there, at some 500 bytes each: not every program takes a file without them.
    """
    across = -(-width // TILE)
    count = across * -(-height // TILE)
    empty = _encoded(np.zeros((TILE, TILE), "<u2"))

    def every_tile() -> Iterator[bytes]:
        done = 0
        for block, data in tiles:
            number = block.y0 // TILE * across + block.x0 // TILE
            yield from (empty for _ in range(number - done))
            yield data
            done = number + 1
        yield from (empty for _ in range(count - done))

    with partial_of(target) as partial:
        large = count * TILE * TILE * 2 > _CLASSIC
        with tifffile.TiffWriter(partial, bigtiff=large, byteorder="<") as file:
            file.write(
                every_tile(),
                shape=(height, width),
                dtype="<u2",
                tile=(TILE, TILE),
                photometric="minisblack",
                compression="adobe_deflate",
                description=_description(method),
                metadata=None,
                software=f"heritage {heritage.__version__}",
            )
        sync(partial)
        partial.replace(target)
    sync_folder(target.parent)


def _description(method: str) -> str:
    said = (
        f"Uncertainty of the digital completion by {method}. 0: a pixel of the original scan. "
        f"v from 1 to {LARGEST}: standard deviation v / {LARGEST} * {MOST} of full scale among "
        "the fills over eight flips and quarter turns (root mean square over red, green, blue). "
        "It tells how far the answers scatter, not how far they are from what was lost."
    )
    return said.encode("ascii", "replace").decode()


def _histogram(path: Path) -> NDArray[np.int64]:
    """How often each value stands in the file, edges of its tiles included."""
    counts = np.zeros(LARGEST + 1, np.int64)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            if page.dtype != np.uint16 or page.samplesperpixel != 1 or not page.is_tiled:
                raise VerificationFailed("is no uncertainty map", path)
            for index, (at, size) in enumerate(
                zip(page.dataoffsets, page.databytecounts, strict=True)
            ):
                file.filehandle.seek(at)
                tile, _, _ = page.decode(file.filehandle.read(size), index)
                if tile is not None:
                    counts += np.bincount(np.ravel(tile), minlength=len(counts))
    except (tifffile.TiffFileError, ValueError, RuntimeError) as error:
        raise VerificationFailed(f"is no uncertainty map: {error}", path) from error
    return counts
