"""The record beside every restoration: what was done to which file, with what."""

from __future__ import annotations

import heapq
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heritage
from heritage.remote.origin import origin_facts
from heritage.restore.canonical import canonical_json

if TYPE_CHECKING:
    from heritage.damage.regions import Region
    from heritage.tiff import Composed, MasterInfo

FORMAT = "heritage-provenance"
VERSION = 1
STATEMENT = (
    "The pixels inside the mask are a digital completion computed by the model named here, "
    "proposed until a named person accepts it. Every other pixel, and every tag, is the master's."
)
LISTED = 100_000
REGION_COLUMNS = ("number", "top", "left", "bottom", "right", "area", "radius")
LIBRARIES = (
    "imagecodecs",
    "numpy",
    "opencv-python-headless",
    "rasterio",
    "scikit-image",
    "scipy",
    "tifffile",
    "torch",
)


def file_names(name: str) -> dict[str, str]:
    """The four files of a restoration, by what they are."""
    return {
        "restored": f"{name}.restored.tif",
        "mask": f"{name}.mask.tif",
        "layer": f"{name}.layer.tif",
        "provenance": f"{name}.provenance.json",
    }


EVIDENCE = ("damage", "decisions")
"""What there is besides where a machine proposed the mask: what was found, and what was decided."""


def software() -> dict[str, str]:
    """Versions of everything that has a say in the pixels."""
    found = {"heritage": heritage.__version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time as the record writes it: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def describe_master(info: MasterInfo, sha256: str, result: Path) -> dict[str, Any]:
    """What the record says of the master.

    Args:
        info: As inspected.
        sha256: Of the file.
        result: The folder of the restoration, from which the master's place is told, so that the
            record says nothing about the machine and survives moving both together.
    """
    return {
        "file": info.path.name,
        "place": Path(os.path.relpath(info.path.resolve(), result.resolve())).as_posix(),
        "sha256": sha256,
        "bytes": info.bytes,
        "page": info.page,
        "pages": info.pages,
        "height": info.height,
        "width": info.width,
        "samples": info.samples,
        "colour": info.colour,
        "dtype": info.dtype,
        "bits": info.bits,
        "compression": info.compression,
        "icc_profile": info.icc is not None,
        **origin_facts(info.path),
    }


def describe_composed(composed: Composed, file: str) -> dict[str, Any]:
    """What the record says of the restored file."""
    said = asdict(composed)
    said.pop("source_sha256")
    return {"file": file, **said}


def describe_regions(regions: Sequence[Region]) -> dict[str, Any]:
    """What the record says of the regions: how many, and each of them, or the largest of very many.

    A row is [number, top, left, bottom, right, area, radius] in pixels, boxes half-open.
    """
    listed = list(regions[:LISTED])
    if len(regions) > LISTED:
        largest = heapq.nlargest(LISTED, regions, key=lambda region: region.area)
        listed = sorted(largest, key=lambda region: region.number)
    rows = [
        [
            region.number,
            region.box.y0,
            region.box.x0,
            region.box.y1,
            region.box.x1,
            region.area,
            round(region.radius, 2),
        ]
        for region in listed
    ]
    return {"count": len(regions), "columns": list(REGION_COLUMNS), "rows": rows}


def write_provenance(path: Path, content: dict[str, Any]) -> None:
    """Write the record, in canonical bytes, and wait for the disk."""
    record = {"format": FORMAT, "version": VERSION, "statement": STATEMENT, **content}
    with path.open("wb") as stream:
        stream.write(canonical_json(record))
        stream.flush()
        os.fsync(stream.fileno())


_EXPECTED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "master": {"file": str, "place": str, "sha256": str, "page": int, "height": int, "width": int},
    "mask": {"file": str, "sha256": str, "pixels": int},
    "layer": {"file": str, "sha256": str},
    "restored": {"file": str, "sha256": str, "reencoded": (str, type(None))},
    "model": {"name": str, "weights_sha256": (str, type(None))},
    "regions": {"count": int, "columns": list, "rows": list},
    "times": {"started": str, "finished": str, "seconds": (int, float)},
}


def read_provenance(path: Path) -> dict[str, Any]:
    """Read a record and check that it says what a record must.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no such record, saying which part is missing or of the wrong kind.
    """
    try:
        record = json.loads(path.read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError("not a provenance record of this system")
    if record.get("version") != VERSION:
        raise ValueError(f"version {record.get('version')!r} of the record is not known here")
    for part, members in _EXPECTED.items():
        said = record.get(part)
        if not isinstance(said, dict):
            raise ValueError(f"'{part}' is missing")
        for member, kind in members.items():
            if member not in said or not isinstance(said[member], kind):
                raise ValueError(f"'{part}.{member}' is missing or of the wrong kind")
    _require_evidence(record["mask"].get("proposal"))
    _require_review(record.get("review"))
    _require_embedded(record.get("embedded"))
    for member in ("name", "identity"):
        if not isinstance(record.get(member), str):
            raise ValueError(f"'{member}' is missing or of the wrong kind")
    return record


def _require_evidence(proposal: object) -> None:
    """Of a mask that a machine proposed, the record must name what it was proposed for."""
    if proposal is None:
        return
    for kind in EVIDENCE:
        said = proposal.get(kind) if isinstance(proposal, dict) else None
        named = isinstance(said, dict) and all(
            isinstance(said.get(key), str) for key in ("file", "sha256")
        )
        if not named:
            raise ValueError(f"'mask.proposal.{kind}' is missing or of the wrong kind")


def _require_review(review: object) -> None:
    """Of what staff decided about, the record must name what it was and which fills went."""
    if review is None:
        return
    expected = {"of": str, "rejected": list, "decisions": dict}
    for member, kind in expected.items():
        if not isinstance(review, dict) or not isinstance(review.get(member), kind):
            raise ValueError(f"'review.{member}' is missing or of the wrong kind")


def _require_embedded(embedded: object) -> None:
    """Of a packet put into the restored file, the record must name it, and the file before."""
    if embedded is None:
        return
    for member in ("xmp_sha256", "of"):
        if not isinstance(embedded, dict) or not isinstance(embedded.get(member), str):
            raise ValueError(f"'embedded.{member}' is missing or of the wrong kind")
