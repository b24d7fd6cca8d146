"""Masks and pictures that look like damage, from a seed.

A family takes a NumPy random generator and a size, and returns a uint8 mask (H, W) with 1 where the
picture is lost. The same seed gives the same mask on every machine. ``render`` goes further and
damages a picture, so that there is a truth to compare a restoration or a detection with.
"""

from heritage.damage.simulate.cracks import Craquelure, craquelure
from heritage.damage.simulate.creases import folds, tears
from heritage.damage.simulate.fields import Mask
from heritage.damage.simulate.lacunae import flaking, half, large_losses, losses, rectangle
from heritage.damage.simulate.mixing import FAMILIES, Family, from_real, simulate
from heritage.damage.simulate.render import Damaged, render
from heritage.damage.simulate.strokes import (
    dense_hairlines,
    hairlines,
    medium_strokes,
    scratches,
    thick_strokes,
)
from heritage.damage.simulate.surfaces import abrasion, foxing, stains, tide_lines

__all__ = [
    "FAMILIES", "Craquelure", "Damaged", "Family", "Mask", "abrasion", "craquelure",
    "dense_hairlines", "flaking", "folds", "foxing", "from_real", "hairlines", "half",
    "large_losses", "losses", "medium_strokes", "rectangle", "render", "scratches", "simulate",
    "stains", "tears", "thick_strokes", "tide_lines",
]  # fmt: skip
