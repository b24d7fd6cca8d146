"""Fill the windows of a batch on a device, fewer at once where its memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heritage.errors import NotEnoughMemory

if TYPE_CHECKING:
    from torch import Tensor

    from models.inpainter import Inpainter

Floats = NDArray[np.float32]

# What torch, cuDNN, cuBLAS and Metal say where they raise a plain RuntimeError.
_EXHAUSTED = ("out of memory", "alloc_failed", "can't allocate memory", "not enough memory")


class Filler:
    """One device at work, which remembers how much it can hold; for one thread.

    Windows that are computed apart from each other come out the same as together, as far as the
    device does the same sums for any number of them: a CPU does; a GPU's library may choose another
    method for another number, and then the last bits of a fill differ.

    Args:
        inpainter: On its device.
    """

    def __init__(self, inpainter: Inpainter) -> None:
        self.inpainter = inpainter
        self._most: int | None = None  # pixels at once, as soon as a limit has been met

    @property
    def on_gpu(self) -> bool:
        """Whether windows are fetched from pinned memory."""
        return self.inpainter.device.type == "cuda"

    def fill(self, images: Tensor, holes: Tensor) -> Floats:
        """The windows with their holes filled.

        Args:
            images: (n, 3, h, w) float32.
            holes: (n, 1, h, w) bool.

        Returns:
            (n, 3, h, w).

        Raises:
            NotEnoughMemory: If the device cannot hold even one window.
        """
        pixels = images.shape[-2] * images.shape[-1]
        count = len(images) if self._most is None else max(1, self._most // pixels)
        if len(images) <= count:
            found = self._attempt(images, holes)
            if found is not None:
                return found
            count = len(images) // 2
            self._most = count * pixels
        parts = zip(images.split(count), holes.split(count), strict=True)
        return np.concatenate([self.fill(*part) for part in parts])

    def _attempt(self, images: Tensor, holes: Tensor) -> Floats | None:
        """The filled windows; None where they are too many for the device's memory."""
        try:
            device = self.inpainter.device
            shown = images.to(device, non_blocking=True), holes.to(device, non_blocking=True)
            filled: Floats = self.inpainter(*shown).cpu().numpy()
            return filled
        except (RuntimeError, MemoryError) as error:
            if not _ran_out(error):
                raise
            if len(images) == 1:
                height, width = images.shape[-2:]
                raise NotEnoughMemory(
                    f"the device cannot hold one window of {height} x {width} pixels for "
                    f"{self.inpainter.name}; choose a smaller window or another device"
                ) from error
        # Not before the error is gone, whose frames hold what filled the memory.
        self._free()
        return None

    def _free(self) -> None:
        if self.on_gpu:
            import torch

            torch.cuda.empty_cache()


@contextmanager
def repeatable() -> Iterator[None]:
    """Choose torch's repeatable methods for as long as several threads compute.

    Every inpainter does so itself; but this is a setting of the whole process, and the first thread
    to leave would take it back from the others.
    """
    import torch

    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield


def _ran_out(error: BaseException) -> bool:
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return any(words in said for words in _EXHAUSTED)
