"""Weights on disk: safetensors for what is shipped, torch archives for what is resumed.

Nothing here ever unpickles code: safetensors holds tensors only, and torch archives are read with
``weights_only=True``. Files appear by rename, never half-written.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor


def _atomically(path: Path, write: Callable[[Path], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_weights(path: Path, state: Mapping[str, Tensor], half: bool = True) -> str:
    """Write a state dict as safetensors.

    Args:
        path: Target, replaced at once when complete.
        state: Tensors by name.
        half: Store floating-point tensors as float16.

    Returns:
        SHA-256 of the file.
    """
    tensors = {}
    for name, tensor in state.items():
        stored = tensor.detach().cpu().contiguous()
        tensors[name] = stored.half() if half and stored.is_floating_point() else stored
    content = save(tensors)
    _atomically(path, lambda partial: _write_bytes(partial, content))
    return sha256(path)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read safetensors; float16 tensors come back as float32."""
    return {
        name: tensor.float() if tensor.dtype == torch.float16 else tensor
        for name, tensor in load_file(path).items()
    }


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a resumable checkpoint: tensors, numbers, strings and containers of them."""
    _atomically(path, lambda partial: torch.save(dict(state), partial))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of ``save_checkpoint`` to the CPU."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
