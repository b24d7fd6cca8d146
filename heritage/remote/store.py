"""What every storage can do for us, and which one an address belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, TypeVar

from heritage.remote.address import Address
from heritage.remote.faults import Interrupted

DELAYS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries while gigabytes are on their way; after the last one it is given up."""
SOON: Final = DELAYS[:3]
"""The same for a question: whoever mistyped a server's name should not wait long to hear of it."""
PIECE: Final = 1 << 20
Sleep = Callable[[float], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Stamp:
    """How to tell that a file is still the same.

    Attributes:
        bytes: Its size.
        tag: ETag, or what the storage has instead.
        modified: Its time of change, as the storage writes it.
        md5: MD5 of its bytes in hexadecimal, where the storage vouches for it.
        ranges: Whether parts of it can be read.
    """

    bytes: int
    tag: str | None = None
    modified: str | None = None
    md5: str | None = None
    ranges: bool = True

    def same_as(self, other: Stamp) -> bool:
        """Whether both are of the same bytes; where nothing proves it, they are not."""
        if self.bytes != other.bytes:
            return False
        if self.tag is not None and other.tag is not None:
            return self.tag == other.tag
        return self.modified is not None and self.modified == other.modified

    def to_json(self) -> dict[str, Any]:
        """What is remembered of it."""
        return {name: asdict(self)[name] for name in ("bytes", "tag", "modified")}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Stamp:
        """The same, read back.

        Raises:
            KeyError: If it is none.
        """
        return cls(int(said["bytes"]), said["tag"], said["modified"])


class Store(Protocol):
    """A server or storage, open for reading; thread-safe.

    Every method raises one of the errors of ``heritage.remote.faults``.
    """

    def stat(self, address: Address) -> Stamp:
        """What a file is, without fetching it."""

    def read(self, address: Address, start: int, stop: int, stamp: Stamp) -> Iterator[bytes]:
        """The bytes from ``start`` to ``stop``, in pieces, if the file is still the stamp's."""

    def close(self) -> None:
        """Close connections."""


@contextmanager
def open_store(address: Address) -> Iterator[Store]:
    """The storage that an address belongs to.

    Raises:
        RemoteFailed: If the package that talks to it is not installed.
    """
    store = _store(address)
    try:
        yield store
    finally:
        store.close()


def _store(address: Address) -> Store:
    if address.is_web:
        from heritage.remote.web import WebStore

        return WebStore()
    from heritage.remote.bucket import BucketStore

    return BucketStore(address)


def patiently(
    action: Callable[[], Result], sleep: Sleep = time.sleep, delays: tuple[float, ...] = SOON
) -> Result:
    """Do something that networks disturb, again after each fault that may pass.

    Args:
        action: What to do.
        sleep: Waits.
        delays: Seconds before each further try.

    Raises:
        Interrupted: If it failed every time.
    """
    for delay in delays:
        try:
            return action()
        except Interrupted:
            sleep(delay)
    return action()
