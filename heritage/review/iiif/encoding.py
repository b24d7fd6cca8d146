"""From pixels of a screen to the bytes that are delivered."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from heritage.review.iiif.request import FORMATS, ImageRequest

QUALITY: Final = 90
"""Of JPEG and WebP; colours are kept at full resolution, since they are what is judged."""
MIDDLE: Final = 128
"""Grey from which on bitonal is white."""

_TURNS: Final = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
_WRITTEN: Final[dict[str, dict[str, Any]]] = {
    "jpg": {"format": "JPEG", "quality": QUALITY, "subsampling": 0},
    "png": {"format": "PNG", "compress_level": 3},
    "webp": {"format": "WEBP", "quality": QUALITY, "method": 2},
}


def encode(pixels: NDArray[np.uint8], request: ImageRequest) -> tuple[bytes, str]:
    """Mirror, turn, reduce the colours and encode, in the order the standard gives.

    Args:
        pixels: (request.height, request.width, 3) sRGB, or 4 with alpha.
        request: What was asked for.

    Returns:
        The file, which says that it is sRGB, and its media type. Where the format knows no
        transparency, white shines through.

    Raises:
        ValueError: If the pixels are not of the size that was asked for.
    """
    if pixels.shape[:2] != (request.height, request.width):
        raise ValueError(f"{pixels.shape[:2]} pixels for {request.height} x {request.width}")
    image = Image.fromarray(pixels)
    if request.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if request.rotation:
        image = image.transpose(_TURNS[request.rotation])
    if image.mode == "RGBA" and (request.format == "jpg" or request.quality == "bitonal"):
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        image = ground.convert("RGB")
    how = dict(_WRITTEN[request.format])
    if request.quality in ("gray", "bitonal"):
        image = image.convert("LA" if image.mode == "RGBA" else "L")
    else:
        how["icc_profile"] = _srgb()
    if request.quality == "bitonal":
        image = image.point(lambda grey: 255 if grey >= MIDDLE else 0)
        image = image.convert("1") if request.format == "png" else image
    if request.format == "webp" and image.mode in ("RGBA", "LA"):
        how["lossless"] = True  # marks have sharp edges
    stream = BytesIO()
    image.save(stream, **how)
    return stream.getvalue(), FORMATS[request.format]


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
