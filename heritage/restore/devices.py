"""Which devices of this machine share the work."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from heritage.restore.inpainters import in_our_words, load_inpainter
from heritage.settings import load_settings

if TYPE_CHECKING:
    from models.inpainter import Inpainter


def devices_of(device: str) -> tuple[str, ...]:
    """The devices that a setting names.

    Args:
        device: ``auto``, a torch device, or several with commas between (``cuda:0,cuda:1``).

    Returns:
        At least one name; for ``auto`` all GPUs that work where there are several, else ``auto``.
    """
    named = tuple(part.strip() for part in device.split(",") if part.strip())
    if named == ("auto",):
        working = _working_gpus()
        return working if len(working) > 1 else named
    return named or ("auto",)


def load_inpainters(name: str, device: str) -> tuple[Inpainter, ...]:
    """The inpainter of that name on each device, kept for the next batch.

    Raises:
        UnknownModel: If there is none, its weights are wrong, or a device is not there.
    """
    devices = devices_of(device)
    return (load_inpainter(name, devices[0]),) if len(devices) == 1 else _several(name, devices)


@lru_cache(maxsize=1)
def _several(name: str, devices: tuple[str, ...]) -> tuple[Inpainter, ...]:
    import models

    settings = load_settings()
    with in_our_words():
        return tuple(
            models.load(name, device, settings.model_folder, settings.precision)
            for device in devices
        )


@lru_cache(maxsize=1)
def _working_gpus() -> tuple[str, ...]:
    import torch

    from models.device import fault_of

    if not torch.cuda.is_available():
        return ()
    named = (f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return tuple(device for device in named if fault_of(device) is None)
