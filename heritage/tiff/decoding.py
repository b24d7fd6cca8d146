"""Decoding compressed tiles and strips in a process that may crash, hang or burst in our stead.

Inspection decodes a sample of a master; here the rest of it is decoded, whenever it is needed.
Compressed bytes go to the worker and pixels come back through memory that both processes see.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from heritage.tiff.codec import Codec, Pixels
from heritage.tiff.guard import GUARDS
from heritage.tiff.isolation import SECONDS, WorkerGone
from heritage.tiff.runs import RUN_BYTES, Runs

OPENED: Final = count()
"""Numbers openings of pages: a file may be replaced, or rewritten in place, between two."""
BYTES_A_SECOND: Final = 8 << 20
"""Pixels that the slowest codec decodes on a busy machine."""
SPARE: Final = 64 << 20
"""Bytes by which compressed data may be longer than its pixels."""


def require_plausible(codec: Codec, counts: NDArray[np.uint64]) -> None:
    """Refuse tiles or strips that only a bomb needs so many bytes for, before they are read.

    Args:
        codec: Of a compressed page.
        counts: Bytes of its tiles or strips.

    Raises:
        ValueError: If one of them is much longer than its pixels.
    """
    most = decoded_bytes(codec) + SPARE
    if int(counts.max(initial=0)) > most:
        raise ValueError(f"a tile or strip of {int(counts.max()):,} bytes for fewer pixels")


class Undecodable(ValueError):
    """A tile or strip is damaged, or its codec crashed, hung or wanted too much memory."""


class GuardedDecoder:
    """Decodes the segments of one compressed page, out of harm's way. Thread-safe.

    Args:
        path: The file; a worker opens it by this name.
        descriptor: The same file, open.
        at: Where the page's directory lies.
        codec: Of the page.
    """

    def __init__(self, path: Path, descriptor: int, at: int, codec: Codec) -> None:
        self._codec = codec
        self._request = {
            "opening": next(OPENED),
            "open": os.path.abspath(path),  # noqa: PTH100 - links are the user's names
            "file": fingerprint(descriptor),
            "at": at,
            "index": codec.page.index,
        }
        self._room = decoded_bytes(codec)
        self._runs = Runs(self._room, len(codec.page.dataoffsets))

    def decode(self, segment: int, read: Callable[[int], bytes | None]) -> Pixels:
        """The pixels of a tile or strip, as ``Codec.decode`` gives them.

        Args:
            segment: Its index in the page.
            read: Gives the bytes of any of them, None where the file leaves it out.

        Raises:
            One of ``DECODER_FAULTS``: If the data is damaged, or decoding it fails badly.
            StorageFailed: If it cannot be read.
        """
        ready = self._runs.take(segment)
        if ready is not None:
            return ready
        data = read(segment)
        if data is None:
            return self._codec.decode(segment, None)
        run = [data]
        for number in self._runs.following(segment):
            data = read(number)
            if data is None or sum(map(len, run)) > RUN_BYTES:
                break
            run.append(data)
        answers = self._decoded(segment, run)
        if isinstance(answers[0], str) and len(run) > 1:
            # It may be the fault of another one.
            answers = self._decoded(segment, run[:1])
        if isinstance(answers[0], str):
            raise Undecodable(answers[0])
        self._runs.keep(segment, answers)
        return answers[0]

    def _decoded(self, first: int, run: list[bytes]) -> list[Pixels | str]:
        seconds = SECONDS + self._room * len(run) / BYTES_A_SECOND
        request = self._request | {"segments": list(range(first, first + len(run)))}
        try:
            with GUARDS.borrowed() as guard:
                return guard.pixels(request, run, self._codec.dtype, self._room, seconds)
        except WorkerGone as error:
            return [f"{error}; the file is damaged"] * len(run)

    def close(self) -> None:
        """Give back what no other master needs."""
        GUARDS.trim()


def read_page(path: Path, at: int, index: int) -> tifffile.TiffPage:
    """A page as tifffile understands it.

    Args:
        path: The file; it stays open until the ``parent`` of the page is closed.
        at: Where the page's directory lies.
        index: Of the page.

    Raises:
        One of ``DECODER_FAULTS``: If it makes no sense to tifffile.
        OSError: If the file cannot be read.
    """
    tiff = tifffile.TiffFile(str(path), is_ndpi=False, is_lsm=False, is_scanimage=False)
    try:
        tiff.filehandle.seek(at)
        return tifffile.TiffPage(tiff, index=index)
    except BaseException:
        tiff.close()
        raise


def decoded_bytes(codec: Codec) -> int:
    """Bytes of the pixels of the largest tile or strip of a page."""
    page = codec.page
    if page.is_tiled:
        area = page.tilelength * page.tilewidth
    else:
        area = min(page.rowsperstrip, page.imagelength) * page.imagewidth
    return int(area * codec.samples * codec.dtype.itemsize)


def fingerprint(descriptor: int) -> list[int]:
    """What tells whether two open files are the same one."""
    status = os.fstat(descriptor)
    return [status.st_dev, status.st_ino, status.st_size]
