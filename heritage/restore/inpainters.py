"""Inpainters as the engine uses them: loaded once per process, their faults in our own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heritage.errors import NotEnoughMemory, UnknownModel
from heritage.settings import load_settings

if TYPE_CHECKING:
    from models import InpainterCard
    from models.inpainter import Inpainter

Floats = NDArray[np.float32]


@contextmanager
def _in_our_words() -> Iterator[None]:
    from models import ModelError

    try:
        yield
    except ModelError as error:
        raise UnknownModel(str(error)) from error


def card_of(name: str | None) -> InpainterCard:
    """What is known of a model without loading it; None means the default.

    Raises:
        UnknownModel: If there is none of that name.
    """
    from models.registry import find_card

    with _in_our_words():
        return find_card(name, load_settings().model_folder)


@lru_cache(maxsize=2)
def load_inpainter(name: str, device: str) -> Inpainter:
    """The inpainter of that name on a device, kept for the next batch.

    Raises:
        UnknownModel: If there is none, its weights are wrong, or the device is not there.
    """
    import models

    with _in_our_words():
        settings = load_settings()
        return models.load(name, device, settings.model_folder, settings.precision)


def fill(
    inpainter: Inpainter, images: Sequence[Floats], holes: Sequence[NDArray[np.bool_]]
) -> list[Floats]:
    """Fill windows that travel together; those of equal size are one batch for the model.

    Args:
        inpainter: The model.
        images: (h, w, 3) each, sizes may differ.
        holes: (h, w) each.

    Returns:
        (h, w, 3) each, in the order given.

    Raises:
        NotEnoughMemory: If the device cannot hold even one window.
    """
    shapes: dict[tuple[int, ...], list[int]] = {}
    for number, image in enumerate(images):
        shapes.setdefault(image.shape, []).append(number)
    filled: dict[int, Floats] = {}
    for members in shapes.values():
        group = [images[n] for n in members], [holes[n] for n in members]
        filled |= zip(members, _fill_equal(inpainter, *group), strict=True)
    return [filled[number] for number in range(len(images))]


def _fill_equal(
    inpainter: Inpainter, images: list[Floats], holes: list[NDArray[np.bool_]]
) -> list[Floats]:
    import torch

    batch = torch.from_numpy(np.stack([image.transpose(2, 0, 1) for image in images]))
    mask = torch.from_numpy(np.stack(holes)[:, None])
    try:
        result = inpainter(batch, mask).cpu().numpy()
    except torch.OutOfMemoryError:  # even one at a time: the inpainter has tried
        height, width = images[0].shape[:2]
        raise NotEnoughMemory(
            f"the device cannot hold one window of {height} x {width} pixels for "
            f"{inpainter.name}; choose a smaller window or another device"
        ) from None
    return [np.ascontiguousarray(one.transpose(1, 2, 0), np.float32) for one in result]
