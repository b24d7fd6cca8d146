"""Finding damage: detectors, and the search of a whole master with them.

What is found is a proposal, a mask and a record of its regions: staff decide what is damage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from heritage.damage.detect.finding import Detector, Finding

__all__ = ["DEFAULT", "DETECTORS", "Detector", "Finding"]


def _cracks() -> Detector:
    from heritage.damage.detect.cracks import Cracks

    return Cracks()


def _scratches() -> Detector:
    from heritage.damage.detect.scratches import Scratches

    return Scratches()


def _losses() -> Detector:
    from heritage.damage.detect.losses import Losses

    return Losses()


def _learned() -> Detector:
    from heritage.damage.detect.learned import Learned

    return Learned()


DETECTORS: Mapping[str, Callable[[], Detector]] = MappingProxyType(
    {"cracks": _cracks, "scratches": _scratches, "losses": _losses, "learned": _learned}
)
"""What makes each detector, by the name that records call it."""

DEFAULT = ("learned",)
"""Who looks unless somebody is named: the others find little that this one does not."""
