"""What a run may be told, apart from what to restore with what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Kept out of a job's identity: they change how fast it runs, not what it is.
_ONLY_SPEED = ("memory", "batch")


@dataclass(frozen=True)
class Options:
    """Parameters of a restoration.

    Args:
        memory: Bytes the process may use, Python and its libraries included.
        window: Side of the squares that the model sees, in pixels.
        context: Known pixels around a window's core that the model sees at least; None: an
            eighth of the window.
        overlap: Pixels over which neighbouring windows fade into each other; None: an eighth
            of the window.
        batch: Windows computed together; None: as many as memory allows, up to 8.
        grain: Whether smooth fills get the grain of their surroundings.
        seed: Of that grain.
        page: Which page to restore; None: the one ``heritage.tiff.inspect`` chooses.

    Raises:
        ValueError: If a number makes no sense.
    """

    memory: int = 2 << 30
    window: int = 512
    context: int | None = None
    overlap: int | None = None
    batch: int | None = None
    grain: bool = True
    seed: int = 0
    page: int | None = None

    def __post_init__(self) -> None:
        if self.window < 64 or self.window % 8:
            raise ValueError(f"window must be a multiple of 8, at least 64, not {self.window}")
        arguments = self.plan_arguments()
        context, overlap = arguments["context"], arguments["overlap"]
        if min(context, overlap) < 1 or self.window - 2 * context < 2 * overlap:
            raise ValueError(
                f"a window of {self.window} has no room for context {context} and overlap {overlap}"
            )
        for name in ("memory", "batch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")

    def plan_arguments(self) -> dict[str, int]:
        """Arguments for ``make_plan``, without the batch, which memory decides."""
        eighth = self.window // 8
        return {
            "size": self.window,
            "context": eighth if self.context is None else self.context,
            "overlap": eighth if self.overlap is None else self.overlap,
        }

    def identity(self) -> dict[str, Any]:
        """What makes two runs the same job."""
        return {name: value for name, value in asdict(self).items() if name not in _ONLY_SPEED}

    def to_json(self) -> dict[str, Any]:
        """Everything."""
        return asdict(self)
