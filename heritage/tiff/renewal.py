"""Writing a page anew, without loss, where its own compression cannot be written back.

The page keeps its cut into tiles or strips, its place among the pages and all its tags but those
that describe the old compression. All other bytes of the file stay as they are.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from heritage.tiff.lossless import DEFLATE, LosslessCodec
from heritage.tiff.picture import Picture
from heritage.tiff.rewriting import LONG, LONG8, Changes, Rewriter

SHORT: Final = 3
RGB: Final = 2
YCBCR_TAGS: Final = frozenset({529, 530, 531, 532})
"""Coefficients, subsampling, positioning and reference levels of YCbCr: the page is RGB now."""
SUBSAMPLING: Final = frozenset({530})
"""Some writers leave it on RGB pages; without JPEG, readers take it for subsampled data."""
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


def renewed_tags(picture: Picture, codec: LosslessCodec) -> Changes:
    """Tags of the page that change with its compression; and those that old-style JPEG omits.

    Args:
        picture: The page as it is.
        codec: What its segments were encoded with.

    Returns:
        None for those that go, positions and lengths of segments among them.
    """
    info, tags = picture.info, picture.directory.tags
    gone = GONE | (YCBCR_TAGS if _becomes_rgb(picture) else SUBSAMPLING)
    changed: Changes = dict.fromkeys(code for code in gone if code in tags)
    short = {259: [DEFLATE], 317: [codec.predictor]}
    if 262 not in tags or _becomes_rgb(picture):
        short[262] = [RGB if info.colour == "rgb" else int(picture.page.photometric)]
    if 258 not in tags:
        short[258] = [codec.bits] * info.samples
    if 277 not in tags:
        short[277] = [info.samples]
    if 266 in tags:
        short[266] = [1]
    return changed | {code: (SHORT, np.array(value, np.uint64)) for code, value in short.items()}


def renewed_places(rewriter: Rewriter) -> Changes:
    """The tags of a page written anew that say where its segments are.

    Args:
        rewriter: Holds the new positions and lengths of all segments.
    """
    picture = rewriter.picture
    wide = LONG8 if picture.structure.format.bigtiff or rewriter.outgrown else LONG
    where, length = (324, 325) if picture.grid.tiled else (273, 279)
    return {where: (wide, rewriter.offsets), length: (wide, rewriter.counts)}


def write_directory(rewriter: Rewriter, changes: Changes) -> None:
    """Put the page's directory anew and let the file point to it.

    Args:
        rewriter: Holds the new positions and lengths of all segments.
        changes: The tags that are not as they were.
    """
    picture, form = rewriter.picture, rewriter.picture.structure.format
    directory = picture.directory
    entries = {code: picture.read(tag.at, form.entry_bytes) for code, tag in directory.tags.items()}
    for code, change in changes.items():
        if change is None:
            del entries[code]
        else:
            entries[code] = rewriter.entry(code, *change)
    raw = struct.pack(form.count_code, len(entries))
    raw += b"".join(entries[code] for code in sorted(entries))
    raw += picture.read(directory.next_at, form.offset_bytes)
    rewriter.space.release(directory.at, directory.at + directory.size)
    at = rewriter.place(len(raw), 8 if form.bigtiff else 2)
    rewriter.draft.put(at, raw)
    rewriter.draft.put(directory.pointer_at, struct.pack(form.offset_code, at))


def _becomes_rgb(picture: Picture) -> bool:
    return picture.info.photometric == "YCBCR"
