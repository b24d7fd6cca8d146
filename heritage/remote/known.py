"""Whether a restoration is complete somewhere already, judged by its provenance record alone."""

from __future__ import annotations

import tempfile
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heritage.errors import OutputInTheWay
from heritage.remote.address import Address
from heritage.remote.faults import NotThere
from heritage.remote.store import Sleep, Stamp, open_store, patiently
from heritage.restore.canonical import digest
from heritage.restore.inpainters import card_of
from heritage.restore.provenance import file_names, read_provenance

if TYPE_CHECKING:
    from heritage.restore.options import Options

LARGEST_RECORD = 64 << 20


class Verdict(Enum):
    """What a record says of a restoration that is asked for."""

    SAME = "it is this very restoration"
    OTHER = "it is another one"
    UNKNOWN = "only the master's bytes can tell"


def record_at(folder: Address | Path, sleep: Sleep = time.sleep) -> dict[str, Any] | None:
    """The provenance record of a finished restoration, wherever it lies; None if there is none.

    Args:
        folder: ``OUTPUT/NAME``.
        sleep: Waits between tries.

    Raises:
        OutputInTheWay: If something is there that is no such record.
        RemoteFailed: If the storage cannot be read.
    """
    if isinstance(folder, Path):
        path = folder / file_names(folder.name)["provenance"]
        return _understood(path, path) if path.is_file() else None
    name = folder.path.rpartition("/")[2]
    address = folder.below(file_names(name)["provenance"])

    def bring() -> bytes | None:
        with open_store(address) as store:
            try:
                stamp = store.stat(address)
            except NotThere:
                return None
            stop = min(stamp.bytes, LARGEST_RECORD)
            return b"".join(store.read(address, 0, stop, stamp))

    data = patiently(bring, sleep)
    if data is None:
        return None
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        return _understood(Path(file.name), address.travelling)


def judge(
    record: dict[str, Any],
    master: str | None,
    mask: str,
    model: str | None,
    options: Options,
) -> Verdict:
    """Whether a record is of the restoration that is asked for.

    Args:
        record: From ``record_at``.
        master: SHA-256 of the master; None if it is not known.
        mask: SHA-256 of the mask as it was handed in.
        model: Name of an inpainter; None: the default.
        options: Parameters.
    """
    card = card_of(model)
    identity = {
        "master": record["master"]["sha256"],
        "page": record["master"]["page"] if options.page is None else options.page,
        "mask": record["mask"]["sha256"],
        "model": card.name,
        "weights": card.sha256,
        "options": options.identity(),
    }
    if digest(identity) != record["identity"] or record["mask"].get("source_sha256") != mask:
        return Verdict.OTHER
    if master is None:
        return Verdict.UNKNOWN
    return Verdict.SAME if master == record["master"]["sha256"] else Verdict.OTHER


def sha256_of_origin(record: dict[str, Any], source: Address, stamp: Stamp) -> str | None:
    """The master's SHA-256 as a record has it, if the source is still the file that was fetched."""
    said = record.get("origin") or record["master"].get("origin")
    try:
        same = said["url"] == str(source) and Stamp.from_json(said).same_as(stamp)
    except (KeyError, TypeError, ValueError):
        return None
    return str(record["master"]["sha256"]) if same else None


def in_the_way(folder: Address | Path) -> OutputInTheWay:
    """The refusal to overwrite another restoration."""
    place = folder if isinstance(folder, Path) else folder.travelling
    return OutputInTheWay(
        "holds a restoration of another master, mask, model or parameters; "
        "move it or choose another output",
        place,
    )


def _understood(path: Path, place: Path) -> dict[str, Any]:
    try:
        return read_provenance(path)
    except (OSError, ValueError) as error:
        raise OutputInTheWay(
            "is in the way and is not a finished restoration; move it or choose another output",
            place,
        ) from error
