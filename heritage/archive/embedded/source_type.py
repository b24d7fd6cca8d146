"""How a picture came to be, in the IPTC's words, and how much of it these say a machine made.

Source: IPTC NewsCodes, Digital Source Type.
"""

from __future__ import annotations

from typing import Final

from heritage.archive.dossier import Method

VOCABULARY: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
ENHANCED: Final = VOCABULARY + "algorithmicallyEnhanced"
COMPOSITE: Final = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
MADE: Final = {
    "algorithmicallyEnhanced": 1,
    "compositeSynthetic": 2,
    "compositeWithTrainedAlgorithmicMedia": 2,
    "trainedAlgorithmicMedia": 3,
}


def source_type(method: Method) -> str:
    """The URI of the term for what a method fills."""
    return COMPOSITE if method.generated else ENHANCED


def made_by_machine(term: object) -> int:
    """How much of a picture a term says was made by a machine, 0..3; 0 for what is no such term.

    No picture is ever made to say less than it did.

    Args:
        term: Its URI, or only its name.
    """
    return MADE.get(term.strip().rpartition("/")[2], 0) if isinstance(term, str) else 0
