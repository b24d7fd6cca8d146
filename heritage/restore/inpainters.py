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


@lru_cache(maxsize=2)
def load_inpainter(name: str, device: str) -> Inpainter:
    """The inpainter of that name on a device, kept for the next batch.

    Raises:
        UnknownModel: If there is none, its weights are wrong, or the device is not there.
    """
    import models

    with in_our_words():
        settings = load_settings()
        return models.load(name, device, settings.model_folder, settings.precision)
