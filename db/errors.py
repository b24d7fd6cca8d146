"""What can go wrong with the catalogue, for whoever calls ``db`` to put into a sentence."""

from __future__ import annotations


class CatalogueError(Exception):
    """Base of what this package raises on purpose; the message is one sentence."""


class CatalogueTooNew(CatalogueError):
    """A newer version of the program has made this catalogue; this one must not touch it."""


class CatalogueUnreachable(CatalogueError):
    """No database there, or none that lets us in."""


class Contradiction(CatalogueError):
    """What is to be recorded contradicts what is on record."""
