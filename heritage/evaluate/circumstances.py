"""When, where and with what something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "torch", "numpy", "scipy", "opencv-python-headless", "scikit-image", "pillow", "torchmetrics",
)  # fmt: skip


def circumstances() -> dict[str, Any]:
    """Date, machine, versions and commit, as plain values."""
    import torch

    from heritage import __version__

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(),
        "heritage": __version__,
        "commit": commit(),
        "python": sys.version.split()[0],
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def machine() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def commit() -> str | None:
    """The commit of the checkout that this program runs from, ``+`` if it was changed since."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None

    def git(*words: str) -> str:
        answer = subprocess.run(  # noqa: S603 - our own words
            ["git", "-C", str(here), *words],  # noqa: S607 - whichever git the user has
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return answer.stdout.strip()

    try:
        head, changes = git("rev-parse", "HEAD"), git("status", "--porcelain", "-uno")
    except OSError:
        return None
    return f"{head}+" if head and changes else head or None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
