"""TorchScript archives (``torch.jit.save``), without running them.

``big-lama.pt`` is one. Loading it as intended would compile the code inside. Its tensors need
none of that: ``data.pkl`` describes the modules as attributes of attributes, and the numbers lie
beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

import torch
from torch import Tensor

from models.importing.reading.archive import Archive
from models.importing.reading.contents import Contents, flatten, refused
from models.importing.reading.records import Made, Malformed, Outside, Reference
from models.importing.reading.references import foreign
from models.importing.reading.storages import storage_of

_TENSORS = frozenset(f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2"))
_CODE = "__torch__."  # the prefix of all classes that the archive itself defines
_DEEPEST = 64  # modules in modules
_MOST = 1_000_000


def read(path: Path, archive: Archive) -> Contents:
    """The tensors and plain attributes of every module, by their dotted names.

    Raises:
        WeightsRefused: If the archive is damaged, or its weights were folded into its code.
    """
    program = archive.program("data.pkl")
    for name in program.references:
        if not name.startswith((_CODE, "torch.", "collections.OrderedDict")):
            raise foreign(path, [name])
    if not any(_is_tensor(call) for call in program.calls):
        raise refused(
            path,
            "a TorchScript archive whose weights were folded into its code (frozen) and have lost "
            "their names; use the archive from before freezing, or the checkpoint it was made from",
        )
    if "byteorder" in archive and archive.read("byteorder") != b"little":
        raise refused(path, "written on a big-endian machine; save it again on another")
    try:
        named = dict(_named(program.value, _Numbers(archive)))
    except Malformed as error:
        raise refused(path, f"{error}; fetch it again") from error
    return flatten(path, named, "torchscript")


def _is_tensor(value: object) -> TypeGuard[Made]:
    by = value.by if isinstance(value, Made) else None
    return isinstance(by, Reference) and by.name in _TENSORS


def _attributes(value: object) -> object:
    if isinstance(value, Made) and isinstance(value.by, Reference):
        return value.state if value.by.name.startswith(_CODE) else value
    return value


def _named(root: object, numbers: _Numbers) -> Iterator[tuple[str, object]]:
    pending: list[tuple[tuple[str, ...], object]] = [((), root)]
    seen = 0
    while pending:
        names, value = pending.pop()
        if _is_tensor(value):
            yield ".".join(names), numbers.tensor(value.arguments)
            continue
        children = _attributes(value)
        if not isinstance(children, Mapping):
            yield ".".join(names), children
            continue
        seen += len(children)
        if len(names) > _DEEPEST or seen > _MOST:
            raise Malformed("it nests modules in a way that no network does")
        inside = [((*names, str(k)), v) for k, v in children.items() if isinstance(k, (str, int))]
        pending.extend(reversed(inside))


class _Numbers:
    """The storages of an archive, each read once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._read: dict[str, Tensor] = {}

    def tensor(self, arguments: object) -> Tensor:
        """The tensor that a rebuilding call describes, after checking that it lies inside."""
        match arguments:
            case (Outside() as outside, int(offset), tuple(shape), tuple(stride), *_):
                numbers = self._storage(outside)
            case _:
                raise Malformed("it describes a tensor in an unknown way")
        steps = [*shape, *stride, offset]
        if len(shape) != len(stride) or not all(type(x) is int and x >= 0 for x in steps):
            raise Malformed("it describes a tensor of impossible shape")
        last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
        if 0 not in shape and last >= len(numbers):
            raise Malformed("it describes a tensor larger than its data")
        try:
            return numbers.as_strided(shape, stride, offset)
        except (RuntimeError, TypeError) as error:  # what exceeds 64 bits
            raise Malformed("it describes a tensor of impossible shape") from error

    def _storage(self, outside: Outside) -> Tensor:
        storage = storage_of(outside)
        if storage.key not in self._read:
            name = f"data/{storage.key}"
            if self._archive.size(name) < storage.size:
                raise Malformed(f"its part {name} is shorter than it should be")
            content = bytearray(self._archive.read(name))
            empty = torch.empty(0, dtype=storage.dtype)
            self._read[storage.key] = (
                torch.frombuffer(content, dtype=storage.dtype, count=storage.count)
                if storage.count
                else empty
            )
        return self._read[storage.key]
