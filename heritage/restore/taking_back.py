"""Mask and layer of a restoration without the fills that were taken back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage.damage.mask_writing import Piece, write_mask
from heritage.damage.masks import MaskReader, open_mask
from heritage.damage.policy.numbering import Numbering
from heritage.errors import BadSetting, VerificationFailed
from heritage.geometry import Box
from heritage.restore.layer import LayerReader, Native, layer_dtype, opaque
from heritage.restore.storage import storage, sync
from heritage.tiff import MasterInfo


def reduce_mask(
    before: Path, rejected: Sequence[int], after: Path, record: Mapping[str, Any]
) -> int:
    """Write a mask without some of its regions; the same bytes where none is to go.

    Args:
        before: The mask of a restoration.
        rejected: Numbers of the regions to leave out, as ``heritage.damage.regions`` gives them.
        after: The file to write.
        record: What the restoration's provenance says.

    Returns:
        The pixels that stay.

    Raises:
        BadSetting: If a region is not there, or none would stay.
        VerificationFailed: If the mask has not the regions that the record tells of.
    """
    with open_mask(before) as mask:
        numbering = Numbering(mask)
        _require_told(before, numbering, record)
        keep = np.ones(len(numbering.areas), np.bool_)
        keep[0] = False
        count = len(keep) - 1
        unknown = [number for number in rejected if not 0 < number <= count]
        if unknown:
            raise BadSetting(
                f"there is no region {unknown[0]} in this restoration, it has {count}; "
                "decide about regions that it has",
                before,
            )
        keep[list(rejected)] = False
        if not keep.any():
            raise BadSetting(
                "every fill was taken back, so nothing is left to publish; keep at least one, "
                "or refuse the restoration as a whole",
                before,
            )
        if rejected:
            write_mask(after, mask.height, mask.width, _pieces(mask, numbering, keep))
        else:
            shutil.copyfile(before, after)
    sync(after)
    return int(numbering.areas[keep].sum())


def _require_told(path: Path, numbering: Numbering, record: Mapping[str, Any]) -> None:
    found = len(numbering.areas) - 1, int(numbering.areas.sum())
    told = record["regions"]["count"], record["mask"]["pixels"]
    if found != told:
        raise VerificationFailed(
            f"has {found[0]} regions with {found[1]} pixels, its record tells of {told[0]} with "
            f"{told[1]}; restore the master again",
            path,
        )


def _pieces(mask: MaskReader, numbering: Numbering, keep: NDArray[np.bool_]) -> Iterator[Piece]:
    for tile in mask.blocks():
        yield tile.y0, tile.x0, keep[numbering.read(tile)].astype(np.uint8) * 255


class KeptFills:
    """The restored pixels that stay; several threads may share one.

    Args:
        path: The layer of a restoration.
        mask: What stays of its mask, open.
        info: Its master.

    Raises:
        VerificationFailed: If mask or layer are none of this master.
    """

    def __init__(self, path: Path, mask: MaskReader, info: MasterInfo) -> None:
        if (mask.height, mask.width) != (info.height, info.width):
            raise VerificationFailed("is not of the master's size; restore again", mask.path)
        try:
            self._layer = LayerReader(path, info.dtype)
        except OSError as error:
            raise VerificationFailed("is no layer; restore the master again", path) from error
        layer = self._layer
        found = layer.height, layer.width, layer.samples, layer.stored_dtype
        if found != (info.height, info.width, info.samples, layer_dtype(info.dtype)):
            layer.close()
            raise VerificationFailed("is no layer of this master; restore again", path)
        self._path, self._mask, self._opaque = path, mask, opaque(info.dtype)

    def read(self, block: Box) -> Native:
        """(n, samples) of the n damaged pixels of a block, in raster order.

        Raises:
            VerificationFailed: If the layer has no fill for one of them.
            StorageFailed: If it cannot be read.
        """
        with storage(self._path):
            pixels, alpha = self._layer.read(block)
        damaged = self._mask.read(block)
        if (alpha[damaged] != self._opaque).any():
            raise VerificationFailed(
                f"lacks fills that the mask tells of, below row {block.y0}, column {block.x0}; "
                "restore the master again",
                self._path,
            )
        return np.asarray(pixels[damaged])

    def close(self) -> None:
        """Let go of the layer."""
        self._layer.close()
