"""Saying what a master is without fetching its pixels, in a process that may die of it.

``python -m heritage.remote.look FILE PAGE`` is that process: it opens a file that has only its
structure, and answers one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from heritage import errors
from heritage.errors import HeritageError, MasterRefused
from heritage.remote.address import Address, parse_address
from heritage.remote.ranged import Window, bring_structure, require_ranges
from heritage.remote.store import Sleep, Stamp, Store, open_store, patiently
from heritage.restore.storage import storage
from heritage.tiff.info import MasterInfo

MEMORY: Final = 4 << 30
"""Address space of the process, imports included; most of it is never touched."""
SECONDS: Final = 60.0


def inspect_remote(
    place: Address | Path | str, page: int | None = None, sleep: Sleep = time.sleep
) -> MasterInfo:
    """What a file in storage or on a web server is as a master.

    Its structure is fetched and checked as that of a local file is; its pixels are not looked at,
    and the last of its notes says so.

    Args:
        place: Its URL.
        page: Which page, from 0; by default the largest one at full resolution.
        sleep: Waits between tries.

    Raises:
        BadSetting: If that is no address.
        MasterRefused: If it cannot be restored faithfully, with the reason.
        RemoteFailed: If it cannot be read, or only as a whole.
    """
    address = place if isinstance(place, Address) else parse_address(place)
    with open_store(address) as store:
        stamp = patiently(lambda: store.stat(address), sleep)
        return look(store, address, stamp, page, sleep)


def look(
    store: Store, address: Address, stamp: Stamp, page: int | None = None, sleep: Sleep = time.sleep
) -> MasterInfo:
    """The same, where the storage is open and the file known.

    Raises:
        NoRanges: If the server hands out whole files only.
        MasterRefused: If it cannot be restored faithfully, with the reason.
        RemoteFailed: If it cannot be read.
    """
    require_ranges(address, stamp)
    with tempfile.TemporaryDirectory(prefix="heritage-look-") as folder:
        path = Path(folder) / "head.tif"
        with storage(path):
            window = Window(store, address, stamp, path, sleep)
        try:
            bring_structure(window, page)
            info = _asked(path, page)
        except MasterRefused as error:
            raise MasterRefused(error.reason, address.travelling) from error
        finally:
            window.close()
    note = (
        f"looked at from afar: {window.moved} of {stamp.bytes} bytes were fetched, "
        "its pixels were not decoded"
    )
    return replace(info, path=address.travelling, notes=(*info.notes, note))


def _asked(path: Path, page: int | None) -> MasterInfo:
    """What the process says, or a refusal if it dies of the question."""
    command = [sys.executable, "-m", "heritage.remote.look", str(path), json.dumps(page)]
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    paths = {"PYTHONPATH": os.pathsep.join(entry or "." for entry in sys.path)}
    try:
        process = subprocess.run(  # noqa: S603 - our own module
            command,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env=os.environ | quiet | paths,
        )
        said: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        raise MasterRefused("opening it fails badly; the file is damaged", path) from error
    if "master" in said:
        return MasterInfo.from_wire(said["master"])
    fault: type[HeritageError] = getattr(errors, said["fault"])
    raise fault(said["reason"], path)


def answer(path: str, page: int | None) -> dict[str, Any]:
    """What the structure says, or why it is refused, as something that JSON can carry."""
    from heritage.tiff.picture import Picture

    try:
        with Picture(path, page) as picture:
            return {"master": picture.info.to_wire()}
    except HeritageError as error:
        return {"fault": type(error).__name__, "reason": error.reason}
    except MemoryError:
        return {"fault": "MasterRefused", "reason": "it needs more memory than its size explains"}
    except Exception as error:  # noqa: BLE001 - the edge of a process: no fault may pass unanswered
        reason = f"it cannot be understood ({type(error).__name__}: {error})"
        return {"fault": "MasterRefused", "reason": reason}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    print(json.dumps(answer(sys.argv[1], json.loads(sys.argv[2]))))
