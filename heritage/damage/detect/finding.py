"""What a detector says of a picture, and what it promises about windows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]
Confidence = npt.NDArray[np.float32]
Classes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector found.

    Attributes:
        confidence: How sure it is that a pixel is damaged, float32 (H, W) in 0..1; 0.5 is where it
            says damaged by default.
        classes: Which damage it would be, ``DamageClass`` as uint8 (H, W); ``NONE`` only where the
            confidence is 0.
    """

    confidence: Confidence
    classes: Classes


class Detector(Protocol):
    """Finds damage in windows of a picture.

    What is said of a pixel depends on no pixel further than ``context`` away, nor on where in the
    window it lies, as long as the window without its context begins where a tile of the mask does:
    so results do not depend on how a master is cut.

    Attributes:
        name: What records call it.
        context: Pixels around a window that it must see.
        weights: SHA-256 of what it has learned; None where nothing is learned.
    """

    name: str
    context: int
    weights: str | None

    def detect(self, picture: Picture) -> Finding:
        """Find the damage.

        Args:
            picture: float32 (H, W, 3), sRGB-encoded in 0..1; the caller has reflected the master
                at its borders to give every pixel its context.
        """
        ...
