"""What a policy says of each region that was found, and why, in plain English."""

from __future__ import annotations

from dataclasses import dataclass

from heritage.damage.classes import DamageClass
from heritage.damage.detect.proposal import FoundRegion
from heritage.damage.policy.rules import Action, Policy

WORDS = {
    DamageClass.NONE: "unnamed damage",
    DamageClass.MATERIAL_LOSS: "material loss",
    DamageClass.PEEL: "peeling",
    DamageClass.DUST: "dust",
    DamageClass.SCRATCH: "a scratch",
    DamageClass.HAIR: "a hair",
    DamageClass.DIRT: "dirt",
    DamageClass.FOLD: "a fold",
    DamageClass.WRITING: "writing",
    DamageClass.CRACKS: "craquelure",
    DamageClass.STAINING: "staining",
    DamageClass.STAMP: "a stamp",
    DamageClass.STICKER: "a sticker",
    DamageClass.PUNCTURE: "a hole",
    DamageClass.BURN_MARK: "a burn mark",
    DamageClass.LIGHTLEAK: "a light leak",
    DamageClass.FADING: "fading",
    DamageClass.LACUNA: "a lacuna",
}
"""The classes as reasons name them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with a region.

    Attributes:
        region: Which.
        action: What.
        reason: Why, in one line.
        filled: Pixels of it that are to be filled.
    """

    region: FoundRegion
    action: Action
    reason: str
    filled: int = 0


def decide(policy: Policy, region: FoundRegion, protected: int = 0, ink: bool = False) -> Decision:
    """Decide about one region.

    Args:
        policy: Of the object.
        region: What was found.
        protected: How many of its pixels lie in a protected area; the others may be filled.
        ink: Whether it touches ink.
    """
    rule = policy.rule(region.kind)
    if rule.action is not Action.FILL:
        what = f"{WORDS[region.kind]} is not filled unless asked (policy {policy.name})"
        return _documented(region, what)
    if rule.largest is not None and region.area > rule.largest:
        return _documented(
            region, f"{_count(region.area)} pixels, more than {_count(rule.largest)}"
        )
    if region.confidence < rule.confidence:
        known = f"confidence {region.confidence:.4g}, less than {rule.confidence:g}"
        return _documented(region, known)
    if protected >= region.area:
        return _documented(region, "lies in a protected area")
    if ink and policy.spares_ink:
        return _documented(region, "touches ink")
    if protected:
        words = f"filled, except {_count(protected)} pixels in a protected area"
        return Decision(region, Action.FILL, words, region.area - protected)
    return Decision(region, Action.FILL, "filled", region.area)


def _documented(region: FoundRegion, why: str) -> Decision:
    return Decision(region, Action.DOCUMENT, f"documented: {why}")


def _count(pixels: int) -> str:
    return f"{pixels:,}".replace(",", " ")
