"""The device that networks run on, and whether its driver and torch fit each other."""

from __future__ import annotations

import os
import re
from pathlib import Path

from heritage.care.checks.findings import Finding, notice, sound, wrong
from heritage.settings import Settings

DRIVER = Path("/proc/driver/nvidia/version")
"""Where NVIDIA's driver says what it is."""

LEAST_FREE = 2 << 30
"""Bytes of GPU memory; with less, windows go one by one or not at all."""


def check_device(settings: Settings, driver: Path = DRIVER) -> list[Finding]:
    """Whether the device that is set can be used, and whether a GPU lies idle.

    Args:
        settings: Of the site.
        driver: The file in which NVIDIA's driver says what it is.
    """
    return [_chosen(settings.device), *_driver(driver)]


def _chosen(device: str) -> Finding:
    from models.device import resolve
    from models.errors import ModelError

    try:
        found = [resolve(one.strip()) for one in device.split(",")]
    except ModelError as error:
        return wrong("device", f"{device}: {error}", "set HERITAGE_DEVICE to auto, or mend it")
    return sound("device", ", ".join(_name(str(one)) for one in found))


def _name(device: str) -> str:
    if not device.startswith("cuda"):
        return f"{device} ({os.cpu_count()} cores)" if device == "cpu" else device
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"


def _driver(file: Path) -> list[Finding]:
    """NVIDIA's driver against the CUDA that torch was built with; nothing where there is none."""
    try:
        said = file.read_text(errors="replace")
    except OSError:
        return []
    import torch

    version = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", said)
    driver = f"NVIDIA's driver {version[0]}" if version else "a driver of NVIDIA's"
    if torch.version.cuda is None:
        return [
            notice(
                "driver",
                f"{driver} is here, but this torch ({torch.__version__}) computes on processors",
                "install a torch with CUDA: pip install --force-reinstall torch",
            )
        ]
    from models.device import fault_of

    fault = fault_of("cuda")
    if fault is not None:
        return [
            wrong(
                "driver",
                f"{driver} does not serve torch's CUDA {torch.version.cuda} ({fault})",
                "update the driver, or install a torch for an older CUDA (nvidia-smi says which)",
            )
        ]
    known = sound("driver", f"{driver}, torch's CUDA {torch.version.cuda}")
    return [known, *(_memory(number) for number in range(torch.cuda.device_count()))]


def _memory(number: int) -> Finding:
    """How much of a GPU's memory others have left."""
    import torch

    free, total = torch.cuda.mem_get_info(number)
    found = f"cuda:{number} has {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    if free < LEAST_FREE:
        return notice("GPU memory", found, "see who has it: nvidia-smi")
    return sound("GPU memory", found)
