"""Plan windows, run an inpainter over them, blend, compose, prove.

This package is also the call that most people need::

    restoration = heritage.restore("painting.tif", output="restored")

Its parts are imported when they are used: naming it costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heritage.restore.batches import run_batches
    from heritage.restore.finishing import finish
    from heritage.restore.job import Job, open_job
    from heritage.restore.names import NamedSource, plan_names, restoration_name
    from heritage.restore.options import Options
    from heritage.restore.restoration import Restoration, read_restoration

__all__ = [
    "Job",
    "NamedSource",
    "Options",
    "Restoration",
    "finish",
    "open_job",
    "plan_names",
    "read_restoration",
    "restoration_name",
    "run_batches",
]

_HOMES = {
    "Job": "job",
    "NamedSource": "names",
    "Options": "options",
    "Restoration": "restoration",
    "finish": "finishing",
    "open_job": "job",
    "plan_names": "names",
    "read_restoration": "restoration",
    "restoration_name": "names",
    "run_batches": "batches",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever that name is
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


class _CallablePackage(ModuleType):
    """A package that can be called like its main function, ``heritage.restore.engine.restore``."""

    def __call__(self, *args: Any, **more: Any) -> Restoration:  # noqa: ANN401 - passed on
        """Restore one master: see ``heritage.restore.engine.restore``."""
        from heritage.restore.engine import restore

        return restore(*args, **more)


sys.modules[__name__].__class__ = _CallablePackage
