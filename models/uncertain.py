"""How far a fill can be trusted: what it becomes when the question is turned around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from models.inpainter import Inpainter

Turn = Callable[[Tensor], Tensor]


def uncertainty(
    inpainter: Inpainter, image: Tensor, mask: Tensor, draws: int = 4, seed: int = 0
) -> Tensor:
    """Spread of a fill over flips and quarter turns of the picture and, where it samples, draws.

    A hole that its surroundings decide is filled alike however the picture is turned; where the
    fill is the method's own invention, the turned ones disagree (test-time augmentation: Wang et
    al., Neurocomputing 338, 2019). It tells how much the answers scatter, not how wrong they are
    together: a smooth fill is certain of being smooth.

    Args:
        inpainter: Any; one that answers the same however a picture is turned, and one that
            computes nothing, have a spread of 0.
        image: (B, 3, H, W) float32 in 0..1.
        mask: (B, 1, H, W), non-zero where pixels are to be restored.
        draws: Alternatives for each turn, where the inpainter samples.
        seed: Of the alternatives.

    Returns:
        (B, 1, H, W) float32: standard deviation over the answers, the root of its mean square over
        the three channels; 0 outside the holes.

    Raises:
        InputRefused: As the inpainter does.
    """
    count = draws if inpainter.samples else 1
    mean = torch.zeros_like(image, dtype=torch.float64)
    squares = torch.zeros_like(mean)
    number = 0
    for there, back in _turns():
        for answer in inpainter(there(image), there(mask), proposals=count, seed=seed):
            number += 1  # Welford's update: no large sums are subtracted from each other
            off = back(answer).double() - mean
            mean += off / number
            squares += off * (back(answer).double() - mean)
    spread = (squares / number).mean(1, keepdim=True).sqrt().float()
    return torch.where(mask != 0, spread, 0.0)


def _turns() -> Iterator[tuple[Turn, Turn]]:
    """The eight symmetries of a square, each with its inverse."""
    for quarters in range(4):
        for mirrored in (False, True):
            yield partial(_turn, quarters, mirrored), partial(_turn_back, quarters, mirrored)


def _turn(quarters: int, mirrored: bool, x: Tensor) -> Tensor:
    return (x.flip(-1) if mirrored else x).rot90(quarters, (-2, -1)).contiguous()


def _turn_back(quarters: int, mirrored: bool, x: Tensor) -> Tensor:
    x = x.rot90(-quarters, (-2, -1))
    return x.flip(-1) if mirrored else x
