"""Pictures as IIIF viewers ask for them: requests understood, answers described and encoded.

Everything here is pure: it takes text and pixels, and gives text and bytes.
"""

from heritage.review.iiif.description import image_info
from heritage.review.iiif.encoding import encode
from heritage.review.iiif.presentation import Choice, Note, manifest
from heritage.review.iiif.request import (
    BadImageRequest,
    ImageRequest,
    largest,
    parse,
    parse_request,
)

__all__ = [
    "BadImageRequest",
    "Choice",
    "ImageRequest",
    "Note",
    "encode",
    "image_info",
    "largest",
    "manifest",
    "parse",
    "parse_request",
]
