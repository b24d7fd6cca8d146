"""Policies: which of the damage that was found is filled, and which is only documented.

Applying one, ``heritage.damage.policy.apply.apply_policy``, needs the TIFF codecs and is imported
from there.
"""

from heritage.damage.policy.decide import Decision, decide
from heritage.damage.policy.rules import (
    Action,
    Policy,
    Rule,
    find_policy,
    read_policies,
    with_actions,
)

__all__ = [
    "Action",
    "Decision",
    "Policy",
    "Rule",
    "decide",
    "find_policy",
    "read_policies",
    "with_actions",
]
