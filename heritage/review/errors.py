"""What can go wrong in the review room, in words for the person in front of the screen."""

from __future__ import annotations

from heritage.errors import HeritageError


class LoginRefused(HeritageError):
    """The name or the password is wrong, or the account is closed."""


class DecisionRefused(HeritageError):
    """What was asked for contradicts what is on record."""


class DecisionsFrozen(HeritageError):
    """The restoration was handed in, signed or rejected: nothing about it changes any more."""


class NotThere(HeritageError):
    """No such restoration, master or account."""
