"""Finished batches on disk: what a killed run finds again when it is started anew.

A file holds one batch: a head with its own checksum, and the patches one after the other, each with
a checksum in the head. So one patch can be read without the others, and what is torn or rotten is
never taken for finished work.
"""

from __future__ import annotations

import json
import os
import struct
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

_MAGIC = b"HRPATCH2"
_HEAD = struct.Struct("<8sIII")  # magic, bytes of the text, windows, checksum of text and table
_ROW = np.dtype(
    [("window", "<i8"), ("at", "<i8"), ("size", "<i8"), ("height", "<i8"), ("width", "<i8"),
     ("grain", "<i4"), ("checksum", "<u4")]
)  # fmt: skip
_GRAIN = 20  # float64 numbers


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
    """The patches of a job, one file per batch; several threads may share one.

    Args:
        path: The folder.
        batches: Window numbers of every batch.
        signature: Digest of the job; patches of another job do not count.
        cache: Bytes of patches to keep in memory.
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
        return self._path / f"{batch:06d}.patches"

    def write(self, batch: int, patches: Mapping[int, Patch], device: str) -> None:
        """Put a finished batch on disk; when this returns, it counts.

        Args:
            batch: Its number.
            patches: By window number, all of the batch's.
            device: Class of the device that computed it ("cpu", "cuda bfloat16").
        """
        text = json.dumps([self._signature, device]).encode()
        table, blobs = np.zeros(len(patches), _ROW), []
        at = _HEAD.size + len(text) + table.nbytes
        for number, (window, patch) in enumerate(patches.items()):
            blob = _packed(patch)
            height, width = (*patch.marks.shape, -1)[:2]
            grain = patch.grain is not None
            table[number] = (window, at, len(blob), height, width, grain, zlib.crc32(blob))
            blobs.append(blob)
            at += len(blob)
        body = text + table.tobytes()
        head = _HEAD.pack(_MAGIC, len(text), len(table), _checksum(len(text), len(table), body))
        write_atomically(self.file(batch), b"".join([head, body, *blobs]))

    def device(self, batch: int) -> str | None:
        """Class of the device that computed a batch; None if it is missing, torn or foreign."""
        try:
            data = memoryview(self.file(batch).read_bytes())
            signature, device, table = _read_head(data)
        except (FileNotFoundError, _Torn):
            return None
        if signature != self._signature or not {*self._batches[batch]} <= {*table["window"]}:
            return None
        ends = [_HEAD.size] if not len(table) else (table["at"] + table["size"]).tolist()
        if max(ends) != len(data):
            return None
        whole = all(zlib.crc32(data[r["at"] : r["at"] + r["size"]]) == r["checksum"] for r in table)
        return device if whole else None

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
        """The grain of every window that has one.

        Raises:
            OSError: If a batch is not on disk, or no longer whole.
        """
        found = {}
        for number, batch in enumerate(self._batches):
            with _Open(self.file(number)) as file:
                rows = {int(row["window"]): row for row in file.table if row["grain"]}
                for window in batch:
                    if window in rows:
                        found[window] = _grain_of(file.patch(rows[window]))
        return found

    def _load(self, window: int) -> Patch:
        with _Open(self.file(self._batch_of[window])) as file:
            rows = file.table[file.table["window"] == window]
            if not len(rows):
                raise OSError("this piece of finished work lacks a window; run again")
            return _unpacked(file.patch(rows[0]), rows[0])


class _Torn(ValueError):
    """Bytes that are no batch, or no longer a whole one."""


class _Open:
    """One batch's file, open for reading single patches."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            size = _size_of_head(os.pread(self._file, _HEAD.size, 0))
            size = min(size, os.fstat(self._file).st_size)  # whatever rotten bytes may claim
            _, _, self.table = _read_head(memoryview(os.pread(self._file, size, 0)))
        except _Torn as error:
            os.close(self._file)
            raise OSError(f"this piece of finished work is damaged ({error}); run again") from error
        except BaseException:
            os.close(self._file)
            raise

    def patch(self, row: np.void) -> bytes:
        """The bytes of one patch, which are what was written."""
        blob = os.pread(self._file, int(row["size"]), int(row["at"]))
        if zlib.crc32(blob) != row["checksum"]:
            raise OSError("this piece of finished work is damaged (a checksum differs); run again")
        return blob

    def __enter__(self) -> _Open:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _checksum(text: int, windows: int, body: bytes | memoryview) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<II", text, windows)))


def _size_of_head(data: bytes | memoryview) -> int:
    if len(data) < _HEAD.size:
        raise _Torn("cut short")
    magic, text, windows, _ = _HEAD.unpack(data[: _HEAD.size])
    if magic != _MAGIC:
        raise _Torn("not what it should be")
    return int(_HEAD.size + text + windows * _ROW.itemsize)


def _read_head(data: memoryview) -> tuple[str, str, NDArray[Any]]:
    """Signature, device and table of a batch's file, whose first bytes ``data`` are."""
    size = _size_of_head(data)
    _, text, windows, checksum = _HEAD.unpack(data[: _HEAD.size])
    body = data[_HEAD.size : size]
    if len(data) < size or _checksum(text, windows, body) != checksum:
        raise _Torn("its head is damaged")
    signature, device = json.loads(bytes(body[:text]))
    return signature, device, np.frombuffer(body[text:], _ROW)


def _packed(patch: Patch) -> bytes:
    parts: list[NDArray[Any]] = [
        np.asarray(patch.values, np.float32),
        np.asarray(patch.marks, np.uint8),
    ]
    if patch.grain is not None:
        grain = patch.grain
        scalars = [grain.likeness, float(grain.weight)]
        parts.append(np.concatenate([grain.around.ravel(), grain.inside.ravel(), scalars]))
    return b"".join(part.tobytes() for part in parts)


def _unpacked(blob: bytes, row: np.void) -> Patch:
    shape = (int(row["height"]), int(row["width"])) if row["width"] >= 0 else (int(row["height"]),)
    count = int(np.prod(shape))
    values = np.frombuffer(blob, np.float32, 3 * count).reshape(*shape, 3)
    marks = np.frombuffer(blob, np.uint8, count, values.nbytes).reshape(shape)
    return Patch(values, marks, _grain_of(blob) if row["grain"] else None)


def _grain_of(blob: bytes) -> Grain:
    numbers = np.frombuffer(blob[-8 * _GRAIN :], np.float64)
    around, inside = numbers[:9].reshape(3, 3), numbers[9:18].reshape(3, 3)
    return Grain(around, inside, float(numbers[18]), int(numbers[19]))
