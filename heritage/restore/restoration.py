"""What a finished restoration is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heritage.restore.provenance import file_names, read_provenance


@dataclass(frozen=True)
class Restoration:
    """One finished run of one model over one master.

    Args:
        name: ``NAME``.
        folder: ``OUTPUT/NAME``.
        master: The master's path.
        restored: The restored TIFF.
        mask: The mask as used.
        layer: The restored pixels alone.
        provenance: The record.
        regions: Connected regions of damage.
        damaged_pixels: Pixels of the mask.
        share: Of the picture that they are, 0..1.
        model: Name of the inpainter.
        seconds: What the last run took.
        reencoded: Why the picture had to be written anew as a whole; None if only touched
            segments were.
        continued: An interrupted run was continued.
        skipped: It had been done before, nothing was computed.
    """

    name: str
    folder: Path
    master: Path
    restored: Path
    mask: Path
    layer: Path
    provenance: Path
    regions: int
    damaged_pixels: int
    share: float
    model: str
    seconds: float
    reencoded: str | None
    continued: bool = False
    skipped: bool = False


def read_restoration(folder: Path, master: Path, skipped: bool = False) -> Restoration:
    """The restoration that lies finished in a folder.

    Args:
        folder: ``OUTPUT/NAME``.
        master: Where the master lies now.
        skipped: Whether this run found it done.

    Raises:
        OSError: If its record cannot be read.
        ValueError: If its record is none.
    """
    names = file_names(folder.name)
    record: dict[str, Any] = read_provenance(folder / names["provenance"])
    pixels = record["master"]["height"] * record["master"]["width"]
    return Restoration(
        name=folder.name,
        folder=folder,
        master=master,
        restored=folder / names["restored"],
        mask=folder / names["mask"],
        layer=folder / names["layer"],
        provenance=folder / names["provenance"],
        regions=record["regions"]["count"],
        damaged_pixels=record["mask"]["pixels"],
        share=record["mask"]["pixels"] / pixels,
        model=record["model"]["name"],
        seconds=float(record["times"]["seconds"]),
        reencoded=record["restored"]["reencoded"],
        continued=bool(record["times"].get("continued", False)),
        skipped=skipped,
    )
