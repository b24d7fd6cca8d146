"""Content credentials of a picture, read and held against its bytes; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeAlias

import c2pa

from heritage.archive.credentials.findings import findings_in, notes_in
from heritage.archive.credentials.library import SIDECAR, library, trusting
from heritage.errors import VerificationFailed
from heritage.restore.storage import storage

Stream: TypeAlias = IO[bytes]


@dataclass(frozen=True)
class Credentials:
    """What a picture's content credentials say, and whether they hold.

    Attributes:
        state: ``trusted``: unchanged, and signed by whom a given authority vouches for; ``valid``:
            unchanged; ``invalid``: not to be relied on.
        findings: What is wrong, in sentences; empty unless invalid.
        notes: What a reader should know though nothing is wrong.
        signer: Name in the certificate, as long as the certificate can be read.
        time: Of a time stamp authority; None without a time stamp.
        actions: What was done, in C2PA's words, in order.
        source_type: The IPTC's word for what a machine made; None where nothing is said.
        statement: What the picture is, in one sentence.
        parent_sha256: Of the master.
        raw: All of it, as JSON of the C2PA library.
    """

    state: str
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    signer: str | None
    time: datetime | None
    actions: tuple[str, ...]
    source_type: str | None
    statement: str | None
    parent_sha256: str | None
    raw: str


def read_credentials(
    picture: Path, sidecar: Path | None = None, anchors: Path | None = None
) -> Credentials:
    """Read a picture's credentials and hold them against its bytes; nothing is fetched from a net.

    Args:
        picture: The picture.
        sidecar: Its credentials, where they are not inside.
        anchors: PEM, certificates of the authorities that the reader trusts.

    Raises:
        BadSetting: If ``anchors`` holds no certificates.
        StorageFailed: If a file cannot be read.
        VerificationFailed: If there are no credentials, or they cannot be made out.
    """
    context = library() if anchors is None else trusting(anchors)
    with storage(sidecar or picture):
        record = None if sidecar is None else sidecar.read_bytes()
    with storage(picture), picture.open("rb") as stream:
        try:
            return read_record(stream, None if sidecar is None else SIDECAR, record, context)
        except c2pa.C2paError.ManifestNotFound:
            raise VerificationFailed("holds no content credentials", sidecar or picture) from None
        except c2pa.C2paError as error:
            raise VerificationFailed(
                f"its content credentials cannot be read, they were damaged or changed ({error})",
                sidecar or picture,
            ) from error


def check_credentials(
    picture: Path, sidecar: Path | None = None, anchors: Path | None = None
) -> list[str]:
    """What is wrong with a picture's credentials, in sentences; empty when they hold.

    That nobody known vouches for the signer is no fault: see ``Credentials.notes``.

    Args:
        picture: The picture.
        sidecar: Its credentials, where they are not inside.
        anchors: PEM, certificates of the authorities that the reader trusts.

    Raises:
        BadSetting: If ``anchors`` holds no certificates.
        StorageFailed: If a file cannot be read.
    """
    try:
        return [
            f"{picture.name}: {f}" for f in read_credentials(picture, sidecar, anchors).findings
        ]
    except VerificationFailed as fault:
        return [f"{picture.name}: {fault.reason}"]


def read_record(
    stream: Stream, media_type: str | None, record: bytes | None, context: c2pa.Context
) -> Credentials:
    """Read a picture's credentials from open files.

    Args:
        stream: The picture, at its start.
        media_type: ``SIDECAR`` where the record is not inside; else the picture's, or None for
            the library to find out.
        record: What is not inside.
        context: Of the library.

    Raises:
        c2pa.C2paError: If there are no credentials, or they cannot be made out.
    """
    with c2pa.Reader(media_type, stream, record, context=context) as reader:
        text = reader.json()
        state = str(reader.get_validation_state()).lower()
    store = json.loads(text)
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    results = store.get("validation_results", {})
    findings = findings_in(results)
    signature = active.get("signature_info", {})
    if state not in ("valid", "trusted") and not findings:
        findings = ("the record does not hold",)
    time = signature.get("time")
    statement = _assertion(active, "cawg.metadata").get("dc:description")
    actions = _assertion(active, "c2pa.actions").get("actions", [])
    sources = [a["digitalSourceType"] for a in actions if "digitalSourceType" in a]
    return Credentials(
        state="invalid" if findings else state,
        findings=findings,
        notes=tuple(notes_in(results, signature)),
        signer=signature.get("common_name") or signature.get("issuer"),
        time=None if time is None else datetime.fromisoformat(time),
        actions=tuple(action["action"] for action in actions),
        source_type=sources[0].rsplit("/", 1)[-1] if sources else None,
        statement=statement if isinstance(statement, str) else None,
        parent_sha256=_parent(active),
        raw=text,
    )


def _assertion(manifest: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    """The data of the first assertion of a kind, whatever its version."""
    for assertion in manifest.get("assertions", []):
        data = assertion.get("data")
        if assertion["label"].startswith(label) and isinstance(data, dict):
            return data
    return {}


def _parent(manifest: Mapping[str, Any]) -> str | None:
    for ingredient in manifest.get("ingredients", []):
        if ingredient.get("relationship") == "parentOf":
            sha256 = ingredient.get("metadata", {}).get("heritage.sha256")
            return None if sha256 is None else str(sha256)
    return None
