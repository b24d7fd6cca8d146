"""What a picture found alone, without its package, says of its own digital completion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heritage.archive.embedded.names import COMPLETIONS, SOURCE_TYPE, named
from heritage.archive.embedded.reading import (
    Fields,
    Properties,
    entries,
    packet_or_blank,
    properties,
    read_packet,
    text_of,
)
from heritage.errors import MasterRefused
from heritage.tiff.tagging import read_xmp


@dataclass(frozen=True)
class Embedded:
    """What a picture found alone says of its digital completion.

    Args:
        identifier: The restoration's UUID.
        statement: One sentence: how much, by what, accepted by whom.
        filled: Pixels that a machine filled.
        share: Part of the picture that these are, 0..1.
        model: What filled them.
        weights_sha256: Of the network's weights; None for a method without any.
        source_type: URI of the IPTC term for how the picture came to be.
        master_sha256: Of the file that was restored.
        approver: Who signed.
    """

    identifier: str
    statement: str
    filled: int
    share: float
    model: str
    weights_sha256: str | None
    source_type: str
    master_sha256: str
    approver: str


def read_embedded(path: Path | str, page: int = 0) -> Embedded | None:
    """What a picture says of its own digital completion.

    Args:
        path: A TIFF file, found anywhere.
        page: Which page, from 0.

    Returns:
        None where it says nothing of that.

    Raises:
        MasterRefused: If it is no sound TIFF, or its packet no well-formed XMP.
        StorageFailed: If it cannot be read.
    """
    path = Path(path)
    return _told(properties(packet_or_blank(read_xmp(path, page), path)[1]), path)


def parse(raw: bytes, path: Path | None = None) -> Embedded | None:
    """What a packet says of the digital completion of its picture.

    Args:
        raw: The packet, as it was made for the picture or, since, rewritten by another program.
        path: The file it is from, for messages.

    Returns:
        Of the last one, where there were several; None where the packet tells of none.

    Raises:
        MasterRefused: If the packet is no well-formed XMP, or tells of one by halves.
    """
    return _told(properties(read_packet(raw, path)[1]), path)


def _told(known: Properties, path: Path | None) -> Embedded | None:
    told = entries(known, COMPLETIONS)
    if not told:
        return None
    last = told[-1]
    said = dict(last.items) if isinstance(last, Fields) else {}
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    try:
        return Embedded(
            identifier=texts[named("restoration:identifier")],
            statement=texts[named("restoration:statement")],
            filled=int(texts[named("restoration:filledPixels")]),
            share=float(texts[named("restoration:filledShare")]),
            model=texts[named("restoration:model")],
            weights_sha256=texts.get(named("restoration:weightsSHA256")),
            source_type=text_of(known, SOURCE_TYPE) or "",
            master_sha256=texts[named("restoration:masterSHA256")],
            approver=texts[named("restoration:approver")],
        )
    except (KeyError, ValueError):
        raise MasterRefused(
            "its XMP packet tells of a digital completion, but not all that belongs to it", path
        ) from None
