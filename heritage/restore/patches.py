"""Finished batches on disk: what a killed run finds again when it is started anew."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage.restore.grain import Grain
from heritage.restore.storage import write_atomically

Floats = NDArray[np.float32]


# What zipfile, zlib and NumPy say of an archive with wrong bytes in it.
_ROTTEN = (
    zipfile.BadZipFile, zlib.error, struct.error,
    ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class Patch:
    """What one window contributes.

    Args:
        values: Level 0: (n, 3) float32 restored RGB of the damaged pixels of the window's core, in
            raster order. Coarser levels: (h, w, 3) the whole window, restored.
        marks: Level 0: (n,) uint8 what the window claims of each. Coarser levels: (h, w) uint8, 1
            where the hole is.
        grain: The window's grain; None at coarser levels and where none is wanted.
    """

    values: Floats
    marks: NDArray[np.uint8]
    grain: Grain | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.values.nbytes + self.marks.nbytes


class PatchFolder:
    """The patches of a job, one file per batch.

    Args:
        path: The folder.
        batches: Window numbers of every batch.
        signature: Digest of the job; patches of another job do not count.
    """

    def __init__(
        self,
        path: Path,
        batches: tuple[tuple[int, ...], ...],
        signature: str,
        cache: int = 64 << 20,
    ) -> None:
        self._path = path
        self._batches = batches
        self._signature = signature
        self._batch_of = {window: n for n, batch in enumerate(batches) for window in batch}
        self._cache: OrderedDict[int, Patch] = OrderedDict()
        self._room = cache
        self._used = 0
        self._guard = Lock()

    def file(self, batch: int) -> Path:
        """Where a batch is kept."""
        return self._path / f"{batch:06d}.npz"

    def write(self, batch: int, patches: Mapping[int, Patch], device: str) -> None:
        """Put a finished batch on disk; when this returns, it counts.

        Args:
            batch: Its number.
            patches: By window number, all of the batch's.
            device: Class of the device that computed it ("cpu", "cuda bfloat16").
        """
        members: dict[str, NDArray[Any]] = {
            "signature": np.frombuffer(self._signature.encode(), np.uint8),
            "device": np.frombuffer(device.encode(), np.uint8),
        }
        for window, patch in patches.items():
            members[f"{window}.values"] = np.ascontiguousarray(patch.values, np.float32)
            members[f"{window}.marks"] = np.ascontiguousarray(patch.marks, np.uint8)
            if patch.grain is not None:
                members[f"{window}.grain"] = _packed(patch.grain)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **members)
        write_atomically(self.file(batch), buffer.getvalue())

    def device(self, batch: int) -> str | None:
        """Class of the device that computed a batch; None if it is missing, torn or foreign."""
        try:
            # From memory: there a wrong position is a fault of the file, and not of the disk.
            with zipfile.ZipFile(io.BytesIO(self.file(batch).read_bytes())) as archive:
                names = set(archive.namelist())
                wanted = {
                    f"{window}.{part}.npy"
                    for window in self._batches[batch]
                    for part in ("values", "marks")
                }
                if not wanted <= names or archive.testzip() is not None:
                    return None
                if self._bytes(archive, "signature") != self._signature.encode():
                    return None
                return self._bytes(archive, "device").decode()
        except (FileNotFoundError, *_ROTTEN):
            return None

    def read(self, window: int) -> Patch:
        """What a window contributes; the most recently used stay in memory.

        Raises:
            OSError: If it is not on disk, or no longer whole.
        """
        with self._guard:
            if window in self._cache:
                self._cache.move_to_end(window)
                return self._cache[window]
        patch = self._load(window)
        with self._guard:
            if window not in self._cache:
                self._cache[window] = patch
                self._used += patch.nbytes
            while self._used > self._room and len(self._cache) > 1:
                self._used -= self._cache.popitem(last=False)[1].nbytes
        return patch

    def grains(self) -> dict[int, Grain]:
        """The grain of every window that has one."""
        found = {}
        for number, batch in enumerate(self._batches):
            with zipfile.ZipFile(self.file(number)) as archive:
                for window in batch:
                    grain = self._grain(archive, window)
                    if grain is not None:
                        found[window] = grain
        return found

    def _load(self, window: int) -> Patch:
        path = self.file(self._batch_of[window])
        try:
            with zipfile.ZipFile(path) as archive:
                values = self._array(archive, f"{window}.values")
                marks = self._array(archive, f"{window}.marks")
                return Patch(values, marks, self._grain(archive, window))
        except _ROTTEN as error:
            raise OSError(f"this piece of finished work is damaged ({error}); run again") from error

    def _grain(self, archive: zipfile.ZipFile, window: int) -> Grain | None:
        if f"{window}.grain.npy" not in archive.namelist():
            return None
        return _unpacked(self._array(archive, f"{window}.grain"))

    @staticmethod
    def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
        # Read to the end, so that zipfile compares the checksum.
        return np.asarray(np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False))

    def _bytes(self, archive: zipfile.ZipFile, name: str) -> bytes:
        return bytes(self._array(archive, name).tobytes())


def _packed(grain: Grain) -> NDArray[np.float64]:
    scalars = [grain.likeness, float(grain.weight)]
    return np.concatenate([grain.around.ravel(), grain.inside.ravel(), scalars])


def _unpacked(packed: NDArray[np.float64]) -> Grain:
    around, inside = packed[:9].reshape(3, 3), packed[9:18].reshape(3, 3)
    return Grain(around, inside, float(packed[18]), int(packed[19]))
