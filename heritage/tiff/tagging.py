"""Putting an XMP packet into a finished TIFF, all its other bytes staying where they are.

Nothing is decoded and nothing moves: the file is copied, the packet put behind it, and the few
bytes changed that must lead there. Where the page has no such tag yet, its directory is put anew
behind the packet with one entry more, and the pointer to it changed.

Source of the layout: XMP Specification Part 3 (Adobe, 2020), tag 700; TIFF revision 6.0.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heritage.errors import MasterRefused, StorageFailed
from heritage.tiff.pages import choose_page
from heritage.tiff.parsing import MAX_TAGS, StructureReader
from heritage.tiff.picture import Picture
from heritage.tiff.pieces import Draft, Piece, Repeated, joined
from heritage.tiff.rewriting import farthest
from heritage.tiff.scratch import Scratch
from heritage.tiff.space import Space
from heritage.tiff.writing import Writer

XMP: Final = 700
BYTE, UNDEFINED = 1, 7
MAX_PACKET: Final = 64 << 20
"""Bytes of a packet beyond which it is not read: nobody describes a picture at such length."""


@dataclass(frozen=True)
class Embedding:
    """What ``embed_xmp`` wrote.

    Attributes:
        source_sha256: Of the file that was copied, as it was read.
        sha256: Of the new file.
        xmp_sha256: Of the packet.
        bytes: Its size.
        patched: Ranges of the copied file, half-open, whose bytes are not the same any more; all
            others are, and what is new lies behind them.
    """

    source_sha256: str
    sha256: str
    xmp_sha256: str
    bytes: int
    patched: tuple[tuple[int, int], ...]


def read_xmp(path: Path | str, page: int = 0) -> bytes | None:
    """The XMP packet of a page, byte for byte.

    Args:
        path: A TIFF file.
        page: Which page, from 0.

    Returns:
        None where the page has none.

    Raises:
        MasterRefused: If the file is no sound TIFF, has no such page, or claims an absurd packet.
        StorageFailed: If it cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            reader = StructureReader(file.fileno(), path)
            structure = reader.structure()
            tag = structure.pages[choose_page(structure, reader, page)].tags.get(XMP)
            if tag is None:
                return None
            if tag.size > MAX_PACKET:
                raise MasterRefused(
                    f"its XMP packet has {tag.size >> 20} MiB, more than {MAX_PACKET >> 20} MiB; "
                    "let an XMP tool clean it up",
                    path,
                )
            return reader.read(tag.value_at, tag.size)
    except OSError as error:
        raise StorageFailed(f"cannot be read ({error.strerror})", path) from error


def embed_xmp(source: Path | str, target: Path | str, packet: bytes, page: int = 0) -> Embedding:
    """Write a copy of a TIFF that carries an XMP packet, in place of the page's own if it has one.

    Args:
        source: A sound TIFF; only ever read.
        target: A path that does not exist yet. The file is complete and on disk when this
            returns, and gone when it raises.
        packet: What to embed, ``MAX_PACKET`` bytes at most.
        page: The page it describes, from 0; other pages stay as they are.

    Raises:
        MasterRefused: If the file cannot be edited safely, or a classic TIFF would pass 4 GiB.
        StorageFailed: If the disk is full, the target exists, or a file cannot be read or written.
    """
    target = Path(target)
    with Picture(source, page, guarded=False) as picture:
        draft, patched = _planned(picture, packet)
        try:
            descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise StorageFailed(f"cannot be created ({error.strerror})", target) from error
        try:
            with Scratch(target.parent) as scratch:
                size = picture.structure.bytes
                writer = Writer(picture.descriptor, size, descriptor, scratch, threads=1)
                before, after = writer.write(joined(draft.pieces()))
            os.fsync(descriptor)
        except OSError as error:
            target.unlink(missing_ok=True)
            raise StorageFailed(_what_failed(error), target) from error
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    found = hashlib.sha256(packet).hexdigest()
    return Embedding(before, after, found, draft.end, patched)


def _planned(picture: Picture, packet: bytes) -> tuple[Draft, tuple[tuple[int, int], ...]]:
    """The new file, and which bytes of the old one differ in it."""
    _require_room(picture, packet)
    form, directory = picture.structure.format, picture.directory
    align = form.offset_bytes if form.bigtiff else 2
    draft, space = Draft(picture.structure.bytes), Space(picture.structure.bytes)
    old = directory.tags.get(XMP)
    value = packet
    if len(packet) > form.offset_bytes:
        at = space.place(len(packet), align)
        draft.put(at, packet)
        value = struct.pack(form.offset_code, at)
    kind = old.type if old is not None and old.type in (BYTE, UNDEFINED) else BYTE
    entry = form.pack_entry(XMP, kind, len(packet), value)
    patches: dict[int, Piece | bytes] = {}
    if old is None:
        raw = _directory(picture, entry)
        at = space.place(len(raw), align)
        draft.put(at, raw)
        patches[directory.pointer_at] = struct.pack(form.offset_code, at)
    else:
        patches[old.at] = entry
        # A reader that searches files for packets must not find one that tells of the master.
        if not old.inline and picture.occupancy.alone(old.value_at, old.size):
            patches[old.value_at] = Repeated(old.size)
    for start, piece in patches.items():
        draft.put(start, piece)
    draft.end = space.end
    return draft, tuple(sorted((start, start + _size(piece)) for start, piece in patches.items()))


def _require_room(picture: Picture, packet: bytes) -> None:
    form, tags = picture.structure.format, picture.directory.tags
    if len(packet) > MAX_PACKET:
        raise MasterRefused(
            f"an XMP packet of {len(packet) >> 20} MiB is more than it should carry", picture.path
        )
    if XMP not in tags and len(tags) >= MAX_TAGS:
        raise MasterRefused(f"its page has {len(tags)} tags already", picture.path)
    grown = len(packet) + picture.directory.size + form.entry_bytes + 2 * form.offset_bytes
    if picture.structure.bytes + grown > farthest(form):
        raise MasterRefused(
            "with its XMP packet it would pass 4 GiB, which a classic TIFF cannot; save the master "
            "as BigTIFF and restore that",
            picture.path,
        )


def _directory(picture: Picture, entry: bytes) -> bytes:
    """The page's directory with one entry more, in the order that TIFF demands."""
    form, directory = picture.structure.format, picture.directory
    entries = {code: picture.read(tag.at, form.entry_bytes) for code, tag in directory.tags.items()}
    entries[XMP] = entry
    raw = struct.pack(form.count_code, len(entries))
    raw += b"".join(entries[code] for code in sorted(entries))
    return raw + picture.read(directory.next_at, form.offset_bytes)


def _size(piece: Piece | bytes) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.size


def _what_failed(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room and run again"
    return f"cannot be written ({error.strerror})"
