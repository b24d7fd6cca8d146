"""The workspace's staging folder: masters while they are restored, and results on their way.

``HOME/staging/KEY/NAME.tif`` with its mask, ``KEY`` from the URL; each file with a note of where it
came from. One process at a time has a key.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heritage.errors import MasterRefused, NothingToRestore
from heritage.remote.address import Address
from heritage.remote.faults import NoRanges, NotAllowed, NotThere
from heritage.remote.fetch import Fetched, Progress, fetch
from heritage.remote.look import look
from heritage.remote.origin import FOLDER, note_path, read_origin
from heritage.remote.store import Sleep, Stamp, Store, open_store, patiently
from heritage.restore.lock import RestorationLock
from heritage.restore.storage import remove_folder, storage

SUFFIXES: Final = (".tif", ".tiff", ".png")
"""Of masks, in the order in which they are looked for."""


@dataclass(frozen=True)
class Berth:
    """The folder of one URL in the staging folder, held by this process.

    Attributes:
        address: The URL.
        folder: Its folder.
    """

    address: Address
    folder: Path

    @property
    def master(self) -> Path:
        """Where the file lies when it is here."""
        return self.folder / self.address.name

    def clear(self) -> None:
        """Take everything away; it can be fetched again."""
        with storage(self.folder):
            remove_folder(self.folder)


@contextmanager
def berth(address: Address, home: Path) -> Iterator[Berth]:
    """The folder of a URL, for this process alone.

    Args:
        address: A master, or the folder that receives restorations.
        home: The workspace.

    Raises:
        RestorationBusy: If another process has it.
        StorageFailed: If it cannot be made.
    """
    key = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    staging = home / FOLDER
    with storage(staging):
        staging.mkdir(parents=True, exist_ok=True)
        lock = RestorationLock(staging, f"{address.name}.{key}")
    with lock:
        folder = staging / key
        with storage(folder):
            folder.mkdir(exist_ok=True)
        try:
            yield Berth(address, folder)
        finally:
            with suppress(OSError):
                folder.rmdir()  # only if nothing is in it


@dataclass(frozen=True)
class RemoteMaster:
    """A master that is far away, and how far it has come here.

    Attributes:
        berth: Its place in the staging folder.
        store: Where it is.
        stamp: What it is.
        sleep: Waits between tries.
    """

    berth: Berth
    store: Store
    stamp: Stamp
    sleep: Sleep

    def bring_mask(self) -> Path:
        """The mask beside it: ``NAME.mask.tif``, ``.tiff`` or ``.png``, in this order.

        Raises:
            NothingToRestore: If it has none.
        """
        stem, names = self.berth.address.path.rpartition("/")[2].rpartition(".")[0], list[str]()
        found: Path | None = None
        for suffix in SUFFIXES:
            address = self.berth.address.beside(f"{stem}.mask{suffix}")
            path = self.berth.folder / f"{self.berth.master.stem}.mask{suffix}"
            names.append(address.name)
            if found is None and self._bring(address, path):
                found = path
            elif found != path:
                # An earlier run's, which would be found beside the master.
                path.unlink(missing_ok=True)
                note_path(path).unlink(missing_ok=True)
        if found is None:
            raise NothingToRestore(
                f"has no mask; put {names[0]} beside it or give one",
                self.berth.address.travelling,
            )
        return found

    def is_here(self) -> bool:
        """Whether it was fetched before, and is still what lies at its URL."""
        origin = read_origin(self.berth.master)
        return (
            origin is not None
            and origin.sha256 is not None
            and origin.stamp.same_as(self.stamp)
            and self.berth.master.is_file()
        )

    def require_restorable(self) -> None:
        """Look at its structure before gigabytes travel.

        Raises:
            MasterRefused: If it cannot be restored.
        """
        if self.is_here():
            return
        try:
            look(self.store, self.berth.address, self.stamp, sleep=self.sleep)
        except NoRanges:
            return  # It is looked at when it is here.
        except MasterRefused:
            self.berth.clear()
            raise

    def bring(self, progress: Progress | None = None) -> Fetched:
        """The file itself."""
        berth = self.berth
        return fetch(self.store, berth.address, berth.master, progress, self.sleep, self.stamp)

    def _bring(self, address: Address, path: Path) -> bool:
        try:
            fetch(self.store, address, path, sleep=self.sleep)
        except (NotThere, NotAllowed):
            # Storages that do not let us list answer "not allowed" for what is not there.
            return False
        return True


@contextmanager
def remote_master(
    address: Address, home: Path, sleep: Sleep = time.sleep
) -> Iterator[RemoteMaster]:
    """A master by its URL, held for this process; what has come here stays when it ends.

    Raises:
        RemoteFailed: If it is not to be had.
        RestorationBusy: If another process is at it.
    """
    with berth(address, home) as place, open_store(address) as store:
        yield RemoteMaster(place, store, patiently(lambda: store.stat(address), sleep), sleep)


def bring_file(place: Berth, sleep: Sleep = time.sleep) -> Path:
    """A file that is wanted as it is, such as a mask that was given by its URL.

    Raises:
        RemoteFailed: If it is not to be had.
    """
    with open_store(place.address) as store:
        return fetch(store, place.address, place.master, sleep=sleep).path
