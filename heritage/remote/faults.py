"""What can go wrong with storage that is far away, told with its address."""

from __future__ import annotations

import re
from pathlib import Path

from heritage.errors import StorageFailed
from heritage.remote.address import Address, shown


class RemoteFailed(StorageFailed):
    """A storage or server does not do what is needed.

    Args:
        reason: What is wrong and what to do.
        path: The address, as it is or as it travels.
    """

    def __init__(self, reason: str, path: Address | Path | str | None = None) -> None:
        place = path.travelling if isinstance(path, Address) else path
        super().__init__(reason, place)
        if self.path is not None:
            self.args = (f"{shown(self.path)}: {self.reason}",)


class NotThere(RemoteFailed):
    """There is nothing at this address."""


class NotAllowed(RemoteFailed):
    """The storage does not let us."""


class Interrupted(RemoteFailed):
    """The connection failed or the server is busy: worth another try."""


class Changed(RemoteFailed):
    """The file is no longer the one that was begun with."""


class NoRanges(RemoteFailed):
    """The server hands out whole files only."""


def told(error: BaseException) -> str:
    """A foreign error in one short line, without addresses that may carry a signature."""
    text = " ".join(str(error).split())
    text = re.sub(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s'\"]+", "the address", text)
    text = re.sub(r"(?i)((?:x-amz|x-goog|sig|key|token|secret|credential)[\w-]*=)\S+", r"\1…", text)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
