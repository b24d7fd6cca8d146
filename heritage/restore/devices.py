"""Which devices of this machine share the work."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from heritage.restore.inpainters import load_inpainter

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


def load_inpainters(name: str, device: str, begun: str | None = None) -> tuple[Inpainter, ...]:
    """The inpainter of that name on each device, kept for the next batch.

    Args:
        name: Of the inpainter.
        device: See ``devices_of``.
        begun: Device class of what a run has computed already.

    Raises:
        UnknownModel: If there is none, its weights are wrong, or a device is not there.
    """
    return tuple(load_inpainter(name, one, begun) for one in devices_of(device))


@lru_cache(maxsize=1)
def _working_gpus() -> tuple[str, ...]:
    import torch

    from models.device import fault_of

    if not torch.cuda.is_available():
        return ()
    named = (f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return tuple(device for device in named if fault_of(device) is None)
