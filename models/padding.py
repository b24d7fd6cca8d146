"""Padding windows to the multiples that networks with strides need."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor


def pad_to_multiple(image: Tensor, multiple: int, least: int = 1) -> Tensor:
    """Grow a picture to the right and below by its mirror image.

    The mirror leaves out the border pixel itself; where the picture is too small for one mirror the
    rest repeats its border. Cut back with ``[..., :height, :width]``.

    Args:
        image: (B, C, H, W) float, H and W >= 1.
        multiple: Height and width of the result are multiples of this.
        least: And at least this.

    Returns:
        (B, C, H', W'); the same tensor where nothing had to be added.
    """
    height, width = image.shape[-2:]
    right = -max(width, least) % multiple + max(width, least) - width
    below = -max(height, least) % multiple + max(height, least) - height
    if not right and not below:
        return image
    mirrored_right, mirrored_below = min(right, width - 1), min(below, height - 1)
    image = F.pad(image, (0, mirrored_right, 0, mirrored_below), mode="reflect")
    rest = (0, right - mirrored_right, 0, below - mirrored_below)
    return F.pad(image, rest, mode="replicate") if any(rest) else image
