"""Colours and matrices that change a picture's look, for single windows and for batches."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

PAPERS: Final[NDArray[np.float32]] = np.array(
    [
        (0.97, 0.92, 0.80),  # yellowed rag paper
        (0.90, 0.80, 0.62),  # browned wood pulp
        (0.86, 0.79, 0.66),  # raw canvas
        (0.93, 0.86, 0.70),  # parchment
        (0.84, 0.71, 0.44),  # old varnish
        (0.83, 0.86, 0.88),  # blue paper
        (0.90, 0.88, 0.85),  # greyed by dirt
    ],
    np.float32,
)
"""What white becomes, as gamma-encoded red, green and blue in 0..1."""

LUMA: Final = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601: how bright red, green and blue are."""

Array = TypeVar("Array", NDArray[np.float32], Tensor)


def chroma_matrix(saturation: float, hue: float) -> NDArray[np.float64]:
    """The matrix that changes saturation and hue, and leaves greys as they are.

    Args:
        saturation: Factor; 0 makes everything grey.
        hue: Turn around the axis of greys, in degrees (Rodrigues' formula).

    Returns:
        (3, 3), for colours as columns.
    """
    angle = np.deg2rad(hue)
    axis = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turned = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    grey = np.tile(LUMA, (3, 1))
    saturated = saturation * np.eye(3) + (1 - saturation) * grey
    return np.asarray(saturated @ turned, np.float64)


def grain_envelope(grey: Array) -> Array:
    """How much of the grain shows: all in mid-grey, a third in black and white.

    Args:
        grey: Brightness in 0..1, an array or a tensor.
    """
    return 1 / 3 + 8 / 3 * grey * (1 - grey)
