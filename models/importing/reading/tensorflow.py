"""Checkpoints of TensorFlow (V2, "tensor bundles"), read without TensorFlow.

``PREFIX.index`` is a table that says of each variable its type, shape and place;
``PREFIX.data-00000-of-00001`` and its sisters hold the numbers. Formats: ``tensor_bundle.proto``
and ``tensor_bundle.h`` of TensorFlow. The official DeepFillv2 was published like this. Checksums
of the index and of every tensor are verified.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import Tensor

from models.importing.reading import sstable
from models.importing.reading.bundle import (
    SLICED,
    Entry,
    Header,
    Unsupported,
    entry_of,
    header_of,
)
from models.importing.reading.contents import Contents, refused
from models.importing.reading.crc32c import crc32c, masked

_LARGEST = 2**24  # bytes of an index; DeepFillv2's is below 20 000
_DATA = re.compile(r"(.+)\.data-\d{5}-of-\d{5}")


def is_data(path: Path) -> bool:
    """Whether a file is called as the data of a checkpoint are; they have no other mark."""
    return _DATA.fullmatch(path.name) is not None


def index_of(path: Path) -> Path | None:
    """The index of the checkpoint that a path belongs to, or None.

    Args:
        path: The index itself, a file of data, or the prefix that they share.
    """
    candidates = [path] if path.exists() else [path.with_name(f"{path.name}.index")]
    if match := _DATA.fullmatch(path.name):
        candidates.append(path.with_name(f"{match[1]}.index"))
    return next((candidate for candidate in candidates if _is_table(candidate)), None)


def read(index: Path) -> Contents:
    """Every numeric variable, under its own name (``inpaint_net/conv1/kernel``).

    Raises:
        WeightsRefused: If the checkpoint is damaged, incomplete, or of a kind that is not read.
    """
    try:
        if index.stat().st_size > _LARGEST:
            raise sstable.Damaged("its index is larger than any checkpoint's")
        table = sstable.entries(index.read_bytes())
        key, first = next(table, (b"", b""))
        if key:
            raise sstable.Damaged("its header is missing")
        header = header_of(first)
        entries = {_name(key): entry_of(value) for key, value in table}
        tensors = _read(index, header, entries)
    except Unsupported as error:
        raise refused(index, f"a TensorFlow checkpoint, but {error}") from error
    except sstable.Damaged as error:
        raise refused(index, f"a TensorFlow checkpoint, but {error}; fetch it again") from error
    except OSError as error:
        missing = f"{error.filename} cannot be read ({error.strerror})"
        raise refused(index, f"its part {missing}; put it beside the index") from error
    if not tensors:
        raise refused(index, "a TensorFlow checkpoint without numbers; give the generator's")
    return Contents(tensors, "tensorflow", {})


def _name(key: bytes) -> str:
    if key.startswith(b"\0"):
        raise Unsupported(SLICED)
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise sstable.Damaged("it has a name that is no text") from error


def _is_table(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size < sstable.FOOTER:
        return False
    with path.open("rb") as file:
        file.seek(-len(sstable.MAGIC), 2)
        return file.read() == sstable.MAGIC


def _read(index: Path, header: Header, entries: dict[str, Entry]) -> dict[str, Tensor]:
    prefix = index.name.removesuffix(".index")
    shards: dict[int, Path] = {}
    for entry in entries.values():
        if entry.shard >= header.shards:
            raise sstable.Damaged("it has more parts than it says")
        part = f"{prefix}.data-{entry.shard:05d}-of-{header.shards:05d}"
        shards.setdefault(entry.shard, index.with_name(part))
    sizes = {shard: path.stat().st_size for shard, path in shards.items()}
    if sum(entry.size for entry in entries.values()) > sum(sizes.values()):
        raise sstable.Damaged("its variables are larger than its data")
    numeric = {name: entry for name, entry in entries.items() if entry.dtype is not None}
    for name, entry in numeric.items():
        if entry.offset + entry.size > sizes[entry.shard]:
            raise sstable.Damaged(f"{name} lies outside its data")
    return {name: _tensor(name, entry, shards[entry.shard]) for name, entry in numeric.items()}


def _tensor(name: str, entry: Entry, shard: Path) -> Tensor:
    assert entry.dtype is not None  # the caller has sorted out what are no numbers
    if entry.size != math.prod(entry.shape) * entry.dtype.itemsize:
        raise sstable.Damaged(f"the size of {name} is not that of its shape")
    with shard.open("rb") as file:
        file.seek(entry.offset)
        content = file.read(entry.size)
    if masked(crc32c(content)) != entry.checksum:
        raise sstable.Damaged(f"the checksum of {name} is wrong")
    if not content:
        return torch.empty(entry.shape, dtype=entry.dtype)
    return torch.frombuffer(bytearray(content), dtype=entry.dtype).reshape(entry.shape)
