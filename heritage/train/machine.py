"""Lightning Fabric for a device by the name people give it: one device, or several of a kind."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from heritage.errors import HeritageError


class DeviceRefused(HeritageError):
    """A device that is not in this machine, or fewer of them than were asked for."""


def fabric_for(device: str, devices: int, precision: str) -> Fabric:
    """A Fabric that is launched: with several devices this starts the other processes.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        devices: How many, each with a process and a batch of its own, gradients averaged by
            DistributedDataParallel; on the CPU they are processes.
        precision: As Fabric knows it.

    Raises:
        DeviceRefused: If they are not there.
    """
    kind, _, number = device.partition(":")
    if number and devices > 1:
        raise DeviceRefused(f"{device} is one device; say {kind} to train on {devices} of them")
    if number and not number.isdigit():
        raise DeviceRefused(f"there is no device {device!r}; say auto, cpu, cuda, cuda:1 or mps")
    wanted: list[int] | int = [int(number)] if number and kind != "cpu" else devices
    # Buffers (directions of a spectral normalisation) must not be overwritten between the
    # discriminator's look at real pictures and its look at filled ones; they are the same anyway.
    strategy: Any = "auto"
    if devices > 1:
        strategy = DDPStrategy(forward_sync_buffers=False)
    try:
        fabric = Fabric(
            accelerator=kind,
            devices=wanted,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
        )
    except Exception as error:  # Fabric has errors of its own for each kind of device
        raise DeviceRefused(f"{devices} x {device!r} cannot be had: {error}") from error
    fabric.launch()
    return fabric


class Frozen(nn.Module):
    """A network that does not learn, called as Fabric calls those that do: answers in float32.

    Args:
        module: Without gradients of its own; DistributedDataParallel refuses such.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, image: Tensor) -> Sequence[Tensor]:
        """The network's feature maps."""
        return [maps.float() for maps in self.module(image)]


def set_up_frozen(fabric: Fabric, network: nn.Module) -> nn.Module:
    """Put a network that does not learn on the device."""
    if fabric.world_size > 1:
        return Frozen(network).to(fabric.device)
    return fabric.setup_module(network)


def averaged(fabric: Fabric, terms: Sequence[Mapping[str, Tensor]]) -> list[dict[str, float]]:
    """The terms of some steps as numbers, means over all processes; one trip from the device.

    Args:
        fabric: Of the training.
        terms: Scalars by name, for every step; the same names in every process.
    """
    if not terms:
        return []
    scalars = [
        value.detach().float().to(fabric.device) for step in terms for value in step.values()
    ]
    stacked = torch.stack(scalars)
    if fabric.world_size > 1:
        stacked = fabric.all_reduce(stacked, reduce_op="mean")  # type: ignore[assignment]
    numbers = iter(stacked.double().tolist())
    return [{name: next(numbers) for name in step} for step in terms]


def decided(fabric: Fabric, seconds: float, *answers: bool) -> tuple[float, ...]:
    """What the first process found by its clock, for all: seconds, and yes (1) or no (0)."""
    found = (seconds, *map(float, answers))
    if fabric.world_size == 1:
        return found
    mine = found if fabric.is_global_zero else tuple(0.0 for _ in found)
    kind = torch.float32 if fabric.device.type == "mps" else torch.float64
    told = torch.tensor(mine, dtype=kind, device=fabric.device)
    return tuple(fabric.all_reduce(told, reduce_op="sum").tolist())  # type: ignore[union-attr]


def describe(fabric: Fabric) -> dict[str, Any]:
    """What a training runs on, for the people who read its weights' card."""
    cuda = fabric.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(fabric.device) if cuda else fabric.device.type,
        "devices": fabric.world_size,
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
