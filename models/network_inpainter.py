"""Any network of this package behind the common call."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from models.cards import InpainterCard
from models.device import channels_last, quicker_dtype
from models.draws import Draw
from models.errors import InputRefused
from models.inpainter import Inpainter
from models.network import InpaintingNetwork
from models.padding import pad_to_multiple
from models.tiling import Complete, complete_tiled

# Measured on two cores: eight windows of 512 x 512 in one call take 1.6 times as long as one by
# one, sixteen of 128 x 128 together a third of what they take one by one.
_PIXELS = {"cpu": 1 << 18}
_TOGETHER = 64  # windows or tiles elsewhere


class NetworkInpainter(Inpainter):
    """A network with its weights, at any size and as precisely as the device does it well.

    Args:
        network: With its weights.
        card: What it is.
        device: ``auto`` or a torch device.
        precision: ``auto`` (bfloat16 where the device has units for it), ``float32`` or
            ``bfloat16``. The last layers are computed in float32 in any case.

    Raises:
        InputRefused: If there is no such precision.
    """

    def __init__(
        self,
        network: InpaintingNetwork,
        card: InpainterCard,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        super().__init__(card, device)
        self.network = channels_last(network.to(self.device).eval())
        self.samples = network.latent > 0
        self.precision = precision
        chosen = {"auto": quicker_dtype(self.device.type), "float32": None}
        chosen["bfloat16"] = torch.bfloat16
        if precision not in chosen:
            raise InputRefused(f"precision must be one of {', '.join(chosen)}, not {precision!r}")
        self.dtype = chosen[precision]

    @property
    def device_class(self) -> str:
        """Such as ``cpu`` or ``cuda bfloat16``."""
        return self.device.type if self.dtype is None else f"{self.device.type} bfloat16"

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        return self._sample(image, holes, Draw())

    def _sample(self, image: Tensor, holes: Tensor, draw: Draw) -> Tensor:
        latent = draw.latent(self.network.latent) if self.samples else None

        def complete(image: Tensor, mask: Tensor) -> Tensor:
            # One draw for all: neighbouring windows of one picture are filled in one manner.
            drawn = None if latent is None else latent.to(image.device).expand(len(image), -1)
            return self.network.complete(image, mask, drawn, draw.truncation)

        with torch.autocast(image.device.type, self.dtype, enabled=self.dtype is not None):
            groups = zip(*(self._groups(x) for x in (image, holes.to(image.dtype))), strict=True)
            return torch.cat([self._complete(complete, *group) for group in groups])

    def _complete(self, complete: Complete, image: Tensor, mask: Tensor) -> Tensor:
        """One group, at the size that the network wants."""
        side = self.network.side
        if side is not None:
            return complete_tiled(complete, image, mask, side, self._together(side * side))
        height, width = image.shape[-2:]
        multiple, least = self.network.multiple, self.network.least
        image, mask = (pad_to_multiple(x, multiple, least) for x in (image, mask))
        return complete(image, mask)[..., :height, :width]

    def _groups(self, x: Tensor) -> Iterator[Tensor]:
        """Windows that are computed together: on a CPU no more than its caches like."""
        side = self.network.side or 0
        pixels = max(x.shape[-2], side) * max(x.shape[-1], side)
        yield from x.split(self._together(pixels))

    def _together(self, pixels: int) -> int:
        most = _PIXELS.get(self.device.type)
        return _TOGETHER if most is None else max(1, most // pixels)
