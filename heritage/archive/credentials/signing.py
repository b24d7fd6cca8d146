"""Content credentials (C2PA): a signed record of which pixels a machine made, and who took them.

A restored TIFF gets them as a file beside it, so that its bytes stay those that were verified;
copies for access carry them inside.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import c2pa

from heritage.archive.credentials.certificates import Credential, Signer, load_signer
from heritage.archive.credentials.claim import TIFF, claim, parent
from heritage.archive.credentials.library import SIDECAR, library
from heritage.archive.credentials.reading import Credentials, Stream, read_record
from heritage.archive.dossier import Dossier
from heritage.errors import OutputInTheWay, ServerUnreachable, VerificationFailed
from heritage.restore.storage import partial_of, storage, sync, sync_folder, write_atomically


def sign_sidecar(
    dossier: Dossier, restored: Path, master: Path, target: Path, signer: Signer
) -> None:
    """Write signed credentials for a restored TIFF to a file of their own.

    They are bound to the SHA-256 of the whole TIFF, which is read but not changed: twice, in
    pieces. The library would hold all of it in memory to find that hash, so it is told.

    Args:
        dossier: About the restoration.
        restored: The signed-off TIFF.
        master: What it was restored from; must be the one of the dossier.
        target: To be written, by custom ``NAME.c2pa``.
        signer: Who signs.

    Raises:
        BadSetting: If the signer's certificate will not do.
        OutputInTheWay: If the target is already there.
        ServerUnreachable: If the time stamp authority does not answer.
        StorageFailed: If a file cannot be read or written.
        VerificationFailed: If the master is another, or what was signed does not hold.
    """
    credential = _ready(signer, target)
    _require_master(dossier, master)
    binding = {"name": "whole file", "alg": "sha256", "hash": list(_sha256(restored)), "pad": []}
    definition = claim(dossier, restored.name, copy=False)
    definition["assertions"].append({"label": "c2pa.hash.data", "data": binding, "created": True})
    with _builder(dossier, definition, master) as builder:
        builder.set_no_embed()
        record = _sign(builder, credential, SIDECAR, io.BytesIO(), io.BytesIO())
    with storage(restored), restored.open("rb") as stream:
        _require_sound(read_record(stream, SIDECAR, record, library()), restored)
    with storage(target):
        write_atomically(target, record)


def sign_embedded(
    dossier: Dossier,
    picture: Path,
    master: Path | None,
    target: Path,
    signer: Signer,
    media_type: str,
) -> None:
    """Write a copy of a picture with signed credentials inside; its pixels stay the same.

    The library holds a TIFF in memory as a whole; regions are in percent, as a copy for access
    may be smaller than the master.

    Args:
        dossier: About the restoration.
        picture: A copy of the restored picture for access.
        master: What was restored, if at hand; else it is only named.
        target: To be written, another file than ``picture``.
        signer: Who signs.
        media_type: Of the picture, such as ``image/jpeg`` or ``image/tiff``.

    Raises:
        BadSetting: If the signer's certificate will not do.
        OutputInTheWay: If the target is already there.
        ServerUnreachable: If the time stamp authority does not answer.
        StorageFailed: If a file cannot be read or written.
        VerificationFailed: If the master is another, the picture is not of that type or not
            sound, or what was signed does not hold.
    """
    credential = _ready(signer, target)
    if master is not None:
        _require_master(dossier, master)
    definition = claim(dossier, target.name, copy=True)
    with storage(target), partial_of(target) as partial:
        with (
            _builder(dossier, definition, master) as builder,
            picture.open("rb") as source,
            partial.open("w+b") as copy,
        ):
            _sign(builder, credential, media_type, source, copy)
        with partial.open("rb") as stream:
            _require_sound(read_record(stream, media_type, None, library()), picture)
        sync(partial)
        partial.replace(target)
        sync_folder(target.parent)


def _ready(signer: Signer, target: Path) -> Credential:
    if target.exists():
        raise OutputInTheWay("is already there; remove it or choose another name", target)
    return load_signer(signer)


def _require_master(dossier: Dossier, master: Path) -> None:
    if _sha256(master).hex() != dossier.original.sha256:
        raise VerificationFailed("is not the master that was restored: its SHA-256 differs", master)


def _require_sound(made: Credentials, picture: Path) -> None:
    """What is handed out must hold when it is read again."""
    if made.findings:
        raise VerificationFailed(f"what was signed does not hold: {made.findings[0]}", picture)


def _sha256(path: Path) -> bytes:
    with storage(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


@contextmanager
def _builder(
    dossier: Dossier, definition: dict[str, Any], master: Path | None
) -> Iterator[c2pa.Builder]:
    """A builder of a record that knows the master as its parent."""
    if master is None:
        definition = {**definition, "ingredients": [parent(dossier)]}
    with c2pa.Builder(definition, context=library()) as builder:
        if master is not None:
            with storage(master), master.open("rb") as stream:
                builder.add_ingredient(parent(dossier), TIFF, stream)
        yield builder


def _sign(
    builder: c2pa.Builder, credential: Credential, media_type: str, source: Stream, copy: Stream
) -> bytes:
    """The signed record; where ``media_type`` is that of a picture, ``copy`` gets it inside."""
    stamped = credential.timestamp_url
    info = c2pa.C2paSignerInfo(credential.algorithm, credential.chain, credential.key, stamped)
    try:
        with c2pa.Signer.from_info(info) as signer:
            return bytes(builder.sign(signer, media_type, source, copy))
    except c2pa.C2paError as error:
        if stamped and isinstance(error, c2pa.C2paError.Signature):
            address = re.sub(r"//[^/@]*@", "//", stamped)  # a password is nobody's business
            raise ServerUnreachable(
                f"the time stamp authority {address} gives no time stamp: check the address and "
                "the way there, or sign without one"
            ) from error
        name = getattr(source, "name", None)
        raise VerificationFailed(f"cannot be signed as {media_type}: {error}", name) from error
