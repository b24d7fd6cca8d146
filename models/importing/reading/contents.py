"""What a reader hands back, and how nested checkpoints become flat names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.errors import WeightsRefused

_DEEPEST = 16  # published checkpoints nest three dictionaries deep
_MOST = 1_000_000  # leaves; a hostile file can name one leaf in exponentially many ways
_LONGEST = 1000  # characters of a text that is still a remark
_LARGEST = 2**40  # numbers in a tensor, and none of its sides beyond, were the others not empty
_SHARING = 8  # times that tensors may exceed their file by sharing bytes (tied weights: 2)

Scalar = int | float | str | bool


@dataclass(frozen=True)
class Contents:
    """What a checkpoint file holds.

    Attributes:
        tensors: By flat name, nested dictionaries joined with dots
            (``state_dict.generator.model.1.ffc.convl2l.weight``); on the CPU, dense.
        format: ``safetensors``, ``torch``, ``torch (legacy)``, ``torchscript`` or ``tensorflow``.
        scalars: Other small values by flat name, such as ``epoch``.
    """

    tensors: dict[str, Tensor]
    format: str
    scalars: dict[str, Scalar]


def refused(path: Path, why: str) -> WeightsRefused:
    """The error for a file that cannot be used: one line, whatever the file put into it."""
    line = f"{path}: {why}"
    return WeightsRefused("".join(c if c.isprintable() else "?" for c in line))


def flatten(path: Path, value: object, kind: str) -> Contents:
    """Name every tensor and small value in nested dictionaries.

    Args:
        path: The file, for messages.
        value: What was read; anything but dictionaries, tensors and plain values is passed over.
        kind: Becomes ``format``.

    Raises:
        WeightsRefused: If there is no tensor, two have the same name, or the nesting or the
            amount is absurd.
    """
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Scalar] = {}
    if isinstance(value, Tensor):
        raise refused(path, "holds a single tensor without a name; give a file with a state_dict")
    for name, leaf in _leaves(path, value):
        if isinstance(leaf, Tensor):
            if name in tensors:
                raise refused(path, f"holds two tensors named {name}; save it again as state_dict")
            tensors[name] = leaf.detach()
        elif isinstance(leaf, (int, float)) or (isinstance(leaf, str) and len(leaf) <= _LONGEST):
            scalars[name] = leaf
    if not tensors:
        raise refused(path, "holds no tensors; give the file with the network's state_dict")
    _refuse_swollen(path, tensors)
    return Contents(tensors, kind, scalars)


def _leaves(path: Path, root: object) -> Iterator[tuple[str, object]]:
    pending: list[tuple[str, int, object]] = [("", 0, root)]
    seen = 0
    while pending:
        name, depth, value = pending.pop()
        if not isinstance(value, Mapping):
            yield name, value
            continue
        if depth > _DEEPEST:
            raise refused(path, "nests dictionaries too deeply to be a checkpoint; fetch it again")
        entries: list[tuple[Any, object]] = list(value.items())
        seen += len(entries)
        if seen > _MOST:
            raise refused(path, "has too many entries to be a checkpoint; fetch it again")
        for key, entry in reversed(entries):
            if isinstance(key, (str, int)):
                pending.append((f"{name}.{key}" if depth else str(key), depth + 1, entry))


def _refuse_swollen(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuse views that say more than the file holds, before anybody copies them."""
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise refused(path, f"{name} is no plain tensor; save it dense and in floating point")
        if math.prod(max(1, side) for side in tensor.shape) > _LARGEST:
            raise refused(path, f"{name} has an impossible shape; fetch it again")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise refused(path, f"{name} is larger than its data in the file; fetch it again")
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if total > _SHARING * path.stat().st_size:
        raise refused(path, "its tensors are far larger than the file itself; fetch it again")
