"""A signed restoration for IIIF viewers on the web: one canvas, before and after, what was filled.

IIIF Presentation API 3.0: https://iiif.io/api/presentation/3.0/

Every address in a manifest must be one on the web. So there is IIIF only where a site has said
under which address its packages are published; a manifest with invented addresses is never made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from heritage.archive.access.tiles import ImageInfo, write_tiles
from heritage.archive.dossier import Dossier, Judged, percent
from heritage.errors import BadSetting
from heritage.restore.storage import storage, write_atomically
from heritage.review.iiif.presentation import Choice, Note, manifest

__all__ = ["ImageInfo", "Link", "write_manifest", "write_tiles"]

Json = dict[str, Any]

KNOWN_RIGHTS: Final = (
    "http://creativecommons.org/licenses/",
    "http://creativecommons.org/publicdomain/",
    "http://rightsstatements.org/vocab/",
)
"""What ``rights`` may begin with (Presentation API 3.0, section 3.2); always without the s."""
THUMBNAIL: Final = 200
"""Longest side from which on a picture will do as a thumbnail, in pixels."""


@dataclass(frozen=True)
class Link:
    """Something else about the restoration.

    Args:
        href: Its address, or its path as seen from the folder of the manifest.
        label: What it is called.
        format: Its media type.
        profile: URI of the schema or form it follows, where there is one.
    """

    href: str
    label: str
    format: str
    profile: str | None = None


def write_manifest(
    dossier: Dossier,
    target: Path,
    base: str,
    before: ImageInfo,
    after: ImageInfo,
    see_also: Sequence[Link] = (),
    rendering: Sequence[Link] = (),
) -> None:
    """Write the manifest of a signed restoration.

    Args:
        dossier: About the restoration.
        target: The file to make.
        base: Where its folder will be found on the web; its own name is added.
        before: The service of the master.
        after: That of the signed picture, of the same size.
        see_also: What programs can read about it, such as PROV.
        rendering: What people can read or look at instead, such as the report.

    Raises:
        BadSetting: If the base is no address on the web.
        StorageFailed: If the disk does not take it.
        ValueError: If before and after differ in size, or the master of the dossier does.
    """
    said = presentation(dossier, target.name, base, before, after, see_also, rendering)
    with storage(target):
        write_atomically(target, json.dumps(said, ensure_ascii=False, indent=1).encode())


def presentation(
    dossier: Dossier,
    name: str,
    base: str,
    before: ImageInfo,
    after: ImageInfo,
    see_also: Sequence[Link] = (),
    rendering: Sequence[Link] = (),
) -> Json:
    """What the manifest says; arguments as of ``write_manifest``, and its file's name."""
    folder = _address(base)
    if before.upright != after.upright:
        raise ValueError("before and after are not of the same size and orientation")
    upright, original, work = before.upright, dossier.original, dossier.work
    if (upright.stored_height, upright.stored_width) != (original.height, original.width):
        raise ValueError("the pictures are not of the size of the master")
    rights = _rights(work.rights)
    uri = f"{folder}/{quote(name)}"
    said = manifest(
        uri,
        work.title or work.accession,
        upright.width,
        upright.height,
        Choice(before.uri, "Before: the original scan", "level0"),
        Choice(after.uri, f"After: digital completion ({dossier.signing.statement})", "level0"),
        [Note(one.number, upright.box(one.box), _words(one)) for one in dossier.kept],
        dossier.statement,
        rights,
    )
    canvas = said.pop("items")
    if dossier.signing.remark:
        said["summary"] = _en(dossier.signing.remark)
    said["metadata"] = [
        {"label": _en(label), "value": _en(value)} for label, value in _facts(dossier)
    ]
    if work.institution:
        said["provider"] = [
            {"id": f"{uri}#provider", "type": "Agent", "label": _en(work.institution)}
        ]
    said["thumbnail"] = [_thumbnail(after)]
    if see_also:
        said["seeAlso"] = [_link(link, folder, "Dataset") for link in see_also]
    if rendering:
        said["rendering"] = [_link(link, folder) for link in rendering]
    return said | {"items": canvas}


def _facts(dossier: Dossier) -> Iterator[tuple[str, str]]:
    work, method, signing = dossier.work, dossier.method, dossier.signing
    yield "Accession number", work.accession
    if work.maker:
        yield "Maker", work.maker
    if work.date:
        yield "Date", work.date
    if work.institution:
        yield "Held by", work.institution
    if work.rights and _rights(work.rights) is None:
        yield "Rights", work.rights
    yield "Status of the picture", signing.statement
    yield "Digital completion", f"{percent(dossier.share)} of the picture"
    kind = "trained network" if method.generated else "classical method"
    yield "Computed by", f"{method.name} ({kind}), {_day(dossier.finished_at)}"
    yield "Handed in by", f"{signing.author}, {_day(signing.authored_at)}"
    yield "Accepted by", f"{signing.approver}, {_day(signing.approved_at)}"
    yield "Restoration", dossier.urn
    yield "SHA-256 of the original scan", dossier.original.sha256


def _words(region: Judged) -> str:
    """What is said of a region."""
    by = "" if region.by is None else f" by {region.by}"
    when = "" if region.at is None else f" on {_day(region.at)}"
    kind = (region.kind or "damage").lower()
    note = f" {region.note}" if region.note else ""
    return (
        f"Region {region.number}: digital completion of {kind}, {region.area:,} pixels, "
        f"{region.decision}{by}{when}.{note}"
    )


def _rights(uri: str | None) -> str | None:
    """A licence as the standard wants it; None for one that it does not know."""
    plain = (uri or "").replace("https://", "http://", 1).replace("http://www.", "http://", 1)
    return plain if plain.startswith(KNOWN_RIGHTS) else None


def _thumbnail(info: ImageInfo) -> Json:
    """The smallest picture of the whole that is still worth looking at."""
    size = next((size for size in info.sizes if max(size) >= THUMBNAIL), info.sizes[-1])
    service = {"id": info.uri, "type": "ImageService3", "profile": "level0"}
    return {
        "id": info.whole(size),
        "type": "Image",
        "format": "image/jpeg",
        "width": size[0],
        "height": size[1],
        "service": [service],
    }


def _link(link: Link, folder: str, kind: str | None = None) -> Json:
    away = urlsplit(link.href).scheme in ("http", "https")
    if kind is None:
        kind = "Image" if link.format.startswith("image/") else "Text"
    said = {
        "id": link.href if away else _joined(folder, link.href),
        "type": kind,
        "label": _en(link.label),
        "format": link.format,
    }
    return said if link.profile is None else said | {"profile": link.profile}


def _joined(folder: str, path: str) -> str:
    """A path below or beside a folder on the web."""
    parts = urlsplit(folder)
    steps = parts.path.strip("/").split("/") if parts.path.strip("/") else []
    for step in path.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(quote(step))
    return parts._replace(path="/" + "/".join(steps)).geturl()


def _address(base: str) -> str:
    """An address on the web, without slash at its end."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise BadSetting(
            f"{base!r} is no address under which packages are published; it looks like "
            "https://museum.example/packages"
        )
    return base.rstrip("/")


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _en(text: str) -> Json:
    return {"en": [text]}
