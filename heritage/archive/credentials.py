"""Content credentials (C2PA): a signed record of which pixels a machine made, and who took them.

A restored TIFF gets them as a file beside it, so that its bytes stay those that were verified;
copies for access carry them inside. Terms are those of the C2PA specification 2.x; places are its
"regions of interest", kinds of source those of the IPTC.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import c2pa
from cryptography.x509 import load_pem_x509_certificates

import heritage
from heritage.archive.certificates import Credential, Signer, load_signer
from heritage.archive.dossier import Dossier, Judged
from heritage.errors import BadSetting, OutputInTheWay, ServerUnreachable, VerificationFailed
from heritage.restore.storage import partial_of, storage, sync, sync_folder, write_atomically

__all__ = [
    "Credentials",
    "Signer",
    "check_credentials",
    "read_credentials",
    "sign_embedded",
    "sign_sidecar",
]

Stream = IO[bytes]
LISTED = 1000
"""Regions that are listed, the largest first: a record is read by people and programs alike."""
SIDECAR = "application/c2pa"
TIFF = "image/tiff"
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = SOURCE + "compositeWithTrainedAlgorithmicMedia"
ENHANCED = SOURCE + "algorithmicallyEnhanced"
PROGRAM = {"name": "heritage", "version": heritage.__version__}
PARENT = "master"
UNTRUSTED = "signingCredential.untrusted"
NOT_FAULTS = {UNTRUSTED, "timeStamp.untrusted"}
MEANINGS = {
    "assertion.dataHash.mismatch": "the picture is not the one that was signed: its bytes changed",
    "assertion.hashedURI.mismatch": "the record was changed after it was signed",
    "assertion.missing": "a part of the record is missing",
    "claim.missing": "the record holds no claim",
    "claimSignature.mismatch": "the signature does not fit the record: one of them was changed",
    "claimSignature.missing": "the record is not signed",
    "claimSignature.outsideValidity": "the certificate was not valid when the record was signed",
    "signingCredential.expired": "the certificate has expired, and no time stamp of a trusted "
    "authority proves that the record was signed before; that alone is no sign of a change",
    "signingCredential.invalid": "the certificate is not of a kind that may sign such records",
    "signingCredential.ocsp.revoked": "the certificate was revoked by its issuer",
    "timeStamp.mismatch": "the time stamp does not fit the signature",
}


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
    binding = {
        "label": "c2pa.hash.data",
        "data": {"name": "whole file", "alg": "sha256", "hash": list(_sha256(restored)), "pad": []},
    }
    definition = _definition(dossier, _changes(dossier, scaled=False), copy=False)
    definition["assertions"].append({**binding, "created": True})
    definition["title"] = restored.name
    with _builder(dossier, definition, master) as builder:
        builder.set_no_embed()
        record = _sign(builder, credential, SIDECAR, io.BytesIO(), io.BytesIO())
    with storage(restored), restored.open("rb") as stream:
        _require_sound(_read(stream, SIDECAR, record, _context()), restored)
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
    definition = _definition(dossier, _changes(dossier, scaled=True), copy=True)
    definition["title"] = target.name
    with storage(target), partial_of(target) as partial:
        with (
            _builder(dossier, definition, master) as builder,
            picture.open("rb") as source,
            partial.open("w+b") as copy,
        ):
            _sign(builder, credential, media_type, source, copy)
        with partial.open("rb") as stream:
            _require_sound(_read(stream, media_type, None, _context()), picture)
        sync(partial)
        partial.replace(target)
        sync_folder(target.parent)


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
    context = _context() if anchors is None else _trusting(anchors)
    with storage(sidecar or picture):
        record = None if sidecar is None else sidecar.read_bytes()
    with storage(picture), picture.open("rb") as stream:
        try:
            return _read(stream, None if sidecar is None else SIDECAR, record, context)
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


def _definition(dossier: Dossier, changes: list[dict[str, Any]], *, copy: bool) -> dict[str, Any]:
    """What is claimed: the master was opened, places were filled, and perhaps a copy was made."""
    opened = {
        "action": "c2pa.opened",
        "when": _when(dossier.started_at),
        "parameters": {"ingredientIds": [PARENT]},
    }
    converted = {
        "action": "c2pa.transcoded",
        "softwareAgent": PROGRAM,
        "description": "A copy for access of the restored picture; it may be smaller.",
    }
    actions = [opened, _edited(dossier, changes), *([converted] if copy else [])]
    return {
        "claim_generator_info": [PROGRAM],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "created": True,
                "data": {"actions": actions, "allActionsIncluded": True},
            },
            {"label": "cawg.metadata", "kind": "Json", "data": _metadata(dossier)},
        ],
    }


def _edited(dossier: Dossier, changes: list[dict[str, Any]]) -> dict[str, Any]:
    method, signing = dossier.method, dossier.signing
    count = len(dossier.kept)
    listed = (
        "All of them" if len(changes) == count else f"The {len(changes):,} largest of {count:,}"
    )
    said = {
        "heritage.restoration": dossier.urn,
        "heritage.method": method.name,
        "heritage.weightsSha256": method.weights_sha256,
        "heritage.filledPixels": dossier.filled,
        "heritage.places": count,
        "heritage.page": dossier.original.page,
        "heritage.statement": signing.statement,
        "heritage.acceptedBy": signing.approver,
        "heritage.acceptedAt": _when(signing.approved_at),
    }
    return {
        "action": "c2pa.edited",
        "when": _when(dossier.finished_at),
        "softwareAgent": {**PROGRAM, "version": method.software.get("heritage", "unknown")},
        "digitalSourceType": GENERATED if method.generated else ENHANCED,
        "description": f"{dossier.statement} {listed} are listed as rectangles.",
        "parameters": {key: value for key, value in said.items() if value is not None},
        "changes": changes,
    }


def _changes(dossier: Dossier, *, scaled: bool) -> list[dict[str, Any]]:
    """The places that were filled, in the order of their numbers."""
    largest = heapq.nsmallest(LISTED, dossier.kept, key=lambda one: (-one.area, one.number))
    return [_place(dossier, one, scaled) for one in sorted(largest, key=lambda one: one.number)]


def _place(dossier: Dossier, region: Judged, scaled: bool) -> dict[str, Any]:
    box, whole = region.box, dossier.original
    across, down = (100 / whole.width, 100 / whole.height) if scaled else (1, 1)
    shape = {
        "type": "rectangle",
        "unit": "percent" if scaled else "pixel",
        "origin": {"x": round(box.x0 * across, 6), "y": round(box.y0 * down, 6)},
        "width": round(box.width * across, 6),
        "height": round(box.height * down, 6),
    }
    return {
        "region": [{"type": "spatial", "shape": shape}],
        "identifier": str(region.number),
        "description": f"digital completion of {region.area:,} pixels"
        + (f" ({region.kind})" if region.kind else ""),
    }


def _metadata(dossier: Dossier) -> dict[str, Any]:
    """What the picture is, in Dublin Core: the artefact's and the restoration's."""
    work = dossier.work
    said = {
        "dc:title": work.title,
        "dc:identifier": work.accession,
        "dc:creator": [work.maker] if work.maker else None,
        "dc:contributor": [dossier.signing.approver],
        "dc:publisher": [work.institution] if work.institution else None,
        "dc:description": dossier.statement,
        "xmpRights:WebStatement": work.rights,
    }
    return {
        "@context": {
            "dc": "http://purl.org/dc/elements/1.1/",
            "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
        },
        **{key: value for key, value in said.items() if value},
    }


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _context(roots: str | None = None) -> c2pa.Context:
    """The library without thumbnails and without a net; what it made is checked by ourselves."""
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


def _trusting(anchors: Path) -> c2pa.Context:
    with storage(anchors):
        roots = anchors.read_bytes()
    try:
        load_pem_x509_certificates(roots)
        return _context(roots.decode("ascii"))
    except (ValueError, c2pa.C2paError) as error:
        raise BadSetting("holds no certificates of authorities in PEM form", anchors) from error


@contextmanager
def _builder(
    dossier: Dossier, definition: dict[str, Any], master: Path | None
) -> Iterator[c2pa.Builder]:
    """A builder of a record that knows the master as its parent."""
    parent = {
        "title": dossier.original.file,
        "format": TIFF,
        "relationship": "parentOf",
        "label": PARENT,
        "instance_id": f"sha256:{dossier.original.sha256}",
        "description": f"The scan that was restored, SHA-256 {dossier.original.sha256}.",
        "metadata": {"heritage.sha256": dossier.original.sha256},
    }
    if master is None:
        definition = {**definition, "ingredients": [parent]}
    with c2pa.Builder(definition, context=_context()) as builder:
        if master is not None:
            with storage(master), master.open("rb") as stream:
                builder.add_ingredient(parent, TIFF, stream)
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


def _read(
    stream: Stream, media_type: str | None, record: bytes | None, context: c2pa.Context
) -> Credentials:
    with c2pa.Reader(media_type, stream, record, context=context) as reader:
        text = reader.json()
        state = str(reader.get_validation_state()).lower()
    store = json.loads(text)
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    results = store.get("validation_results", {})
    failures = list(_statuses(results, "failure"))
    faults = [one for one in failures if one["code"] not in NOT_FAULTS]
    findings = tuple(dict.fromkeys(_meaning(one) for one in faults))
    codes = {one["code"] for one in (*failures, *_statuses(results, "informational"))}
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
        notes=tuple(_notes(codes, signature)),
        signer=signature.get("common_name") or signature.get("issuer"),
        time=None if time is None else datetime.fromisoformat(time),
        actions=tuple(action["action"] for action in actions),
        source_type=sources[0].rsplit("/", 1)[-1] if sources else None,
        statement=statement if isinstance(statement, str) else None,
        parent_sha256=_parent(active),
        raw=text,
    )


def _statuses(results: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, str]]:
    """What the library says of the record, and of those of its ingredients."""
    yield from results.get("activeManifest", {}).get(kind, [])
    for ingredient in results.get("ingredientDeltas", []):
        yield from ingredient.get("validationDeltas", {}).get(kind, [])


def _meaning(failure: Mapping[str, str]) -> str:
    code = failure["code"]
    return MEANINGS.get(code) or f"{failure.get('explanation', 'does not hold')} ({code})"


def _notes(codes: set[str], signature: Mapping[str, str]) -> Iterator[str]:
    if UNTRUSTED in codes:
        yield (
            "nobody that is trusted here vouches for the signer: the record is as it was signed, "
            "by whom is not proven"
        )
    if "time" not in signature:
        yield "carries no time stamp: it can be checked until the certificate expires, not longer"
    elif "timeStamp.untrusted" in codes:
        yield "nobody that is trusted here vouches for the time stamp"


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
