"""Write what was found in the formats of other programs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.detect.proposal import FoundRegion
from heritage.damage.detect.reading import DamageRecord, read_damage
from heritage.damage.interchange.outlines import Points, rings_of
from heritage.damage.masks import MaskReader, open_mask
from heritage.damage.policy.numbering import runs_in
from heritage.damage.runs import components
from heritage.errors import BadSetting, MaskRefused
from heritage.geometry import Box
from heritage.restore.canonical import canonical_json
from heritage.restore.storage import partial_of, storage, sync, write_atomically

PIXELS = (
    "Coordinates are pixels of the master: x to the right and y down from the corner of the first "
    "pixel. They are no longitudes and latitudes."
)
_BAND = 256  # rows of a mask that are written at once

Outline = tuple[FoundRegion, list[Points]]


def export_damage(
    mask: Path, damage: Path, folder: Path, name: str, formats: list[str], source: str | None = None
) -> dict[str, Path]:
    """Write a search's result in other formats; each file appears whole.

    Args:
        mask: ``NAME.mask.tif`` of the search.
        damage: ``NAME.damage.json`` of the same search.
        folder: Receives the files.
        name: ``NAME``.
        formats: Of ``png`` (``NAME.mask.png``), ``geojson`` (``NAME.damage.geojson``) and
            ``annotations`` (``NAME.annotations.json``).
        source: IRI of the image that annotations are of; None: the master's hash as a URN.

    Returns:
        The files, by format.

    Raises:
        BadSetting: If a format is unknown.
        MaskRefused: If mask and record do not belong together, or cannot be read.
        StorageFailed: If the files cannot be written.
    """
    unknown = [each for each in formats if each not in FORMATS]
    if unknown:
        raise BadSetting(f"there is no format {unknown[0]!r}; there are {', '.join(FORMATS)}")
    record, written = read_damage(damage), {}
    with storage(folder), open_mask(mask) as opened:
        folder.mkdir(parents=True, exist_ok=True)
        shapes = list(_outlines(opened, record)) if {*formats} - {"png"} else []
        for each in dict.fromkeys(formats):
            suffix, write = FORMATS[each]
            written[each] = folder / f"{name}{suffix}"
            write(written[each], opened, record, shapes, source)
    return written


def _outlines(mask: MaskReader, record: DamageRecord) -> Iterator[Outline]:
    """Every region with its rings; the record must speak of these regions."""
    runs = runs_in(mask)
    label = components(runs)
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(len(record.regions) + 1))
    count = int(label.max(initial=-1)) + 1
    for region in record.regions:
        own = order[bounds[region.number - 1] : bounds[region.number]]
        row, start, stop = runs.row[own], runs.start[own], runs.stop[own]
        if count != len(record.regions) or int((stop - start).sum()) != region.area:
            words = "the record does not describe the regions of this mask; search again"
            raise MaskRefused(words, mask.path)
        yield region, rings_of(row, start, stop)


def _write_png(
    path: Path, mask: MaskReader, record: DamageRecord, shapes: list[Outline], source: str | None
) -> None:
    """A PNG of one bit a pixel, white where damaged, written in bands (PNG, ISO/IEC 15948)."""
    del record, shapes, source
    with partial_of(path) as partial, partial.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        size = mask.width.to_bytes(4, "big") + mask.height.to_bytes(4, "big")
        _chunk(file, b"IHDR", size + bytes([1, 0, 0, 0, 0]))
        packer = zlib.compressobj(6)
        for top in range(0, mask.height, _BAND):
            band = mask.read(Box(top, 0, min(top + _BAND, mask.height), mask.width))
            rows = np.packbits(band, axis=1)
            filtered = np.zeros((len(rows), rows.shape[1] + 1), np.uint8)  # filter 0: none
            filtered[:, 1:] = rows
            _chunk(file, b"IDAT", packer.compress(filtered.tobytes()))
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")
        file.flush()
        sync(partial)
        partial.replace(path)


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    if content or kind == b"IEND":
        check = zlib.crc32(kind + content)
        file.write(len(content).to_bytes(4, "big") + kind + content + check.to_bytes(4, "big"))


def _write_geojson(
    path: Path, mask: MaskReader, record: DamageRecord, shapes: list[Outline], source: str | None
) -> None:
    """A FeatureCollection (RFC 7946 but for its coordinates)."""
    del mask, source
    features = [
        {
            "type": "Feature",
            "id": region.number,
            "properties": _facts(region),
            "geometry": {"type": "Polygon", "coordinates": [_closed(ring) for ring in rings]},
        }
        for region, rings in shapes
    ]
    said = {
        "type": "FeatureCollection",
        "coordinates": PIXELS,
        "master": _master(record),
        "features": features,
    }
    write_atomically(path, canonical_json(said))


def _write_annotations(
    path: Path, mask: MaskReader, record: DamageRecord, shapes: list[Outline], source: str | None
) -> None:
    """An AnnotationPage of the W3C Web Annotation Data Model, as viewers of IIIF images read it."""
    del mask
    target = source or f"urn:sha256:{record.sha256}"
    said = {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": f"urn:sha256:{record.sha256}:damage",
        "type": "AnnotationPage",
        "items": [_annotation(region, rings, target) for region, rings in shapes],
    }
    write_atomically(path, canonical_json(said))


def _annotation(region: FoundRegion, rings: list[Points], target: str) -> dict[str, Any]:
    drawn = " ".join("M" + " L".join(f"{x},{y}" for x, y in ring.tolist()) + " Z" for ring in rings)
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><path fill-rule="evenodd" '
    kind = region.kind
    return {
        "id": f"#damage-{region.number}",
        "type": "Annotation",
        "motivation": "tagging",
        "body": [
            {"type": "TextualBody", "purpose": "tagging", "value": kind.name},
            {
                "type": "TextualBody",
                "purpose": "describing",
                "format": "text/plain",
                "value": f"{kind.definition} {region.area} pixels, confidence "
                f"{region.confidence:g}, found by {region.detector}; proposed.",
            },
        ],
        "target": {
            "source": target,
            "selector": {"type": "SvgSelector", "value": f'{svg}d="{drawn}"/></svg>'},
        },
    }


def _facts(region: FoundRegion) -> dict[str, Any]:
    kind: DamageClass = region.kind
    return {
        "number": region.number,
        "class": kind.name,
        "confidence": region.confidence,
        "detector": region.detector,
        "area": region.area,
        "status": "proposed",
    }


def _master(record: DamageRecord) -> dict[str, Any]:
    return {
        "file": record.file,
        "sha256": record.sha256,
        "width": record.width,
        "height": record.height,
    }


def _closed(ring: Points) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]


Writer = Callable[[Path, MaskReader, DamageRecord, list[Outline], str | None], None]

FORMATS: Mapping[str, tuple[str, Writer]] = {
    "png": (".mask.png", _write_png),
    "geojson": (".damage.geojson", _write_geojson),
    "annotations": (".annotations.json", _write_annotations),
}
"""How the file of each format ends, and what writes it."""
