"""A band below a picture that says what the picture is.

It never covers the picture, and never shows boxes in place of letters: where no font has all of
them, it says which ones are missing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from heritage.errors import BadSetting

Bytes = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont

FONTS: Final = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "arial.ttf",
)
"""Fonts that are asked in turn for what Pillow's own lacks, which has hardly more than ASCII."""
SMALLEST: Final = 14
LETTERS: Final = 90
"""The size of the letters is such that about this many fit side by side."""
NARROWEST: Final = 320
"""Columns that the band needs; a narrower picture stands at its left, on its ground."""
PAPER: Final = (255, 255, 255)
INK: Final = (32, 32, 32)
NOWHERE: Final = "\U0010ffff"
"""Never a character (Unicode, section 23.7): what a font draws for it, it draws for want."""


def captioned(picture: Bytes, words: str) -> Bytes:
    """A picture with a band below it.

    Args:
        picture: (h, w, 3) uint8.
        words: What the band says; lines are broken between words.

    Returns:
        (h + band, max(w, NARROWEST), 3) uint8; the picture's pixels as they are.

    Raises:
        BadSetting: If no font has all letters.
    """
    height, width = picture.shape[:2]
    wide = max(width, NARROWEST)
    # A letter is about half as wide as its font is high.
    size = max(SMALLEST, round(2 * wide / LETTERS))
    text = " ".join(unicodedata.normalize("NFC", words).split())
    font, margin = font_for(text, size), size
    lines = list(_lines(text, font, wide - 2 * margin))
    step = round(1.4 * size)
    band = Image.new("RGB", (wide, len(lines) * step + 2 * margin), PAPER)
    draw = ImageDraw.Draw(band)
    for number, line in enumerate(lines):
        draw.text((margin, margin + number * step), line, INK, font)
    out = np.full((height + band.height, wide, 3), PAPER, np.uint8)
    out[:height, :width] = picture
    out[height:] = np.asarray(band)
    return out


def font_for(text: str, size: int) -> Font:
    """A font that has every letter of a text: Pillow's own, else one of the system's.

    Args:
        text: What is to be set.
        size: Height in pixels.

    Raises:
        BadSetting: If there is none; it says which letters no font has.
    """
    fewest = text
    for font in _fonts(size):
        lacking = missing(text, font)
        if not lacking:
            return font
        fewest = min(fewest, lacking, key=len)
    raise BadSetting(
        f"no font on this machine has the letters {' '.join(fewest)} of the caption: install "
        "one that has them, such as Noto Sans CJK, or make the access copy without a caption"
    )


def missing(text: str, font: Font) -> str:
    """The letters that a font does not have, each once."""
    want = bytes(font.getmask(NOWHERE))
    letters = dict.fromkeys(letter for letter in text if not letter.isspace())
    return "".join(letter for letter in letters if bytes(font.getmask(letter)) == want)


def _fonts(size: int) -> Iterator[Font]:
    """All that can be asked; lines are laid out by Pillow itself, everywhere alike."""
    own = ImageFont.load_default(size)
    if isinstance(own, ImageFont.FreeTypeFont):
        yield own
    for name in FONTS:
        try:
            yield ImageFont.truetype(name, size, layout_engine=ImageFont.Layout.BASIC)
        except OSError:
            continue


def _lines(text: str, font: Font, room: float) -> Iterator[str]:
    """Lines no wider than there is room, broken between words where that can be."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= room:
            line = longer
            continue
        if line:
            yield line
        line = ""
        for letter in word:  # a word, or a sentence in Chinese, that is too long for a line
            if line and font.getlength(line + letter) > room:
                yield line
                line = ""
            line += letter
    if line:
        yield line
