"""Passwords: hashed with Argon2id, never kept, never shown."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from heritage.errors import BadSetting

SHORTEST = 12
"""Characters; the only rule that makes passwords stronger (NIST SP 800-63B)."""

LONGEST = 256

_HASHER = PasswordHasher()  # RFC 9106's parameters for little memory: 64 MiB, 3 passes
_NOBODY = _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The encoded hash, with its salt and parameters.

    Raises:
        BadSetting: If it is too short or too long to be one.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadSetting(f"a password has {SHORTEST} to {LONGEST} characters")
    return _HASHER.hash(password)


def is_password(password: str, encoded: str | None) -> bool:
    """Whether it is the password; without a hash it takes as long, and is not."""
    try:
        return _HASHER.verify(encoded or _NOBODY, password[: LONGEST + 1]) and encoded is not None
    except (VerificationError, InvalidHashError):
        return False
