"""Virtual restoration of museum image archives.

The one call most people need is ``heritage.restore(source)``; everything else is in the rooms
``tiff``, ``damage``, ``restore``, ``train`` and ``evaluate``. Importing this package imports
neither torch nor Prefect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heritage.restore.engine import restore

__all__ = ["restore"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a package that is also a function
    if name != "restore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("heritage.restore")
