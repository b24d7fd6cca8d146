"""Writing a page anew, without loss, where its own compression cannot be written back.

The page keeps its cut into tiles or strips, its place among the pages and all its tags but those
that describe the old compression. All other bytes of the file stay as they are.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from heritage.tiff.fixity import write_all
from heritage.tiff.lossless import DEFLATE, LosslessCodec
from heritage.tiff.picture import Picture
from heritage.tiff.rewriting import LONG, LONG8, Rewriter

SHORT: Final = 3
RGB: Final = 2
YCBCR_TAGS: Final = frozenset({529, 530, 531, 532})
"""Coefficients, subsampling, positioning and reference levels of YCbCr: the page is RGB now."""
GONE: Final = frozenset({273, 279, 292, 293, 324, 325, 347, *range(512, 522), 50674})
"""Positions, fax options, JPEG tables and LERC parameters of the old compression."""
REPLACED: Final = frozenset({258, 259, 262, 266, 277, 317})


def release_page(rewriter: Rewriter) -> None:
    """Give back the room of all segments of the page that belong to it alone."""
    table = rewriter.picture.table
    for segment in np.argsort(table.offsets, kind="stable").tolist():
        if rewriter.alone(segment):
            at = int(table.offsets[segment])
            rewriter.space.release(at, at + int(table.counts[segment]))
    rewriter.released = True


def write_directory(rewriter: Rewriter, codec: LosslessCodec) -> None:
    """Write the page's directory anew and let the file point to it.

    Args:
        rewriter: Holds the new positions and lengths of all segments.
        codec: What they were encoded with.

    Raises:
        MasterRefused: If a classic TIFF would pass 4 GiB.
        OSError: If it cannot be written.
    """
    picture, form = rewriter.picture, rewriter.picture.structure.format
    directory = picture.directory
    entries = _kept(picture)
    for code, value in _changed(picture, codec).items():
        entries[code] = rewriter.entry(code, SHORT, np.array(value, np.uint64))
    wide = LONG8 if form.bigtiff else LONG
    tiled = picture.grid.tiled
    entries[324 if tiled else 273] = rewriter.entry(324 if tiled else 273, wide, rewriter.offsets)
    entries[325 if tiled else 279] = rewriter.entry(325 if tiled else 279, wide, rewriter.counts)
    raw = struct.pack(form.count_code, len(entries))
    raw += b"".join(entries[code] for code in sorted(entries))
    raw += picture.read(directory.next_at, form.offset_bytes)
    if rewriter.occupancy.alone(directory.at, directory.size):
        rewriter.space.release(directory.at, directory.at + directory.size)
    at = rewriter.place(len(raw), 8 if form.bigtiff else 2)
    write_all(rewriter.target, raw, at)
    write_all(rewriter.target, struct.pack(form.offset_code, at), directory.pointer_at)


def _kept(picture: Picture) -> dict[int, bytes]:
    gone = GONE | (YCBCR_TAGS if _becomes_rgb(picture) else frozenset())
    size = picture.structure.format.entry_bytes
    return {
        code: picture.read(tag.at, size)
        for code, tag in picture.directory.tags.items()
        if code not in gone
    }


def _changed(picture: Picture, codec: LosslessCodec) -> dict[int, list[int]]:
    """Tags of the new compression; and those that old-style JPEG lets a writer leave out."""
    info, tags = picture.info, picture.directory.tags
    changed = {259: [DEFLATE], 317: [codec.predictor]}
    if 262 not in tags or _becomes_rgb(picture):
        changed[262] = [RGB if info.colour == "rgb" else int(picture.page.photometric)]
    if 258 not in tags:
        changed[258] = [codec.bits] * info.samples
    if 277 not in tags:
        changed[277] = [info.samples]
    if 266 in tags:
        changed[266] = [1]
    return changed


def _becomes_rgb(picture: Picture) -> bool:
    return picture.info.photometric == "YCBCR"
