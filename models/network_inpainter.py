"""Any network of this package behind the common call."""

from __future__ import annotations

import torch
from torch import Tensor

from models.cards import InpainterCard
from models.device import channels_last, quicker_dtype
from models.draws import Draw
from models.inpainter import Inpainter
from models.network import InpaintingNetwork
from models.padding import pad_to_multiple
from models.tiling import complete_tiled


class NetworkInpainter(Inpainter):
    """A network with its weights, at any size and as precisely as the device does it well.

    Args:
        network: With its weights.
        card: What it is.
        device: ``auto`` or a torch device.
        precision: ``auto`` (bfloat16 where the device has units for it), ``float32`` or
            ``bfloat16``. The last layers are computed in float32 in any case.
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
        chosen = {"float32": None, "bfloat16": torch.bfloat16}
        self.dtype = chosen.get(precision, quicker_dtype(self.device.type))

    @property
    def device_class(self) -> str:
        """Such as ``cpu`` or ``cuda bfloat16``."""
        return self.device.type if self.dtype is None else f"{self.device.type} bfloat16"

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        return self._sample(image, holes, Draw())

    def _sample(self, image: Tensor, holes: Tensor, draw: Draw) -> Tensor:
        mask = holes.to(image.dtype)
        latent = draw.latent(self.network.latent) if self.samples else None

        def complete(image: Tensor, mask: Tensor) -> Tensor:
            # One draw for all: neighbouring windows of one picture are filled in one manner.
            drawn = None if latent is None else latent.to(image.device).expand(len(image), -1)
            return self.network.complete(image, mask, drawn, draw.truncation)

        with torch.autocast(image.device.type, self.dtype, enabled=self.dtype is not None):
            if self.network.side is not None:
                return complete_tiled(complete, image, mask, self.network.side)
            height, width = image.shape[-2:]
            multiple, least = self.network.multiple, self.network.least
            image, mask = (pad_to_multiple(x, multiple, least) for x in (image, mask))
            return complete(image, mask)[..., :height, :width]
