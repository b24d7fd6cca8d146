"""Which device an inpainter runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar, cast

import torch
from torch import nn

from models.errors import DeviceMissing

Network = TypeVar("Network", bound=nn.Module)


def channels_last(network: Network) -> Network:
    """The network with its convolutions laid out channels last: faster on CPU and CUDA alike."""
    return laid_out(network, torch.channels_last)


def laid_out(network: Network, layout: torch.memory_format) -> Network:
    """The network with the weights of its convolutions in a layout, which its features follow."""
    # What is made in inference mode could never be trained again; what was made there stays so.
    made_there = any(one.is_inference() for one in network.parameters())
    with torch.inference_mode(made_there):
        # torch's own annotations lack this keyword of Module.to
        return cast("Network", network.to(memory_format=layout))  # type: ignore[call-overload]


def resolve(device: str) -> torch.device:
    """The torch device for ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    ``auto`` takes a GPU only after it has done a small piece of the real work: a driver that is too
    old, or an operation that the device lacks, must not stop a restoration that the CPU can do.

    Raises:
        DeviceMissing: If the device asked for is unknown or does not work.
    """
    if device == "auto":
        return next(
            (torch.device(kind) for kind in ("cuda", "mps") if fault_of(kind) is None),
            torch.device("cpu"),
        )
    fault = fault_of(device)
    if fault is not None:
        raise DeviceMissing(f"device {device!r} cannot be used here ({fault}); use auto or cpu")
    return torch.device(device)


@lru_cache(maxsize=16)
def fault_of(device: str) -> str | None:
    """Why a device cannot be used, in one line; None where a convolution and an FFT succeed."""
    try:
        picture = torch.ones(1, 1, 8, 8, device=torch.device(device))
        smooth = torch.nn.functional.conv2d(picture, picture[..., :3, :3], padding=1)
        energy = torch.fft.rfft2(smooth).abs().sum().item()
    except (RuntimeError, NotImplementedError, AssertionError, ValueError) as error:
        # torch raises AssertionError where it was compiled without CUDA
        return str(error).strip().splitlines()[0]
    return None if energy > 0 else "it computes nonsense"


@lru_cache(maxsize=16)
def quicker_dtype(kind: str) -> torch.dtype | None:
    """bfloat16 where a kind of device has matrix units for it, None where float32 is as quick.

    On a CPU with such units (AMX) networks run 1.5 to 3 times faster in it; without them it is
    slower. The answer depends on the hardware alone, so that a run repeats to the byte.
    """
    if kind == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if kind == "cpu" and torch.cpu.get_capabilities().get("amx_bf16"):
        return torch.bfloat16
    return None


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one CPU thread: the same sums, to the last bit, on any number of cores.

    Many small operations are also faster so, several times where other programs share the cores.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
