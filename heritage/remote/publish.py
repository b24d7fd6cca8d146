"""Sending a finished restoration to storage: its files first, its provenance record last.

A folder with a record is complete, one without is not, whoever looks and whenever. Killed in
between, the next run finds what is there already and sends the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from heritage.remote.address import Address
from heritage.remote.bucket import BucketStore
from heritage.remote.checksums import is_there
from heritage.remote.faults import Changed, Interrupted, RemoteFailed
from heritage.remote.known import in_the_way, record_at
from heritage.remote.store import DELAYS, Sleep, Stamp, patiently
from heritage.restore.provenance import file_names, read_provenance
from heritage.tiff.fixity import sha256_file

FILES: Final = ("restored", "mask", "layer")
TRIES: Final = 3
Told = Callable[[str], None]


def require_target(output: Address) -> None:
    """Refuse addresses to which nothing can be sent.

    Raises:
        RemoteFailed: With what can be used instead.
    """
    if output.is_web:
        raise RemoteFailed(
            "a web server takes no files; choose a folder or s3://, gs://, az:// as output", output
        )


def publish(
    folder: Path, target: Address, told: Told | None = None, sleep: Sleep = time.sleep
) -> list[str]:
    """Send a finished restoration.

    Args:
        folder: ``OUTPUT/NAME`` on this machine, complete.
        target: ``OUTPUT/NAME`` in storage.
        told: Told the name of each file before it is sent.
        sleep: Waits between tries.

    Returns:
        Names of the files that had to be sent, in this order; none if all were there.

    Raises:
        OutputInTheWay: If another restoration is there.
        RemoteFailed: If it cannot be sent, or does not arrive as it was.
    """
    require_target(target)
    names = file_names(folder.name)
    record = read_provenance(folder / names["provenance"])
    there = record_at(target, sleep)
    if there is not None:
        if there["identity"] != record["identity"]:
            raise in_the_way(target)
        return []
    store, sent, stamps = BucketStore(target), list[str](), dict[Address, Stamp]()
    for part in FILES:
        place = target.below(names[part])
        sha256 = str(record[part]["sha256"])
        stamps[place] = _send(store, folder / names[part], place, sha256, sent, told, sleep)
    place, local = target.below(names["provenance"]), folder / names["provenance"]
    _send(store, local, place, sha256_file(local), sent, told, sleep)
    for file, stamp in stamps.items():
        if not patiently(lambda file=file: store.stat(file), sleep).same_as(stamp):  # type: ignore[misc]
            store.remove(place)
            raise Changed(
                "somebody else wrote it while this restoration was sent; let one run at a time "
                "write there, and run again",
                file,
            )
    return sent


def _send(
    store: BucketStore,
    local: Path,
    place: Address,
    sha256: str,
    sent: list[str],
    told: Told | None,
    sleep: Sleep,
) -> Stamp:
    """One file, unless it is there; sent until what is there is what was sent."""
    stamp = patiently(lambda: is_there(store, place, local, sha256), sleep)
    for _ in range(TRIES):
        if stamp is not None:
            return stamp
        if told is not None:
            told(local.name)
        patiently(lambda: store.put(local, place), sleep, DELAYS)
        sent.append(local.name)
        stamp = patiently(lambda: is_there(store, place, local, sha256), sleep)
    if stamp is not None:
        return stamp
    raise Interrupted(
        f"does not arrive as it was sent, {TRIES} times; see whether the storage and the network "
        "are sound, and run again",
        place,
    )
