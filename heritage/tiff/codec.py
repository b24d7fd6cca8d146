"""Between the bytes of a tile or strip and its pixels, both ways.

tifffile decodes. What it decodes is packed, predicted and compressed again here, in the inverse
order of its steps, and every encoded segment is decoded once more and compared: the proof that
the file will give back exactly these pixels costs less than the encoding itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import TIFF

Buffer = bytes | bytearray
Pixels = NDArray[Any]
"""Decoded samples, shape (rows, columns, samples)."""

JPEG: Final = frozenset({6, 7, 33007, 34892})
BYTE_CODECS: Final = frozenset({1, 5, 8, 32773, 32946, 34925, 34926, 50000, 50013})
COMPARED: Final = 4 << 20
"""Bytes that are compared at once."""
WHOLE_BYTES: Final = frozenset({8, 16, 32, 64})
"""Bits of samples that are stored as they are in memory, but for the byte order."""
PREDICTABLE: Final = frozenset({5, 8, 32946, 34925, 34926, 50000, 50013})


def _jpeg2000(pixels: Pixels) -> Buffer:
    """A bare code stream, by the reversible transforms."""
    return imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, codecformat="j2k")


# Image codecs that have a mode without loss: such a segment holds the painted pixels exactly,
# whatever its neighbours lost when they were made.
EXACT_IMAGE_CODECS: Final[dict[int, Callable[[Pixels], Buffer]]] = {
    **dict.fromkeys((33003, 33004, 33005, 34712), _jpeg2000),
    34933: imagecodecs.png_encode,
    50001: partial(imagecodecs.webp_encode, lossless=True),
    50002: partial(imagecodecs.jpegxl_encode, lossless=True),
}
DECODER_FAULTS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What tifffile and the codecs raise about damaged data; their own errors derive from these."""


class NotReproducible(Exception):
    """The compression cannot hold these pixels exactly; the page is then written anew."""


def can_encode(page: tifffile.TiffPage) -> bool:
    """Whether there is an encoder for the page's compression that loses nothing."""
    compression = int(page.compression)
    return compression in BYTE_CODECS or compression in EXACT_IMAGE_CODECS


def row_bytes(bits: int, values: int) -> int:
    """Bytes of one row of packed samples; rows start on a byte."""
    return (values * bits + 7) // 8


