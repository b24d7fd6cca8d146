"""What kind of object each training picture shows, for networks that are told."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from heritage.train.sources import picture_paths

UNKNOWN = -1


def labels_of(folder: Path, classes: Sequence[str]) -> list[int]:
    """The number of its kind for every picture under a folder, in the order of ``picture_paths``.

    Kinds come from the columns ``file`` and ``kind`` of the folder's ``manifest.csv``. A kind may
    be given in short or in the plural: ``photo`` and ``photographs`` are a ``photograph``.

    Args:
        folder: Of the pictures.
        classes: Names of the kinds that the network knows.

    Returns:
        Numbers of ``classes``; -1 for pictures of another kind or of none, and for all where there
        is no manifest.
    """
    kinds = _kinds(folder / "manifest.csv")
    paths = picture_paths(folder)
    names = (path.relative_to(folder).as_posix() for path in paths)
    return [_number(kinds.get(name, ""), classes) for name in names]


def _kinds(manifest: Path) -> dict[str, str]:
    if not manifest.is_file():
        return {}
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {row["file"]: (row.get("kind") or "") for row in rows if row.get("file")}


def _number(kind: str, classes: Sequence[str]) -> int:
    kind = kind.strip().lower()
    for number, name in enumerate(classes):
        if kind and (name.startswith(kind) or kind.startswith(name)):
            return number
    return UNKNOWN
