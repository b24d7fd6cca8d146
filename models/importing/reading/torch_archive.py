"""Checkpoints of ``torch.save``: zip archives, and the older files from before torch 1.6.

Each is first read as data: what it names, what it calls, how large it says its tensors are. Only
then ``torch.load`` reads it, with ``weights_only=True``, and with stand-ins for what training
frameworks left in it (LaMa's ``best.ckpt`` is a checkpoint of Lightning 1.2: callbacks as keys,
its configuration as OmegaConf objects).
"""

from __future__ import annotations

import io
import pickle
import struct
import threading
import warnings
from pathlib import Path
from typing import IO

import torch

from models.importing.reading import pickles
from models.importing.reading.archive import Archive
from models.importing.reading.contents import Contents, flatten, refused
from models.importing.reading.records import Malformed, Program
from models.importing.reading.references import StandIn, stand_ins
from models.importing.reading.storages import Storage, storage_of

LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")  # the pickled number of torch
_LEGACY_VERSION = 1001
_HEAD = 2**26  # bytes of an old file in which its pickles must end
_LOCK = threading.Lock()  # torch keeps its list of permitted names for the whole process
_UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    EOFError,
    OSError,
    struct.error,
)


def read_zip(path: Path, archive: Archive) -> Contents:
    """A checkpoint of torch 1.6 and later.

    Raises:
        WeightsRefused: If it is damaged, holds code, or its tensors do not fit into it.
    """
    program = archive.program("data.pkl")
    allowed = stand_ins(path, program)
    for storage in _storages(path, program):
        held = archive.size(f"data/{storage.key}")
        if storage.size > max(held, 0):
            why = f"storage {storage.key} should be {storage.size} bytes, but has {max(held, 0)}"
            raise refused(path, f"{why}; fetch it again")
    with path.open("rb") as file:
        return flatten(path, _load(path, file, allowed), "torch")


def read_legacy(path: Path) -> Contents:
    """A checkpoint from before torch 1.6: five pickles, then the numbers.

    Raises:
        WeightsRefused: As for ``read_zip``.
    """
    with path.open("rb") as file:
        head = io.BytesIO(file.read(_HEAD))
        try:
            _, version, _, program, _ = (pickles.read(head) for _ in range(5))
        except Malformed as error:
            raise refused(path, f"{error}; fetch it again") from error
        if version.value != _LEGACY_VERSION:
            raise refused(path, "not the old format of torch that is known; save it again")
        allowed = stand_ins(path, program)
        sizes: dict[str, int] = {}
        for storage in _storages(path, program):  # the numbers of each follow their count
            sizes[storage.key] = max(storage.size + 8, sizes.get(storage.key, 0))
        if sum(sizes.values()) > path.stat().st_size - head.tell():
            raise refused(path, "its tensors are larger than the file; fetch it again")
        file.seek(0)
        return flatten(path, _load(path, file, allowed), "torch (legacy)")


def _storages(path: Path, program: Program) -> list[Storage]:
    try:
        return [storage_of(outside) for outside in program.outside]
    except Malformed as error:
        raise refused(path, f"{error}; save it as a state_dict") from error


def _load(path: Path, file: IO[bytes], allowed: list[StandIn]) -> object:
    # An open file, not a name: torch would choose the format by the name.
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.serialization.safe_globals(allowed):
                return torch.load(file, map_location="cpu", weights_only=True)
        except _UNREADABLE as error:
            why = (
                str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            )
            raise refused(path, f"torch cannot read it ({why[:200]}); fetch it again") from error