class Codec:
    """Decodes and encodes the segments of one page.

    Args:
        page: The page as tifffile understands it; its file must stay open.

    Thread-safe once made.
    """

    def __init__(self, page: tifffile.TiffPage) -> None:
        self.page = page
        self.compression = int(page.compression)
        self.predictor = int(page.predictor)
        self.bits = int(page.bitspersample)
        self.reversed_bits = page.fillorder == 2
        self.samples = page.samplesperpixel if page.planarconfig == 1 else 1
        if page.dtype is None:
            raise ValueError("data type not supported")
        self.dtype = np.dtype(page.dtype).newbyteorder("=")
        self.stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        self._decode: Callable[..., Any] = page.decode
        self._tables: dict[str, Any] = {}
        if self.compression in JPEG:
            self._tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}

    def decode(self, segment: int, data: bytes | None) -> Pixels:
        """The pixels of a tile or strip, shape (rows, columns, samples), padding included.

        Args:
            segment: Its index in the page.
            data: Its bytes in the file; None where the file leaves it out (sparse).

        Raises:
            One of ``DECODER_FAULTS``: If the data is damaged.
        """
        full = bool(self.page.is_tiled)
        pixels, _, shape = self._decode(data, segment, _fullsize=full, **self._tables)
        if pixels is None:
            return np.full(shape[1:], self.page.nodata, self.dtype)
        if self.compression in JPEG and not ends_properly(data):
            raise ValueError("its JPEG data is cut off")
        plane: Pixels = pixels[0]
        if self.dtype == np.bool_ and plane.dtype == np.uint8 and plane.max(initial=0) <= 1:
            plane = plane.astype(np.bool_)  # fax decoders return bytes of 0 and 1
        if plane.dtype != self.dtype:
            raise ValueError(f"it holds {plane.dtype} samples, its tags say {self.dtype}")
        return plane

    def encode(self, segment: int, pixels: Pixels) -> bytes:
        """The bytes of a tile or strip that decode to exactly these pixels.

        Raises:
            NotReproducible: If there are none in this compression.
        """
        try:
            data = self.raw_encode(pixels)
            again = self.decode(segment, data)
        except DECODER_FAULTS as error:
            raise NotReproducible(str(error)) from error
        if not same_bits(again, pixels):
            raise NotReproducible("decoded pixels differ")
        return data

    def unpack(self, raw: Buffer, rows: int, columns: int) -> Pixels:
        """The pixels of some rows of an uncompressed tile or strip."""
        if self.reversed_bits:
            raw = imagecodecs.bitorder_decode(raw)
        shape = rows, columns, self.samples
        if self.bits in WHOLE_BYTES:
            return np.frombuffer(raw, self.stored).reshape(shape).astype(self.dtype, copy=False)
        flat = imagecodecs.packints_decode(
            raw, self.dtype, self.bits, runlen=columns * self.samples
        )
        return np.asarray(flat).reshape(shape)

    def pack(self, pixels: Pixels) -> bytes:
        """The inverse of ``unpack``.

        Raises:
            NotReproducible: If a sample does not fit its bits.
        """
        raw = self._packed(pixels)
        whole = self.bits in WHOLE_BYTES
        if not whole and not same_bits(self.unpack_bits(raw, pixels.shape), pixels):
            raise NotReproducible(f"a sample does not fit {self.bits} bits")
        return bytes(imagecodecs.bitorder_encode(raw)) if self.reversed_bits else raw

    def unpack_bits(self, raw: Buffer, shape: tuple[int, ...]) -> Pixels:
        """The samples of rows that are not packed in whole bytes."""
        flat = imagecodecs.packints_decode(raw, self.dtype, self.bits, runlen=shape[1] * shape[2])
        return np.asarray(flat).reshape(shape)

    def _packed(self, pixels: Pixels) -> bytes:
        if self.bits in WHOLE_BYTES:
            return pixels.astype(self.stored, copy=False).tobytes()
        runlen = pixels.shape[1] * pixels.shape[2]
        flat = np.ascontiguousarray(pixels)
        return bytes(imagecodecs.packints_encode(flat, self.bits, runlen=runlen))

    def raw_encode(self, pixels: Pixels) -> bytes:
        """Encode without proof."""
        if self.compression in EXACT_IMAGE_CODECS:
            image = pixels[..., 0] if pixels.shape[2] == 1 else pixels
            return bytes(EXACT_IMAGE_CODECS[self.compression](np.ascontiguousarray(image)))
        if self.compression not in BYTE_CODECS:
            raise NotImplementedError(f"no encoder for compression {self.compression}")
        data = self._compress(self._predicted(pixels), pixels.shape[0])
        return bytes(imagecodecs.bitorder_encode(data)) if self.reversed_bits else data

    def _predicted(self, pixels: Pixels) -> bytes:
        if self.predictor == 1:
            return self._packed(pixels)
        predict = TIFF.PREDICTORS[self.predictor]
        predicted: Pixels = predict(np.ascontiguousarray(pixels), axis=-2)
        # The floating-point predictor orders the bytes itself.
        return predicted.tobytes() if self.predictor == 3 else self._packed(predicted)

    def _compress(self, raw: bytes, rows: int) -> bytes:
        if self.compression == 1:
            return raw
        if self.compression == 32773:
            # TIFF 6.0, section 9: rows are packed one by one, no run crosses into the next.
            lines = np.frombuffer(raw, np.uint8).reshape(rows, -1)
            return bytes(imagecodecs.packbits_encode(lines, axis=-1))
        compress: Callable[[bytes], bytes] = TIFF.COMPRESSORS[self.compression]
        return bytes(compress(raw))


def same_bits(one: Pixels, other: Pixels) -> bool:
    """Whether two arrays hold the same bits, not a number and minus zero included."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.size:
        return True
    step = max(1, COMPARED * len(one) // one.nbytes)
    return all(
        np.array_equal(words(one[row : row + step]), words(other[row : row + step]))
        for row in range(0, len(one), step)
    )


def words(pixels: Pixels) -> Pixels:
    """As whole numbers, which are equal where and only where the bits are."""
    if pixels.dtype.kind != "f":
        return pixels
    return np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}")


def ends_properly(data: bytes | None) -> bool:
    """Whether a JPEG stream reaches its end marker; libjpeg fills what is missing with grey."""
    return data is None or b"\xff\xd9" in data[-64:].rstrip(b"\0")
