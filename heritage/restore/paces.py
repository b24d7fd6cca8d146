"""How quickly this machine works: measured in a few seconds, and remembered from real runs.

What a model takes depends on the pixels it computes and on those it fills. So some of the very
windows of a plan are filled on trial, and two coefficients fitted to them. A network is taken at
the pace of earlier runs, where there were any with as much damage to a window.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heritage.restore.storage import storage

if TYPE_CHECKING:
    from heritage.restore.windows import Window
    from heritage.restore.workload import Load
    from models.inpainter import Inpainter

FILE = "paces.json"
SECONDS = 8.0  # of filling on trial, for one master
_FITTED = 4  # trials from which on both coefficients are looked for
_TELLING = 2.0  # megapixels computed before a remembered pace is believed
_ALIKE = 1.3  # times as much damage to a window, or as little, as a pace is believed for
_LONGEST = 50.0  # megapixels that are remembered; older ones fade
_TOGETHER = 1 << 20  # pixels of windows filled at once, as in a batch that is half full
_PROBE = 32 << 20  # bytes copied and hashed on trial
_GOLDEN = 0.6180339887498949

Clock = Callable[[], float]


@dataclass(frozen=True)
class Work:
    """Windows, and what they took.

    Attributes:
        megapixels: Computed.
        damaged: Megapixels of them that were filled.
        seconds: For all of them; 0 where it is not known yet.
    """

    megapixels: float = 0.0
    damaged: float = 0.0
    seconds: float = 0.0

    @classmethod
    def of(cls, load: Load, seconds: float = 0.0) -> Work:
        """A load, and what it took."""
        return cls(load.computed / 1e6, load.shown / 1e6, seconds)

    @property
    def share(self) -> float:
        """How much of what is computed is filled, 0..1."""
        return self.damaged / self.megapixels if self.megapixels else 0.0

    def tells_of(self, other: Work) -> bool:
        """Whether it is enough, and enough alike, to conclude from it."""
        if self.megapixels < _TELLING:
            return False
        return self.share <= _ALIKE * other.share and other.share <= _ALIKE * self.share

    def seconds_for(self, other: Work) -> float:
        """What other work would take at the same pace."""
        return other.megapixels * self.seconds / self.megapixels if self.megapixels else 0.0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.megapixels + other.megapixels,
            self.damaged + other.damaged,
            self.seconds + other.seconds,
        )

    def faded(self) -> Work:
        """The same pace with no more weight than what is remembered may have."""
        part = min(1.0, _LONGEST / self.megapixels) if self.megapixels else 1.0
        return Work(*(part * value for value in astuple(self)))


def seconds_from(trials: Sequence[Work], whole: Work) -> float:
    """What a whole plan will take, going by some of its windows.

    Seconds are fitted as a sum of so much a pixel computed and so much a pixel filled, neither
    negative (least squares of relative errors); from few trials, as proportional to the pixels.
    """
    from scipy.optimize import nnls

    total = sum(trials, Work())
    if len(trials) < _FITTED or not whole.damaged:
        return total.seconds_for(whole)
    known = np.array([[one.megapixels, one.damaged] for one in trials])
    took = np.array([one.seconds for one in trials])
    scale = 1 / np.maximum(took, 1e-6)
    rates, _ = nnls(known * scale[:, None], took * scale)
    # Relative errors are least below the mean: what was tried has to come out as it was.
    tried = float(np.sum(known @ rates))
    correction = total.seconds / tried if tried else 0.0
    return correction * float(rates @ [whole.megapixels, whole.damaged])


def remembered(inpainter: Inpainter) -> Work:
    """Earlier runs with this inpainter on this machine."""
    from models.remembered import recall

    entry = recall(FILE, _key(inpainter)) or {}
    found = [entry.get(name) for name in ("megapixels", "damaged", "seconds")]
    numbers = [float(value) for value in found if isinstance(value, int | float) and value > 0]
    return Work(*numbers) if len(numbers) == len(found) else Work()


def remember(inpainter: Inpainter, work: Work) -> None:
    """Learn from a run; nothing happens where nothing can be kept.

    Args:
        inpainter: What computed.
        work: What was computed, and what it took.
    """
    from models.remembered import note

    if min(astuple(work)) <= 0:
        return
    known = (remembered(inpainter) + work).faded()
    names = ("megapixels", "damaged", "seconds")
    note(FILE, _key(inpainter), {name: round(getattr(known, name), 4) for name in names})


@contextmanager
def learn(folder: Path, device: str, load: Load) -> Iterator[None]:
    """Remember what the work inside the block took.

    Args:
        folder: The work folder of the job that is worked on.
        device: Where it runs.
        load: How much work it is.
    """
    from heritage.restore.devices import load_inpainters
    from heritage.restore.job import open_job

    inpainters = load_inpainters(open_job(folder).model, device)
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    if len(inpainters) == 1:  # what several do together says nothing of one
        remember(inpainters[0], Work.of(load, seconds))


def _key(inpainter: Inpainter) -> str:
    import torch

    from models.remembered import processor

    weights = inpainter.weights_sha256 or inpainter.card.kind
    threads = f"{torch.get_num_threads()} threads"
    return f"{inpainter.name} {weights}; {inpainter.device_class}; {threads}; {processor()}"


def trial(
    windows: Sequence[Window],
    fill: Callable[[list[Window]], Work],
    seconds: float = SECONDS,
    clock: Clock = time.perf_counter,
) -> list[Work]:
    """Fill some windows of a plan, of every size, until the time is up.

    Args:
        windows: All of the plan.
        fill: Fills windows of one shape and says what that was.
        seconds: After which nothing further is begun.
        clock: Seconds.

    Returns:
        What was filled; at least one window, if there is any.
    """
    began, done = clock(), []
    for group in _samples(windows):
        started = clock()
        done.append(fill(group))
        ended = clock()
        if ended - began + (ended - started) > seconds:
            break
    return done


def _samples(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Groups of one shape, spread evenly over all sizes, none twice.

    The multiples of the golden ratio fall evenly at whatever point one stops.
    """
    order = sorted(windows, key=lambda w: (w.level, w.box.area, w.shape, w.number))
    taken: set[int] = set()
    for step in range(len(order)):
        at = int((0.5 + step * _GOLDEN) % 1.0 * len(order))
        first = next((n for n in _from(at, len(order)) if n not in taken), None)
        if first is None:
            return
        most = max(1, _TOGETHER // order[first].box.area)
        alike = (n for n in range(first, len(order)) if n not in taken)
        group = [n for n in _within(alike, 4 * most) if order[n].shape == order[first].shape]
        group = group[:most]
        taken.update(group)
        yield [order[n] for n in group]


def _from(start: int, count: int) -> Iterator[int]:
    yield from range(start, count)
    yield from range(start)


def _within(numbers: Iterable[int], most: int) -> Iterator[int]:
    for _, number in zip(range(most), numbers, strict=False):
        yield number


def byte_seconds(file: Path, folder: Path, clock: Clock = time.perf_counter) -> float:
    """Seconds a byte for reading, hashing and copying, tried on the beginning of a file.

    Args:
        file: It is only read.
        folder: On the disk that is to be written to; the copy there is removed.
        clock: Seconds.
    """
    with storage(file), file.open("rb") as stream:
        started = clock()
        data = stream.read(_PROBE)
        # The master is hashed before, while and after it is copied, the copy once.
        for _ in range(2):
            hashlib.sha256(data).digest()
        copy = folder / "pace"
        copy.write_bytes(data)
        took = clock() - started
    copy.unlink()
    return took / max(len(data), 1)
