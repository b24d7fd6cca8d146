"""Whether one XMP packet kept all that another one says: how it is written down does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from heritage.archive.embedded.names import (
    COMPLETIONS,
    FORMER,
    HISTORY,
    INSTANCE,
    SOURCE_TYPE,
    label,
)
from heritage.archive.embedded.reading import (
    Fields,
    Listed,
    Properties,
    Value,
    entries,
    packet_or_blank,
    properties,
    read_packet,
    text_of,
)
from heritage.archive.embedded.source_type import COMPOSITE, ENHANCED, made_by_machine

GROWING: Final = frozenset({HISTORY, COMPLETIONS})
"""Lists that may get more entries at their end."""


def added_only(before: bytes | None, after: bytes) -> list[str]:
    """Every property of one packet that another one lost or changed, in words.

    How a property is written down does not matter, only what it says. The two values that are
    renewed may change: the instance, and the source type to a term that says no less of machines.

    Args:
        before: The master's packet; None where it has none.
        after: The signed picture's.

    Returns:
        Empty where things were only added.

    Raises:
        MasterRefused: If a packet is no well-formed XMP.
    """
    now = properties(read_packet(after)[1])
    was = properties(packet_or_blank(before)[1])
    return [word for name, values in was.items() for word in _loss(name, values, now)]


def _loss(name: str, was: tuple[Value, ...], after: Properties) -> Iterator[str]:
    now, called = after.get(name), label(name)
    if now is None:
        yield f"{called} is gone"
    elif name in GROWING:
        if not _grew(was, now):
            yield f"{called} lost or changed an entry"
    elif now != was and not (name == INSTANCE or (name == SOURCE_TYPE and _renewed(was, after))):
        yield f"{called} changed its value"


def _grew(was: tuple[Value, ...], now: tuple[Value, ...]) -> bool:
    one, other = was[0], now[0]
    if len(was) != len(now) or was[1:] != now[1:] or not isinstance(other, Listed):
        return was == now
    if one == "":
        return True
    if not isinstance(one, Listed) or one.kind != other.kind:
        return False
    return other.items[: len(one.items)] == one.items


def _renewed(was: tuple[Value, ...], after: Properties) -> bool:
    """Whether the source type is ours now, and the former one noted."""
    now = text_of(after, SOURCE_TYPE)
    noted = {
        value
        for entry in entries(after, COMPLETIONS)
        if isinstance(entry, Fields)
        for name, value in entry.items
        if name == FORMER
    }
    said_less = made_by_machine(now) < max(made_by_machine(one) for one in was)
    return now in (ENHANCED, COMPOSITE) and not said_less and noted.issuperset(was)
