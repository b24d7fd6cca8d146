"""Inpainters as the engine uses them: loaded once per process, their faults in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from heritage.errors import UnknownModel
from heritage.settings import load_settings

if TYPE_CHECKING:
    from models import InpainterCard
    from models.inpainter import Inpainter


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn what ``models`` refuses into our own error.

    Raises:
        UnknownModel: In place of any ``ModelError``.
    """
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

    with in_our_words():
        return find_card(name, load_settings().model_folder)


def load_inpainter(name: str, device: str, begun: str | None = None) -> Inpainter:
    """The inpainter of that name on a device, kept for the next batch.

    Args:
        name: Of the inpainter.
        device: ``auto`` or a torch device.
        begun: Device class of what a run has computed already: unless the settings ask for a
            precision, the same is used again, so that it ends in the same bytes.

    Raises:
        UnknownModel: If there is none, its weights are wrong, or the device is not there.
    """
    from models.ways import precision_of

    asked = load_settings().precision
    loaded = _loaded(name, device, asked)
    kind = None if begun is None else begun.split()[0]
    if asked != "auto" or begun is None or kind != loaded.device.type:
        return loaded  # what one kind of device does quickly, another may hardly do at all
    if loaded.device_class == begun:
        return loaded
    return _loaded(name, device, precision_of(begun))


@lru_cache(maxsize=8)  # one machine's devices
def _loaded(name: str, device: str, precision: str) -> Inpainter:
    import models

    with in_our_words():
        return models.load(name, device, load_settings().model_folder, precision)
