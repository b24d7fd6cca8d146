"""Working on something as the only one: said in the catalogue, repeated while it lasts."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from db.leases import RESTORE, Busy, Spent, Taken
from db.leases import TRIES as TRIES
from heritage.accession import place
from heritage.care.custody import Custody, open_custody
from heritage.errors import (
    CatalogueInterrupted,
    CatalogueRefused,
    HeritageError,
    RestorationBusy,
    ServerUnreachable,
    SetAside,
    StorageFailed,
)
from heritage.logs import say
from heritage.settings import Settings

LOG = logging.getLogger("heritage")
Result = TypeVar("Result")

LENGTH = timedelta(minutes=2)
"""After so long without a word, somebody else may go on."""

HOLDER = re.compile(r"process (?P<pid>\d+) on (?P<host>.+)")

PATIENCE = (1.0, 5.0, 20.0)
"""Seconds to wait for a catalogue that cannot be reached at the moment, again and again."""

BEATS = 4
"""How often in that time a worker says that it is there."""

FLOW_RUN = "flow run "
"""How leases of Prefect's runs begin; nobody asks for them when the run is over."""


BLAMELESS = (StorageFailed, CatalogueRefused, RestorationBusy, ServerUnreachable)
"""What the system around a master does: no number of full disks sets a master aside."""


@dataclass
class Tenure:
    """A lease for as long as the work takes.

    Attributes:
        taken: The lease.
        lost: Whether somebody else has it by now.
    """

    taken: Taken
    custody: Custody
    lost: bool = False

    def require(self) -> None:
        """Stop here unless this worker still has it.

        Raises:
            RestorationBusy: If somebody else has taken it up.
        """
        if self.lost or not _patiently(lambda: self.custody.holds(self.taken)):
            self.lost = True
            raise RestorationBusy(
                "was taken up by another worker while this one was not heard of; what that one "
                "makes counts"
            )


_here: dict[str, Tenure] = {}


def tenure_of(about: str) -> Tenure | None:
    """The lease that this process has on something."""
    return _here.get(about)


def holder() -> str:
    """This process, as others read it."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def is_gone(holder: str) -> bool:
    """Whether somebody was a process of this machine that is no more."""
    said = HOLDER.fullmatch(holder)
    if said is None or said["host"] != socket.gethostname():
        return False
    return not is_alive(int(said["pid"]))


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is there; of somebody else's that is not known."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # another person's, or a number of another system
    return True


def restoring(source: Path) -> str:
    """What a lease on a master is about."""
    return f"{RESTORE}{place(source)}"


@contextmanager
def working_on(
    about: str, settings: Settings, tries: int | None = None, length: timedelta = LENGTH
) -> Iterator[Tenure]:
    """Be the only one to work on something inside the block.

    Args:
        about: What, in words.
        settings: Of the site.
        tries: Refuse what was taken up in vain so often; None: nothing is refused.
        length: After so long without a word somebody else may have it.

    Raises:
        RestorationBusy: If somebody else is at it.
        SetAside: If it was taken up in vain too often.
    """
    with _patiently(lambda: open_custody(settings)) as custody:
        taken = _patiently(lambda: custody.take(about, holder(), length, tries, is_gone))
        if isinstance(taken, Busy):
            raise RestorationBusy(f"{taken.holder} is working on it")
        if isinstance(taken, Spent):
            raise SetAside(
                f"was tried {taken.tries} times in vain and is set aside (the last time: "
                f"{taken.fault}); look at it, then restore it by name: heritage restore FILE"
            )
        tenure = Tenure(taken, custody)
        over = threading.Event()
        beat = threading.Thread(target=_beat, args=(tenure, over, length), daemon=True)
        beat.start()
        _here[about] = tenure
        fault: str | None = "it ended without a word"
        counts = True
        try:
            yield tenure
            fault = None
        except BaseException as error:
            fault = " ".join(str(error).split()) or type(error).__name__
            counts = isinstance(error, Exception) and not isinstance(error, BLAMELESS)
            raise
        finally:
            _here.pop(about, None)
            over.set()
            beat.join()
            if tenure.lost:
                say("lease.lost", "warning", about=about)
            with suppress(HeritageError):  # it ends by itself
                custody.give_back(taken, fault, counts)


def _patiently(action: Callable[[], Result]) -> Result:
    """Ask the catalogue, again if it could not be reached at that moment."""
    for pause in PATIENCE:
        try:
            return action()
        except CatalogueInterrupted as error:
            LOG.warning("%s; tried again in %.0f s", error, pause)
            time.sleep(pause)
    return action()


def _beat(tenure: Tenure, over: threading.Event, length: timedelta) -> None:
    while not over.wait(length.total_seconds() / BEATS):
        try:
            if not tenure.custody.renew(tenure.taken, length):
                tenure.lost = True
                return
        except HeritageError as error:
            LOG.warning("the catalogue could not be told that work goes on: %s", error)
