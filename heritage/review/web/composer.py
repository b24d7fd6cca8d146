"""Composing what was signed off, in the background, one after the other.

What is signed and not composed yet stands in the catalogue: whatever stops this process, the next
one goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from heritage.care.leases import working_on
from heritage.care.stages import stage
from heritage.errors import HeritageError, RestorationBusy
from heritage.logs import concerning
from heritage.restore.recompose import recompose
from heritage.review.desk import Desk
from heritage.settings import Settings

LOG = logging.getLogger("heritage")
AGAIN = 300.0
"""Seconds after which what failed is tried again, in case a share has come back."""

SIGNED = "-signed"
"""What is signed lies beside what was proposed: OUTPUT/NAME becomes OUTPUT-signed/NAME."""


class Composer:
    """A thread that has composed what was signed: by a worker where the site has one, or here.

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
        self._thread = threading.Thread(target=self._run, name="composer", daemon=True)
        self.failed: dict[str, str] = {}

    def start(self) -> None:
        """Begin, with what was left by the last process."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Something was signed."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is being composed, and end."""
        self._over.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            self._wake.wait(AGAIN)
            self._wake.clear()
            try:
                waiting = self._desk.approved_uncomposed()
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
            LOG.warning("%s; what was signed is composed here", error)
            return waiting
        self._asked.update(new)
        return []

    def _one(self, identifier: str) -> None:
        try:
            with working_on(publishing(identifier), self._settings):
                compose_signed(self._desk, identifier)
            self.failed.pop(identifier, None)
        except RestorationBusy:
            return  # a worker is at it
        except HeritageError as error:
            self.failed[identifier] = str(error)
            LOG.warning("restoration %s was signed and cannot be composed: %s", identifier, error)
        except Exception as error:
            self.failed[identifier] = f"a fault of the program: {error!r}"
            LOG.exception("restoration %s was signed and cannot be composed", identifier)


def publishing(identifier: str) -> str:
    """What a lease on composing a restoration is about."""
    return f"publish {identifier}"


def compose_signed(desk: Desk, identifier: str) -> Path:
    """Write the files of a signed restoration: without the fills that were taken back.

    Args:
        desk: The open catalogue.
        identifier: The restoration's.

    Returns:
        The folder, ``OUTPUT-signed/NAME``.

    Raises:
        HeritageError: If the master or the files are gone, or the disk is full.
    """
    row, sign_off = desk.restoration(identifier)
    assert sign_off is not None
    assert sign_off.approved_at is not None
    folder = Path(row.output)
    decisions = {
        "restoration": row.identifier,
        "statement": sign_off.statement.value,
        "remark": sign_off.remark,
        "author": sign_off.author,
        "authored_at": sign_off.authored_at.isoformat(),
        "approver": sign_off.approver,
        "approved_at": sign_off.approved_at.isoformat(),
    }
    with concerning(restoration=identifier), stage("publish", row.master.path):
        made = recompose(
            folder,
            Path(row.master.path),
            desk.taken_back(identifier),
            folder.parent.with_name(folder.parent.name + SIGNED),
            decisions,
        )
        desk.record_composed(identifier, str(made.folder), _restored_hash(made.provenance))
    return made.folder


def _restored_hash(provenance: Path) -> str:
    from heritage.restore.provenance import read_provenance

    return str(read_provenance(provenance)["restored"]["sha256"])
