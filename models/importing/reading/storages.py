"""The numbers of tensors, as pickles of torch point to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.importing.reading.records import Malformed, Outside, Reference

STORAGES = {
    "torch.DoubleStorage": torch.float64,
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
    "torch.ComplexFloatStorage": torch.complex64,
    "torch.ComplexDoubleStorage": torch.complex128,
    "torch.storage.UntypedStorage": torch.uint8,
}
DTYPES = frozenset(STORAGES.values()) | {torch.float8_e4m3fn, torch.float8_e5m2}


@dataclass(frozen=True)
class Storage:
    """A run of numbers outside the pickle.

    Attributes:
        key: Its name among the storages of the file.
        dtype: Of each number.
        count: How many the pickle says there are.
    """

    key: str
    dtype: torch.dtype
    count: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.count * self.dtype.itemsize


def storage_of(outside: Outside) -> Storage:
    """Which storage a pickle asks for.

    Raises:
        Malformed: If it asks for anything else.
    """
    key = outside.key
    if (
        not isinstance(key, tuple)
        or len(key) not in (5, 6)
        or key[0] not in ("storage", b"storage")
    ):
        raise Malformed("it holds a whole pickled network rather than its state_dict")
    kind, name, location, count = key[1:5]
    if not isinstance(kind, Reference) or kind.name not in STORAGES:
        raise Malformed("its tensors are of an unknown kind")
    if not isinstance(name, str) or not isinstance(location, (str, bytes)):
        raise Malformed("its tensors are badly named")
    if type(count) is not int or count < 0:
        raise Malformed("its tensors have an impossible size")
    return Storage(name, STORAGES[kind.name], count)
