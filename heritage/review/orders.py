"""Restorations that staff ask for from a record: one after the other, in the background."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from heritage.errors import HeritageError

LOG = logging.getLogger("heritage")

REMEMBERED = 200
"""Orders that are remembered after they are done."""


class Stage(StrEnum):
    """Where an order stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Order:
    """A restoration that somebody asks for.

    Args:
        sha256: Of the master.
        master: Where it lies.
        model: The inpainter's name.
        policy: What of the damage is filled, where it is searched for.
        mask: One to use, which whoever asks stands behind; None: as ``heritage restore`` does.
        output: The folder that receives it.
        person: Who asks.
    """

    sha256: str
    master: str
    model: str
    policy: str
    mask: Path | None
    output: Path
    person: str
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stage: Stage = Stage.WAITING
    reason: str = ""


class Orders:
    """A queue with one worker; what waits is forgotten when the program ends.

    Args:
        run: Does one, and raises ``HeritageError`` where it fails.
    """

    def __init__(self, run: Callable[[Order], None]) -> None:
        self._run = run
        self._orders: deque[Order] = deque(maxlen=REMEMBERED)
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._work, name="orders", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; one that runs goes on by itself."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def place(self, order: Order) -> None:
        """Put an order at the end, unless the very same waits or runs already."""
        same = (order.sha256, order.model, order.policy, order.mask, order.output)
        with self._changed:
            for one in self._orders:
                known = (one.sha256, one.model, one.policy, one.mask, one.output)
                if known == same and one.stage in (Stage.WAITING, Stage.RUNNING):
                    return
            self._orders.append(order)
            self._changed.notify_all()

    def of(self, sha256: str) -> list[Order]:
        """The orders for one master, newest first."""
        with self._changed:
            return [order for order in reversed(self._orders) if order.sha256 == sha256]

    def _work(self) -> None:
        while (order := self._next()) is not None:
            try:
                self._run(order)
                order.stage = Stage.DONE
            except HeritageError as error:
                order.reason, order.stage = error.reason, Stage.FAILED
            except Exception as error:
                order.reason, order.stage = f"a fault of the program: {error!r}", Stage.FAILED
                LOG.exception("the restoration of %s that was asked for failed", order.master)

    def _next(self) -> Order | None:
        with self._changed:
            while not self._over:
                for order in self._orders:
                    if order.stage is Stage.WAITING:
                        order.stage = Stage.RUNNING
                        return order
                self._changed.wait()
            return None
