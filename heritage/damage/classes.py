"""The kinds of damage that are told apart."""

from enum import IntEnum


class DamageClass(IntEnum):
    """What is wrong with a pixel of a picture; the values are those of class maps (uint8).

    The members after ``NONE`` up to ``LIGHTLEAK`` follow the taxonomy of ARTeFACT (Ivanova et al.,
    "ARTeFACT: Benchmarking Segmentation Models on Diverse Analogue Media Damage", WACV 2025,
    arXiv:2412.04580); fading and lacuna are what museums ask for besides. Values never change:
    class maps on disk rely on them.
    """

    NONE = 0, "The picture as it is, undamaged."
    MATERIAL_LOSS = 1, "Paint, ink or emulsion is gone; the ground or support shows."
    PEEL = 2, "The picture layer has come loose: it flakes off, curls up or blisters."
    DUST = 3, "Specks of dust lying on the object or on the negative it was printed from."
    SCRATCH = 4, "A thin line scraped through the surface, nearly straight."
    HAIR = 5, "A hair or fibre lying on the object, or its shadow in a print."
    DIRT = 6, "Grime, soot or droppings that darken or cover the surface."
    FOLD = 7, "A line along which the support was folded or creased, the paint on it worn."
    WRITING = 8, "Notes, numbers or scribbles that were added later."
    CRACKS = 9, "Fine breaks of paint, ground or support: craquelure."
    STAINING = 10, "Discoloured by a liquid, by mould or by rust: stains, tide-lines, foxing."
    STAMP = 11, "An owner's, library's or censor's stamp."
    STICKER = 12, "A label, tape or piece of facing tissue stuck on top."
    PUNCTURE = 13, "A hole through the support: pins, nails, wormholes, tears."
    BURN_MARK = 14, "Scorched or charred."
    LIGHTLEAK = 15, "Stray light that fogged a photograph."
    FADING = 16, "Colours changed by light or age, faded or yellowed, though nothing is missing."
    LACUNA = 17, "A loss so large that a part of what was depicted is missing."

    definition: str

    def __new__(cls, value: int, definition: str) -> "DamageClass":
        """A member and what it means."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.definition = definition
        return member
