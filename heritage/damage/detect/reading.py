"""Read the record of a search again, checked: somebody may have edited it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heritage.damage.classes import DamageClass
from heritage.damage.detect.proposal import FoundRegion
from heritage.errors import MaskRefused
from heritage.geometry import Box

_FORMAT = 1
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class DamageRecord:
    """What a search said of a master.

    Attributes:
        file: The master's name.
        sha256: Of the master.
        width: Columns of the master.
        height: Rows.
        page: Which page of it, from 0.
        mask: SHA-256 of the mask as it was proposed.
        detectors: The names of those that looked for damage.
        threshold: How sure they had to be of a pixel.
        weights: SHA-256 of the weights of those that had learned, by name.
        heritage: The version of this program that searched.
        regions: What was found, numbered from 1.
    """

    file: str
    sha256: str
    width: int
    height: int
    page: int
    mask: str
    detectors: tuple[str, ...]
    threshold: float
    weights: Mapping[str, str]
    heritage: str
    regions: tuple[FoundRegion, ...]


def read_damage(path: Path) -> DamageRecord:
    """Read ``NAME.damage.json``.

    Raises:
        MaskRefused: It is missing, no such record, or contradicts itself.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return _checked(record)
    except FileNotFoundError:
        raise MaskRefused("there is no such record of damage; search the master", path) from None
    except OSError as error:
        raise MaskRefused(f"the record cannot be read ({error.strerror})", path) from error
    except (ValueError, RecursionError) as error:
        words = f"is no record of damage that can be used: {error}; search the master again"
        raise MaskRefused(words, path) from error


def _checked(record: object) -> DamageRecord:
    if not isinstance(record, dict):
        raise ValueError("an object was expected")
    if record.get("format") != _FORMAT:
        raise ValueError(f"its format is {record.get('format')!r}, not {_FORMAT}")
    master = _get(record, "master", dict)
    width, height = (_whole(_get(master, key, int), key, 1) for key in ("width", "height"))
    detectors = _get(record, "detectors", list)
    if not all(isinstance(name, str) for name in detectors):
        raise ValueError("detectors must be names")
    weights = _get(record, "weights", dict)
    if not all(isinstance(digest, str) for digest in weights.values()):
        raise ValueError("weights must be hashes")
    regions = []
    for number, entry in enumerate(_get(record, "regions", list), 1):
        try:
            regions.append(_region(entry, number, height, width))
        except ValueError as error:
            raise ValueError(f"region {number}: {error}") from error
    return DamageRecord(
        _get(master, "file", str),
        _get(master, "sha256", str),
        width,
        height,
        _whole(_get(master, "page", int), "page", 0),
        _get(_get(record, "mask", dict), "sha256", str),
        tuple(detectors),
        _share(_get(record, "threshold", float), "threshold"),
        weights,
        _get(record, "heritage", str),
        tuple(regions),
    )


def _region(entry: object, number: int, height: int, width: int) -> FoundRegion:
    if not isinstance(entry, dict):
        raise ValueError("an object was expected")
    if _get(entry, "number", int) != number:
        raise ValueError(f"its number is {entry['number']}")
    corners = _get(entry, "box", list)
    if len(corners) != 4:
        raise ValueError("box must be y0, x0, y1, x1")
    box = Box(*(_whole(corner, "box", 0) for corner in corners))
    area = _whole(_get(entry, "area", int), "area", 1)
    if not Box(0, 0, height, width).contains(box) or area > box.area:
        raise ValueError("its box and area do not fit the master")
    name = _get(entry, "class", str)
    if name not in DamageClass.__members__ or name == DamageClass.NONE.name:
        raise ValueError(f"{name!r} is no class of damage")
    sure = _share(_get(entry, "confidence", float), "confidence")
    detector = _get(entry, "detector", str)
    return FoundRegion(number, box, area, DamageClass[name], sure, detector)


def _get(entry: dict[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401 - of type kind
    value = entry.get(key)
    if value is None:
        raise ValueError(f"{key} is missing")
    kinds = (int, float) if kind is float else (kind,)
    if type(value) not in kinds:
        raise ValueError(f"{key} is {value!r}")
    return value


def _whole(value: object, key: str, least: int) -> int:
    if type(value) is not int or not least <= value <= _LARGEST:
        raise ValueError(f"{key} holds {value!r}")
    return value


def _share(value: float, key: str) -> float:
    if not math.isfinite(value) or not 0 <= value <= 1:
        raise ValueError(f"{key} is {value!r}, not from 0 to 1")
    return float(value)
