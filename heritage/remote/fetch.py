"""Fetching a file: resumed after a kill, hashed while it arrives, under its name when whole."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heritage.remote.address import Address
from heritage.remote.faults import Changed, Interrupted, NoRanges, RemoteFailed
from heritage.remote.origin import Origin, note_path, read_origin, write_origin
from heritage.remote.store import DELAYS, PIECE, Sleep, Stamp, Store, patiently
from heritage.restore.storage import require_space, storage, sync_folder

if TYPE_CHECKING:
    from hashlib import _Hash

SAFE_EVERY: Final = 64 << 20
"""Bytes after which what arrived is written to the disk for certain. A run that goes on trusts no
more than that: after a power cut a file may be long and yet hold nothing."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fetched:
    """A file that is here now.

    Attributes:
        path: Where.
        origin: Where it came from.
        moved: Bytes that had to be fetched for it in this run.
    """

    path: Path
    origin: Origin
    moved: int


def fetch(
    store: Store,
    address: Address,
    target: Path,
    progress: Progress | None = None,
    sleep: Sleep = time.sleep,
    stamp: Stamp | None = None,
) -> Fetched:
    """Bring a file here, or find that it is here already.

    Args:
        store: Where it is.
        address: Which one.
        target: Its name here; the folder must be there and ours alone.
        progress: Told how many bytes are here, and how many there are.
        sleep: Waits between tries.
        stamp: What it is, if that is known already.

    Returns:
        The file; complete, and the same from its first byte to its last.

    Raises:
        RemoteFailed: If it is not to be had, or changes while it is fetched.
        StorageFailed: If it does not fit on the disk.
    """
    stamp = stamp or patiently(lambda: store.stat(address), sleep)
    known = read_origin(target)
    same = known is not None and known.url == str(address) and known.stamp.same_as(stamp)
    if known is not None and same and known.sha256 and _size(target) == stamp.bytes:
        return Fetched(target, known, 0)
    part = target.with_name(f"{target.name}.part")
    safe = max(0, min(known.safe, _size(part))) if known is not None and same else 0
    arrival = _Arrival(part, target, Origin(str(address), stamp, safe=safe))
    require_space(target.parent, stamp.bytes - safe)
    with storage(target.parent):
        target.unlink(missing_ok=True)
        arrival.open()
        try:
            _receive(store, address, arrival, progress, sleep)
            if not patiently(lambda: store.stat(address), sleep).same_as(stamp) and (
                stamp.tag or stamp.modified
            ):
                raise Changed("changed while it was being fetched; run again", address)
            origin = arrival.complete(address)
        except Changed:
            arrival.discard()
            raise
        finally:
            arrival.close()
    return Fetched(target, origin, arrival.moved)


def _receive(
    store: Store, address: Address, arrival: _Arrival, progress: Progress | None, sleep: Sleep
) -> None:
    """All that is missing, however often the connection breaks, as long as something arrives."""
    stamp, fruitless, restarted = arrival.origin.stamp, 0, False
    while arrival.at < stamp.bytes:
        before = arrival.at
        try:
            for piece in store.read(address, arrival.at, stamp.bytes, stamp):
                arrival.add(piece)
                if progress is not None:
                    progress(arrival.at, stamp.bytes)
        except NoRanges:
            if restarted:
                raise
            restarted = True
            arrival.restart()
        except Interrupted as fault:
            fruitless = 0 if arrival.at - before >= PIECE else fruitless + 1
            if fruitless > len(DELAYS):
                raise RemoteFailed(
                    f"{fault.reason}; {arrival.at} of {stamp.bytes} bytes are here and are kept",
                    address,
                ) from fault
            if stamp.tag is None and stamp.modified is None:
                arrival.restart()  # nothing would tell that the rest is of another file
            sleep(DELAYS[max(0, fruitless - 1)])
            restarted = False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


class _Arrival:
    """A file that is arriving: its bytes, their hashes, and how much of it is safe."""

    def __init__(self, part: Path, target: Path, origin: Origin) -> None:
        self.part, self.target, self.origin = part, target, origin
        self.at = self.moved = 0
        self._descriptor = -1
        self._digests: tuple[_Hash, _Hash] = _digests()

    def open(self) -> None:
        """Go on after what is safe."""
        self._descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._descriptor, self.origin.safe)
        while self.at < self.origin.safe:
            piece = os.pread(self._descriptor, min(8 << 20, self.origin.safe - self.at), self.at)
            self._digest(piece)
            self.at += len(piece)
        write_origin(self.target, self.origin)

    def add(self, piece: bytes) -> None:
        """The next bytes."""
        view = memoryview(piece)
        while view:
            view = view[os.pwrite(self._descriptor, view, self.at + len(piece) - len(view)) :]
        self._digest(piece)
        self.at += len(piece)
        self.moved += len(piece)
        if self.at - self.origin.safe >= SAFE_EVERY:
            self._secure()

    def restart(self) -> None:
        """Forget what came: the server sends everything from the beginning or nothing."""
        os.ftruncate(self._descriptor, 0)
        self.at, self.origin, self._digests = 0, replace(self.origin, safe=0), _digests()
        write_origin(self.target, self.origin)

    def complete(self, address: Address) -> Origin:
        """Check, and give the file its name.

        Raises:
            RemoteFailed: If the storage's checksum is another.
        """
        sha256, md5 = (digest.hexdigest() for digest in self._digests)
        if self.origin.stamp.md5 not in (None, md5):
            self.discard()
            raise RemoteFailed("arrived damaged: its checksum is another; run again", address)
        os.fsync(self._descriptor)
        self.part.replace(self.target)
        sync_folder(self.target.parent)
        self.origin = replace(self.origin, sha256=sha256, safe=self.at)
        write_origin(self.target, self.origin)
        return self.origin

    def discard(self) -> None:
        """Leave nothing behind."""
        self.part.unlink(missing_ok=True)
        note_path(self.target).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what has arrived is kept."""
        if self.part.exists() and self.at > self.origin.safe:
            self._secure()
        os.close(self._descriptor)

    def _secure(self) -> None:
        os.fdatasync(self._descriptor)
        self.origin = replace(self.origin, safe=self.at)
        write_origin(self.target, self.origin)

    def _digest(self, piece: bytes) -> None:
        for digest in self._digests[: 1 if self.origin.stamp.md5 is None else 2]:
            digest.update(piece)


def _digests() -> tuple[_Hash, _Hash]:
    return hashlib.sha256(), hashlib.md5(usedforsecurity=False)
