"""Where the windows of a training come from, as its recipe says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch

from heritage.damage.simulate import FAMILIES
from heritage.errors import HeritageError
from heritage.train.device_cache import PictureCache
from heritage.train.device_masks import MaskBank
from heritage.train.device_windows import DeviceWindows
from heritage.train.pictures import load_masks
from heritage.train.recipe import Recipe
from heritage.train.room import room_for_pictures, threads
from heritage.train.sources import LOG, Source, open_sources, pixels_of
from heritage.train.workers import Sample, Windows

_MASTERS_ROOM = 2 << 30  # bytes of decoded tiles to keep while pictures go to the device


class WindowMaker(Protocol):
    """Makes the batch of any step."""

    def step(self, number: int) -> Sample:
        """The batch of one step."""

    def from_step(self, first: int) -> Iterator[Sample]:
        """Endless batches from a step on."""


def windows_of(
    recipe: Recipe,
    device: torch.device,
    labels: Sequence[int] | None,
    rank: int = 0,
    world: int = 1,
) -> WindowMaker:
    """What makes the windows of a training.

    With ``windows = "device"`` all pictures are kept on the device and windows are made there;
    with ``"loader"`` threads make them on the CPU; ``"auto"`` takes the first on a GPU whose memory
    they fit into (three tenths of it at most), the second everywhere else.

    Args:
        recipe: Of the training; its ``batch`` is a number.
        device: Of the training.
        labels: Number of the kind of object of every picture, as ``labels_of`` gives them; None
            where the network is not told.
        rank: Number of this process among those that train together.
        world: How many they are.

    Raises:
        HeritageError: If no picture can be read, if they are to be kept on a device that they do
            not fit into, or if the recipe names damage that cannot be simulated.
    """
    if not 0 <= rank < world:
        raise ValueError(f"there is no rank {rank} among {world}")
    _check(recipe)
    if recipe.windows == "device" or (recipe.windows == "auto" and device.type == "cuda"):
        made = _on_device(recipe, device, labels, rank)
        if made is not None:
            return made
    room = room_for_pictures(torch.device("cpu")) // world
    sources = open_sources(recipe.pictures, recipe.crop, room)
    given = "workers" in recipe.model_fields_set
    return Windows(
        sources, load_masks(recipe.masks), recipe.crop, int(recipe.batch), recipe.mix,
        recipe.native, recipe.seed, labels, recipe.centre, recipe.augmentation, rank,
        recipe.workers if given else threads(device),
    )  # fmt: skip


def _check(recipe: Recipe) -> None:
    unknown = [name for name in recipe.mix if name not in FAMILIES and name != "real"]
    if unknown:
        raise HeritageError(
            f"mix names unknown damage: {', '.join(unknown)}; there are {', '.join(FAMILIES)}, real"
        )


def _on_device(
    recipe: Recipe, device: torch.device, labels: Sequence[int] | None, rank: int
) -> DeviceWindows | None:
    """Windows made on the device, or None if the pictures do not fit and need not."""
    sources = open_sources(recipe.pictures, recipe.crop, _MASTERS_ROOM, hold=False)
    if not _fits(recipe, sources, device):
        return None
    bank = None
    if not recipe.centre:
        masks = load_masks(recipe.masks)
        bank = MaskBank(recipe.mix, masks, recipe.crop, recipe.seed, device)
    return DeviceWindows(
        PictureCache(sources, device), bank, recipe.crop, int(recipe.batch), recipe.native,
        recipe.seed, labels, recipe.centre, recipe.augmentation, rank,
    )  # fmt: skip


def _fits(recipe: Recipe, sources: Sequence[Source], device: torch.device) -> bool:
    needed, room = 3 * pixels_of(sources), room_for_pictures(device)
    if needed <= room:
        return True
    said = f"its pictures take {needed / 1e9:.1f} GB, {device} has room for {room / 1e9:.1f} GB"
    if recipe.windows == "device":
        raise HeritageError(f"{said}: set windows = 'loader', or use fewer", recipe.pictures)
    LOG.warning("%s: %s; windows are made by the CPU", recipe.pictures, said)
    return False
