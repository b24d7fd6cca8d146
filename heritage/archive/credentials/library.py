"""The C2PA library as it is used here: without thumbnails, and without a net."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import c2pa
from cryptography.x509 import load_pem_x509_certificates

from heritage.errors import BadSetting
from heritage.restore.storage import storage

SIDECAR: Final = "application/c2pa"
"""Media type of a record that is a file of its own."""


def library(roots: str | None = None) -> c2pa.Context:
    """The library as we set it; what it made is checked by ourselves.

    Args:
        roots: PEM, certificates of the authorities that are trusted; None for nobody.
    """
    settings: dict[str, Any] = {
        "version": 1,
        "builder": {
            "thumbnail": {"enabled": False},
            "created_assertion_labels": ["c2pa.ingredient.v3"],
        },
        "verify": {
            "verify_after_sign": False,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
    }
    if roots is not None:
        settings["trust"] = {"user_anchors": roots}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def trusting(anchors: Path) -> c2pa.Context:
    """The library that trusts some authorities.

    Args:
        anchors: PEM, their certificates.

    Raises:
        BadSetting: If the file holds no certificates.
        StorageFailed: If it cannot be read.
    """
    with storage(anchors):
        roots = anchors.read_bytes()
    try:
        load_pem_x509_certificates(roots)
        return library(roots.decode("ascii"))
    except (ValueError, c2pa.C2paError) as error:
        raise BadSetting("holds no certificates of authorities in PEM form", anchors) from error
