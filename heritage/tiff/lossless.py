"""Deflate, for pages whose own compression cannot be written back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import imagecodecs
import numpy as np
import tifffile
from tifffile import TIFF

from heritage.tiff.codec import WHOLE_BYTES, Codec, NotReproducible, Pixels, same_bits

DEFLATE: Final = 8


class LosslessCodec(Codec):
    """Encodes the pixels of a page whose own compression cannot be written back: with Deflate.

    Differences between neighbours are what is compressed, where samples are whole bytes.

    Args:
        page: The page as it is; its pixels' type and packing stay.
    """

    def __init__(self, page: tifffile.TiffPage) -> None:
        super().__init__(page)
        self.compression, self.reversed_bits, self.predictor = DEFLATE, False, 1
        if self.bits in WHOLE_BYTES:
            self.predictor = 3 if self.dtype.kind == "f" else 2

    def decode(self, segment: int, data: bytes | None) -> Pixels:
        """Not for the page's old segments: ``encode`` undoes its own steps to prove them."""
        raise NotImplementedError

    def encode(self, segment: int, pixels: Pixels) -> bytes:
        """The bytes that any TIFF reader turns back into exactly these pixels.

        Raises:
            NotReproducible: If a sample does not fit its bits.
        """
        data = self.raw_encode(pixels)
        if not same_bits(self._decoded(data, pixels), pixels):
            raise NotReproducible("decoded pixels differ")
        return data

    def _decoded(self, data: bytes, like: Pixels) -> Pixels:
        raw = imagecodecs.deflate_decode(data, out=like.nbytes)
        if self.predictor == 1:
            return self.unpack_bits(raw, like.shape)
        stored = self.dtype if self.predictor == 3 else self.stored
        pixels = np.frombuffer(raw, stored).reshape(like.shape).astype(self.dtype)
        undo: Callable[..., Pixels] = TIFF.UNPREDICTORS[self.predictor]
        return undo(pixels, axis=-2)
