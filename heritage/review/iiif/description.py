"""What clients must know about a picture before they ask for any of it: ``info.json``.

IIIF Image API 3.0, section 5: https://iiif.io/api/image/3.0/#5-image-information
"""

from __future__ import annotations

from typing import Any, Final

from heritage.review.iiif.request import LIMIT

TILE: Final = 512
"""Side of the tiles that clients should ask for, in pixels of the screen."""


def image_info(uri: str, width: int, height: int, limit: int = LIMIT) -> dict[str, Any]:
    """The description of a picture.

    Args:
        uri: Of the picture, without slash at its end.
        width: Columns.
        height: Rows.
        limit: Longest side that is delivered, in pixels.

    Returns:
        What ``info.json`` says; its media type is
        ``application/ld+json;profile="http://iiif.io/api/image/3/context.json"``.
    """
    factors = scale_factors(width, height)
    sizes = [(-(-width // factor), -(-height // factor)) for factor in reversed(factors)]
    return {
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": uri,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": width,
        "height": height,
        "maxWidth": limit,
        "maxHeight": limit,
        "sizes": [{"width": w, "height": h} for w, h in sizes if max(w, h) <= limit],
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": factors}],
        "extraFormats": ["webp"],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": ["mirroring", "sizeUpscaling"],
    }


def scale_factors(width: int, height: int) -> list[int]:
    """Powers of two, up to the one at which the picture is a single tile."""
    factors = [1]
    while max(width, height) > factors[-1] * TILE:
        factors.append(factors[-1] * 2)
    return factors
