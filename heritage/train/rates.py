"""How far a training is, and how large its learning rates are there."""

from __future__ import annotations

import math

from heritage.train.schema import Recipe


def progress(recipe: Recipe, step: int, seconds: float) -> float:
    """How much of a training is done, 0..1.

    Args:
        recipe: Its length, in steps or in minutes.
        step: Steps made.
        seconds: Time spent training, over all slices.
    """
    done = step / recipe.steps if recipe.minutes is None else seconds / (60 * recipe.minutes)
    return min(1.0, done)


def rate_factor(recipe: Recipe, step: int, done: float) -> float:
    """What the recipe's learning rates are multiplied by in a step.

    A cosine without restarts (Loshchilov and Hutter, "SGDR", ICLR 2017, eq. 5) or nothing, times a
    straight line over the first steps (Goyal et al., arXiv:1706.02677, section 2.2).

    Args:
        recipe: Names the schedule.
        step: Number of the step, from 0.
        done: Of ``progress``.
    """
    factor = 1.0
    if recipe.schedule == "cosine":
        factor = recipe.final + (1 - recipe.final) * 0.5 * (1 + math.cos(math.pi * done))
    return factor * min(1.0, (step + 1) / recipe.rise) if recipe.rise else factor
