"""Whatever is compared, behind one call: models of this program, and programs from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from heritage import __version__
from heritage.errors import HeritageError
from heritage.evaluate.costs import measured
from heritage.evaluate.metrics import Mask
from heritage.evaluate.pictures import Pixels

if TYPE_CHECKING:
    from models.inpainter import Inpainter


class FillFailed(HeritageError):
    """One fill that did not come about; the others go on."""


@dataclass(frozen=True)
class Filled:
    """One fill and its price.

    Attributes:
        picture: (H, W, 3), 8 bits; outside the hole as it was.
        seconds: Time.
        memory: Bytes at the worst moment, or None where the system cannot tell.
    """

    picture: Pixels
    seconds: float
    memory: int | None


class Filler(Protocol):
    """What fills holes.

    Attributes:
        name: As in the tables.
        identity: Everything that decides its fills: weights, versions, kind of device.
        side: Of the windows it works in, or None if it sees the whole picture.
    """

    name: str
    identity: Mapping[str, str]
    side: int | None

    def fill(self, damaged: Pixels, mask: Mask) -> Filled:
        """Fill one picture.

        Args:
            damaged: (H, W, 3), black in the hole.
            mask: (H, W), the hole.

        Raises:
            FillFailed: If it cannot.
        """
        ...


class ModelFiller:
    """A model of ``models.load``.

    Args:
        name: One of ``models.available()``, or ``identity``.
        device: As for ``models.load``.
        folder: Where the user's own weights lie.
    """

    def __init__(self, name: str, device: str = "auto", folder: Path | None = None) -> None:
        import torch

        import models

        self.name = name
        self._inpainter: Inpainter = models.load(name, device, folder)
        network = getattr(self._inpainter, "network", None)
        self.side: int | None = getattr(network, "side", None)
        self.identity: Mapping[str, str] = {
            "weights_sha256": self._inpainter.weights_sha256 or "",
            "device": self._inpainter.device_class,
            "heritage": __version__,
            "torch": torch.__version__,
        }
        self._warm = False

    def fill(self, damaged: Pixels, mask: Mask) -> Filled:
        """See ``Filler``."""
        import torch

        if not self._warm:  # the first call of a library pays for its preparations
            self._warm = True
            self._call(damaged[:64, :64], _diagonal(damaged[:64, :64]))
        try:
            filled, seconds, memory = measured(
                lambda: self._call(damaged, mask), self._inpainter.device
            )
        except (ArithmeticError, MemoryError, torch.OutOfMemoryError) as error:
            raise FillFailed(f"{self.name}: {error}") from error
        return Filled(filled, seconds, memory)

    def _call(self, damaged: Pixels, mask: Mask) -> Pixels:
        import torch

        image = torch.from_numpy(damaged.astype(np.float32) / 255).permute(2, 0, 1)[None]
        filled = self._inpainter(image.contiguous(), torch.from_numpy(mask)[None, None])
        rounded = (filled[0] * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        return np.where(mask[..., None], rounded, damaged)


def _diagonal(picture: Pixels) -> Mask:
    """A small hole to try a method on."""
    return np.eye(*picture.shape[:2], dtype=np.bool_)


def open_fillers(
    names: Sequence[str] | None, device: str = "auto", folder: Path | None = None
) -> list[Filler]:
    """Everything that is to be compared, loaded and at hand before the first picture.

    Args:
        names: Of models and of programs from outside; None means all models.
        device: As for ``models.load``.
        folder: Where the user's own weights lie.

    Raises:
        ModelNotFound: If there is no model of that name.
        ProgramMissing: If a program from outside is not installed.
    """
    import models
    from heritage.evaluate.outside import OUTSIDE

    if names is None:
        names = [card.name for card in models.available(folder)]
    opened: list[Filler] = []
    for name in dict.fromkeys(names):
        if name in OUTSIDE:
            opened.append(OUTSIDE[name]())
        else:
            opened.append(ModelFiller(name, device, folder))
    return opened
