"""Any network of this package behind the common call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from models.cards import InpainterCard
from models.device import channels_last, laid_out
from models.draws import Draw
from models.inpainter import Inpainter
from models.network import InpaintingNetwork
from models.padding import pad_to_multiple
from models.tiling import Complete, complete_tiled
from models.trial import way_for
from models.ways import Way, named

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
        precision: ``auto`` (what a short trial at the first use finds quickest on this processor
            without being less exact, see ``models.trial``), ``float32`` or ``bfloat16``, or what
            ``Way.name`` says. The last layers are computed in float32 in any case.

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
        self._asked = named(precision)

    @cached_property
    def way(self) -> Way:
        """How it computes: as asked for, or else what suits this processor."""
        way = self._asked or way_for(self.network, self.card, self.device)
        laid_out(self.network, way.layout)
        return way

    @property
    def dtype(self) -> torch.dtype | None:
        """bfloat16, or None where all is float32."""
        return self.way.dtype

    @property
    def device_class(self) -> str:
        """Such as ``cpu``, ``cuda bfloat16`` or ``cpu bfloat16 contiguous``."""
        return self.way.on(self.device.type)

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
