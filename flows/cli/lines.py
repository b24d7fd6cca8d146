"""A card as lines for people: nested tables indented, short ones on one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 96  # characters that still read as one line
_NAMES = {"memory": "live memory, bytes per pixel", "gflop": "GFLOP per megapixel"}


def lines(fields: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Every field that says something, as ``name: value``.

    Args:
        fields: Plain values, tables and lists of them, at any depth.
        indent: What each line begins with.
    """
    for key, value in fields.items():
        if value in (None, "", {}, [], ()):
            continue
        name = f"{indent}{_NAMES.get(key, key)}:"
        short = _short(value)
        if short is not None and (not isinstance(value, Mapping) or len(name + short) < _WIDTH):
            yield f"{name} {short}"
            continue
        yield name
        parts = value if isinstance(value, Mapping) else dict(enumerate(value, start=1))
        yield from lines({str(key): part for key, part in parts.items()}, f"{indent}  ")


def _short(value: object) -> str | None:
    """On one line; None where there are tables in it."""
    if isinstance(value, Mapping):
        if any(isinstance(part, Mapping | list | tuple) for part in value.values()):
            return None
        return ", ".join(f"{key} {part}" for key, part in value.items())
    if isinstance(value, list | tuple):
        if any(isinstance(part, Mapping) for part in value):
            return None
        return ", ".join(map(str, value))
    return str(value)
