"""The kinds of damage that models are compared on, and what they look like in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heritage.damage.simulate import FAMILIES
from heritage.errors import BadSetting

DEFAULT = ("hairlines", "scratches", "medium", "thick", "losses", "large-losses", "half")
REAL, GIVEN = "real", "given"

_WORDS: Mapping[str, str] = {
    "hairlines": "Cracks and scratches one to a few pixels wide.",
    "scratches": "Long scratches.",
    "medium": "Three to eight strokes, from 4 pixels to a twelfth of the side wide.",
    "thick": "One to four strokes, a twelfth to a fifth of the side wide.",
    "losses": "Flaked areas with ragged edges.",
    "large-losses": "Flaked areas that together take up a third to half of the picture.",
    "half": "One half of the picture is missing: nobody can know what was there.",
    "craquelure": "A network of age cracks.",
    "rectangle": "One rectangular loss.",
    REAL: "Masks of real damage, cut and turned at random.",
    GIVEN: "The masks that were given for these very pictures.",
}


def words_of(family: str) -> str:
    """What damage of this family is, in one sentence."""
    if family in _WORDS:
        return _WORDS[family]
    if family.startswith("ntire-"):
        return f"Masks as in the NTIRE 2022 inpainting challenge: {family.removeprefix('ntire-')}."
    return f"Simulated {family.replace('-', ' ')}."


def choose(wanted: Sequence[str] | None, masks: Sequence[str]) -> list[str]:
    """The families to compare on, checked.

    Args:
        wanted: Names, or None for the usual ones.
        masks: Which of ``real`` and ``given`` the masks at hand allow.

    Raises:
        BadSetting: If one is unknown, or needs masks that are not there.
    """
    if wanted is None:
        return [*(name for name in DEFAULT if name in FAMILIES), *masks]
    known = [*FAMILIES, REAL, GIVEN]
    for name in wanted:
        if name not in known:
            raise BadSetting(f"no family of damage named {name!r}; choose of {', '.join(known)}")
        if name in (REAL, GIVEN) and name not in masks:
            raise BadSetting(
                f"the family {name!r} needs --masks with "
                + ("masks named like the pictures" if name == GIVEN else "pictures of damage")
            )
    return list(dict.fromkeys(wanted))
