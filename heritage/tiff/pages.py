"""Which page of a file is the picture."""

from __future__ import annotations

from heritage.errors import MasterRefused
from heritage.tiff.parsing import StructureReader
from heritage.tiff.structure import SUB_IFDS, Directory, Structure


def choose_page(structure: Structure, reader: StructureReader, page: int | None) -> int:
    """Which page is the picture: the largest one at full resolution, else the first.

    Raises:
        MasterRefused: If the page asked for does not exist, or the picture is in a sub-image.
    """
    pages = structure.pages
    if page is not None:
        if not 0 <= page < len(pages):
            raise MasterRefused(f"it has no page {page + 1}, only {len(pages)}", reader.path)
        return page
    areas = [_area(reader, one) for one in pages]
    whole = [index for index, one in enumerate(pages) if _at_full_resolution(reader, one)]
    if whole:
        return max(whole, key=lambda index: (areas[index], -index))
    below = [
        child
        for one in pages
        for part in one.walk()
        for code, child in part.children
        if code == SUB_IFDS and _at_full_resolution(reader, child)
    ]
    if any(_area(reader, child) > max(areas) for child in below):
        raise MasterRefused(
            "its full picture is a sub-image, as in camera raw files; export it as a plain TIFF",
            reader.path,
        )
    return 0


def _first(reader: StructureReader, directory: Directory, code: int, default: int) -> int:
    tag = directory.tags.get(code)
    if tag is None or not tag.count:
        return default
    return int(reader.values(tag)[0])


def _area(reader: StructureReader, directory: Directory) -> int:
    return _first(reader, directory, 256, 0) * _first(reader, directory, 257, 0)


def _at_full_resolution(reader: StructureReader, directory: Directory) -> bool:
    kind = _first(reader, directory, 254, 0)
    return not kind & 0b101 and _first(reader, directory, 255, 1) != 2
