"""Publishing what was signed off, in the background, one after the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from heritage.archive.publishing import publish, publishing
from heritage.care.leases import working_on
from heritage.errors import HeritageError, RestorationBusy
from heritage.review.desk import Desk
from heritage.settings import Settings

LOG = logging.getLogger("heritage")
AGAIN = 300.0
"""Seconds after which what failed is tried again, in case a share has come back."""


class Publisher:
    """A thread that has published what was signed: by a worker where the site has one, or here.

    Args:
        desk: The open catalogue.
        settings: Of the site.
        ask: Has a worker do it, who may begin at some later time; raises ``HeritageError`` where
            there is none. None: it is done here.
    """

    def __init__(
        self, desk: Desk, settings: Settings, ask: Callable[[], None] | None = None
    ) -> None:
        self._desk, self._settings, self._ask = desk, settings, ask
        self._asked: set[str] = set()
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.failed: dict[str, str] = {}

    def start(self) -> None:
        """Begin, with what was left by the last process."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Something was signed."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is being published, and end."""
        self._over.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            self._wake.wait(AGAIN)
            self._wake.clear()
            try:
                waiting = self._desk.unpublished()
            except HeritageError as error:
                LOG.warning("%s", error)
                continue
            for identifier in self._left(waiting):
                if self._over.is_set():
                    return
                self._one(identifier)

    def _left(self, waiting: list[str]) -> list[str]:
        """What is to be done here: all that a worker was asked for long ago, or never."""
        self._asked.intersection_update(waiting)
        new = [identifier for identifier in waiting if identifier not in self._asked]
        if self._ask is None or not new:
            return waiting
        try:
            self._ask()
        except HeritageError as error:
            LOG.warning("%s; what was signed is published here", error)
            return waiting
        self._asked.update(new)
        return []

    def _one(self, identifier: str) -> None:
        try:
            with working_on(publishing(identifier), self._settings):
                publish(self._desk, identifier, self._settings)
            self.failed.pop(identifier, None)
        except RestorationBusy:
            return  # a worker is at it
        except HeritageError as error:
            self.failed[identifier] = str(error)
            LOG.warning("restoration %s was signed and cannot be published: %s", identifier, error)
        except Exception as error:
            self.failed[identifier] = f"a fault of the program: {error!r}"
            LOG.exception("restoration %s was signed and cannot be published", identifier)
