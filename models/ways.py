"""In which ways a network can compute: its precision, and how its arrays lie in memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.device import quicker_dtype
from models.errors import InputRefused

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Way:
    """One way to compute; each gives slightly other bytes.

    Attributes:
        half: In bfloat16, the last layers in float32; else all in float32.
        contiguous: Channel by channel in memory; else all channels of a pixel side by side, which
            is quicker on most devices.
    """

    half: bool = False
    contiguous: bool = False

    @property
    def dtype(self) -> torch.dtype | None:
        """What autocast is asked for; None for float32 throughout."""
        return torch.bfloat16 if self.half else None

    @property
    def layout(self) -> torch.memory_format:
        """How weights and features lie in memory."""
        return torch.contiguous_format if self.contiguous else torch.channels_last

    @property
    def name(self) -> str:
        """As ``precision`` takes it: ``float32``, ``bfloat16``, each maybe with ``contiguous``."""
        return f"{'bfloat16' if self.half else 'float32'}{' contiguous' * self.contiguous}"

    def on(self, kind: str) -> str:
        """Class of device: ``cpu``, ``cpu bfloat16``, ``cpu contiguous`` … for a kind of device."""
        return f"{kind}{' bfloat16' * self.half}{' contiguous' * self.contiguous}"


WAYS = tuple(Way(half, contiguous) for contiguous in (False, True) for half in (False, True))


def usual(kind: str) -> Way:
    """What the hardware of a kind of device is made for, found without measuring."""
    return Way(half=quicker_dtype(kind) is not None)


def named(precision: str) -> Way | None:
    """The way that a precision asks for; None for ``auto``.

    Args:
        precision: ``auto``, ``float32`` or ``bfloat16``; the latter two also with
            ``contiguous``, which is how a run says what it began with.

    Raises:
        InputRefused: If there is no such precision.
    """
    ways = {way.name: way for way in WAYS}
    if precision not in ways and precision != "auto":
        raise InputRefused(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    return ways.get(precision)


def precision_of(device_class: str) -> str:
    """The precision with which the same bytes come out again on the same kind of device.

    Args:
        device_class: Of ``Inpainter.device_class``, such as ``cpu bfloat16``.

    Returns:
        For ``named``; ``auto`` where it says nothing that this version knows.
    """
    kind = device_class.partition(" ")[0]
    return next((way.name for way in WAYS if way.on(kind) == device_class), "auto")
