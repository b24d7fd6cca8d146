"""What a pickle describes, as inert records."""

from __future__ import annotations

from dataclasses import dataclass, field

_PLAIN_KEYS = (str, int, float, bytes, bool, type(None))


class Malformed(ValueError):
    """Not a pickle, or one that no checkpoint contains."""


@dataclass(frozen=True)
class Reference:
    """A class or function that a pickle names, ``module.name``."""

    name: str


@dataclass(eq=False)
class Made:
    """What a pickle would make by calling something.

    Attributes:
        by: Usually a ``Reference``; a hostile pickle may call anything.
        arguments: Positional, usually a tuple.
        state: What it would be given as its attributes.
        items: What it would be filled with, if it is a dictionary.
    """

    by: object
    arguments: object
    state: object = None
    items: dict[object, object] = field(default_factory=dict)


@dataclass(eq=False, frozen=True)
class Outside:
    """Something kept outside the pickle, such as the numbers of a tensor; ``key`` says which."""

    key: object


@dataclass
class Program:
    """One pickle, read.

    Attributes:
        value: What it describes.
        references: Names of all classes and functions, in order of appearance.
        calls: Every call it would make.
        outside: Everything it wants from outside.
    """

    value: object = None
    references: list[str] = field(default_factory=list)
    calls: list[Made] = field(default_factory=list)
    outside: list[Outside] = field(default_factory=list)


def plain(key: object) -> bool:
    """Whether a value can safely be a dictionary's key.

    Hashing tuples in tuples runs down the C stack, as deep as a hostile file likes.
    """
    if isinstance(key, tuple):
        return all(isinstance(part, _PLAIN_KEYS) for part in key)
    return isinstance(key, (*_PLAIN_KEYS, Reference, Made, Outside))
