"""A dossier as a file, so that a package can be checked against what was meant to be in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from heritage.archive.dossier import Dossier
from heritage.errors import VerificationFailed


@cache
def _adapter() -> TypeAdapter[Dossier]:
    return TypeAdapter(Dossier)


def dossier_json(dossier: Dossier) -> bytes:
    """The dossier as JSON, UTF-8."""
    return _adapter().dump_json(dossier, indent=1)


def read_dossier(path: Path) -> Dossier:
    """Read what ``dossier_json`` wrote.

    Raises:
        VerificationFailed: If it cannot be read or is something else.
    """
    try:
        return _adapter().validate_json(path.read_bytes())
    except OSError as error:
        raise VerificationFailed(f"cannot be read: {error.strerror}", path) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise VerificationFailed(f"is no dossier: {where}: {first['msg']}", path) from None
