"""Two networks, each for the holes it is good at: one for lines, one for everything wider.

A gap of three pixels has one answer, which a shallow network at full size interpolates better than
any deep one; a lost hand needs a network that sees the whole window. Which pixel is whose follows
from the mask alone, by a morphological opening: what a disc fits into is wide, the rest is thin.
The wide is filled first, so that a crack that runs into a loss is mended against its fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

from models.cards import InpainterCard
from models.classical.detail import NONE, Detail, add_detail
from models.device import one_thread
from models.inpainter import Inpainter
from models.network import InpaintingNetwork
from models.network_inpainter import NetworkInpainter
from models.networks import coarse_to_fine, edsr
from models.networks.coarse_to_fine import CoarseToFine, under
from models.trial import way_for
from models.ways import Way, named

_SEARCHERS = 2
_SEARCHED = 450  # bytes per pixel of a window in which detail is searched
_SOFT = 5  # radius in pixels of the disc from which on the wide network's fill is soft


class ByWidth(InpaintingNetwork):
    """The two networks.

    Args:
        thin: Arguments of ``EDSR``, for lines.
        wide: Arguments of ``CoarseToFine``, for the rest.
        radius: Of the disc, in pixels: lines of up to twice this are thin.
        detail: Arguments of ``models.classical.detail.Detail``, for what is added to the wide fill.
    """

    besides = "fine detail, raised and copied from the same picture"
    aside = _SEARCHERS * _SEARCHED

    def __init__(
        self,
        thin: Mapping[str, Any] | None = None,
        wide: Mapping[str, Any] | None = None,
        radius: int = 3,
        detail: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.thin = edsr.EDSR(**(thin or {}))
        self.wide = CoarseToFine(**(wide or {}))
        self.radius, self.detail = radius, Detail(**(detail or {}))
        self.multiple = max(self.thin.multiple, self.wide.multiple)
        self.least = max(self.thin.least, self.wide.least)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """The finished picture without copied detail, for (B, 3, H, W) and (B, 1, H, W)."""
        return self.stages(image, mask)[-1]

    def stages(
        self, image: Tensor, mask: Tensor, latent: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """The wide network's picture, and that with its lines mended."""
        wide = wide_part(mask, self.radius)
        first = self.wide.complete(image, mask).clamp(0, 1)
        known = torch.where(wide > 0, first, image)
        second = self.thin.complete(known, mask - wide)
        return [first, torch.where(wide > 0, first, second)]


def wide_part(mask: Tensor, radius: int) -> Tensor:
    """The part of a mask that a disc fits into: (B, 1, H, W) of 0 and 1 to the same.

    Beyond the picture's edge the mask is taken to go on as it is there.
    """
    steps = torch.arange(-radius, radius + 1, device=mask.device)
    disc = (steps[:, None].square() + steps.square() <= (radius + 0.5) ** 2).to(mask.dtype)
    kernel = disc[None, None]
    with torch.autocast(mask.device.type, enabled=False):
        padded = F.pad(mask, [2 * radius] * 4, mode="replicate")
        centres = (F.conv2d(padded, kernel) > disc.sum() - 0.5).to(mask.dtype)
        return (F.conv2d(centres, kernel) > 0.5).to(mask.dtype) * mask


class WidthInpainter(Inpainter):
    """The pair at any size, with copied detail in what is wide.

    Args:
        network: With its weights.
        card: What it is.
        device: See ``NetworkInpainter``.
        precision: See ``NetworkInpainter``.
    """

    def __init__(
        self, network: ByWidth, card: InpainterCard, device: str = "auto", precision: str = "auto"
    ) -> None:
        super().__init__(card, device)
        self.network, self.precision = network, precision
        named(precision)  # refused here and now if there is none of that name

    @cached_property
    def _thin(self) -> NetworkInpainter:
        return self._part(self.network.thin)

    @cached_property
    def _wide(self) -> NetworkInpainter:
        return self._part(self.network.wide)

    @cached_property
    def way(self) -> Way:
        """How both compute: tried for the pair, so that they go the same way."""
        self.network.to(self.device).eval()
        return named(self.precision) or way_for(self.network, self.card, self.device)

    def _part(self, network: InpaintingNetwork) -> NetworkInpainter:
        part = replace(self.card, architecture=None)
        return NetworkInpainter(network, part, str(self.device), self.way.name)

    @property
    def device_class(self) -> str:
        """See ``NetworkInpainter``."""
        return self.way.on(self.device.type)

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        wide = wide_part(holes.to(image.dtype), self.network.radius) > 0
        thin = holes & ~wide
        filled = image.clone()
        deep = wide.flatten(1).any(1).nonzero().flatten()
        if len(deep):
            filled[deep] = self._fill_wide(image[deep], holes[deep], wide[deep])
        lines = thin.flatten(1).any(1).nonzero().flatten()
        if len(lines):
            mended = self._thin._fill(filled[lines], thin[lines])
            filled[lines] = torch.where(thin[lines], mended.float(), filled[lines])
        return filled

    def _fill_wide(self, image: Tensor, holes: Tensor, wide: Tensor) -> Tensor:
        found = self._wide._fill(image, holes).float().clamp(0, 1)
        whole = torch.where(holes, found, image)
        detail = self.network.detail
        if detail != NONE:
            soft = wide_part(holes.to(image.dtype), _SOFT) > 0
            whole = _detailed(whole, holes[:, 0], soft[:, 0], detail)
        return torch.where(wide, whole, image)


def _detailed(filled: Tensor, holes: Tensor, where: Tensor, detail: Detail) -> Tensor:
    """Every window of a batch with copied detail: (B, 3, H, W), (B, H, W), (B, H, W) bool.

    A search among patches is many small steps, which more threads do not make faster; two windows
    are searched side by side instead, each by one thread: the same bytes on any number of cores.
    """

    def one(parts: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        with torch.inference_mode():  # every thread has its own
            return add_detail(*parts, detail)

    windows = zip(filled, holes, where, strict=True)
    if filled.device.type != "cpu" or len(filled) == 1:
        return torch.stack([one(parts) for parts in windows])
    with one_thread(), ThreadPoolExecutor(_SEARCHERS) as pool:
        return torch.stack(list(pool.map(one, windows)))


def inpainter(
    network: ByWidth, card: InpainterCard, device: str = "auto", precision: str = "auto"
) -> WidthInpainter:
    """The factory that ``models.registry`` looks for."""
    return WidthInpainter(network, card, device, precision)


def config_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any] | None:
    """The constructor's arguments, told from the shapes of a state dict.

    The disc and the share of copied detail leave no trace in the weights: they are the defaults.

    Args:
        shapes: Shape of every tensor by name, wrappers stripped.

    Returns:
        None if these are not the weights of such a pair.
    """
    thin = edsr.config_of(under("thin.", shapes))
    wide = coarse_to_fine.config_of(under("wide.", shapes))
    return None if thin is None or wide is None else {"thin": thin, "wide": wide}
