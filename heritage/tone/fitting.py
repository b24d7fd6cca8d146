"""Fit a field to the ground of a picture: the paper, wherever it shows between ink and pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heritage.tone.field import Field, spline_weights

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CELLS = 16
"""Cells along the longer side."""
STRONGEST = 0.35
"""Largest logarithm of a gain: what is more than 1.4 times darker is no stain but a picture."""
WEAKEST = 0.1
"""The same for the brighter parts of the ground, which are darkened hardly at all."""
_UPPER, _UPPERMOST = 0.6, 0.95  # quantiles between which a cell's brighter pixels count as ground
_UNLIKE = 0.5  # logarithm beyond which a cell holds no ground at all
_BRIGHTER = 0.2  # a stain darkens: what is so much brighter than the ground is not the sheet
_STIFFNESS = {True: 0.3, False: 6.0}  # ground fills the picture, or does not
_ROUNDS = 5


def cell_grounds(picture: Floats) -> Doubles:
    """Colour of the brighter pixels of every cell: (rows, columns, 3)."""
    height, width = picture.shape[:2]
    side = max(height, width) / CELLS
    rows, columns = (min(length, max(1, round(length / side))) for length in (height, width))
    grounds = np.empty((rows, columns, 3))
    for i, band in enumerate(np.array_split(picture.astype(np.float64), rows, axis=0)):
        for j, cell in enumerate(np.array_split(band, columns, axis=1)):
            pixels = cell.reshape(-1, 3)
            light = pixels.mean(axis=1)
            low, high = np.quantile(light, (_UPPER, _UPPERMOST))
            grounds[i, j] = pixels[(light >= low) & (light <= high)].mean(axis=0)
    return grounds


def fit_field(
    picture: Floats, white: Doubles, ground: bool, strength: float, own_hue: bool
) -> Field | None:
    """Gains that make the ground even.

    Penalised least squares on the control points of a B-spline (Eilers and Marx, Statistical
    Science 11, 1996), reweighted by Tukey's biweight so that pictures and tables drop out.

    Args:
        picture: (h, w, 3) the reduced picture.
        white: (3,) the ground's colour that all of it should have.
        ground: Whether ground fills most of the picture; else the field is much stiffer.
        strength: 0..1, how much of the unevenness is taken away.
        own_hue: Whether channels have gains of their own; else hues are left alone.

    Returns:
        The field; None where there is too little ground to tell, or it is even already.
    """
    if min(picture.shape[:2]) < CELLS:
        return None
    grounds = np.maximum(cell_grounds(picture), 1e-3)
    wanted = np.log(white / grounds)
    if not own_hue:
        wanted = np.repeat(wanted.mean(axis=2, keepdims=True), 3, axis=2)
    rows, columns = wanted.shape[:2]
    size = rows + 3, columns + 3
    basis = np.kron(_basis(rows), _basis(columns))
    stiff = _STIFFNESS[ground] * _roughness(*size) + 1e-4 * np.eye(basis.shape[1])
    target = wanted.reshape(-1, 3)
    far = np.abs(target).max(axis=1)
    weights = np.where((far < _UNLIKE) & (target.min(axis=1) > -_BRIGHTER), 1.0, 0.0)
    if weights.mean() < 0.25:
        return None
    control = np.zeros((basis.shape[1], 3))
    allowed = weights
    for _ in range(_ROUNDS):
        weighted = basis.T * weights
        control = np.linalg.solve(weighted @ basis + stiff, weighted @ target)
        off = np.abs(target - basis @ control).max(axis=1)
        scale = max(6.0 * float(np.median(off[allowed > 0])), 0.05)
        weights = allowed * np.square(np.maximum(1 - np.square(off / scale), 0))
    grid = np.clip(control, -WEAKEST, STRONGEST) * strength
    if np.abs(grid).max() < 0.01:
        return None
    rounded = np.round(grid, 6).reshape(*size, 3) + 0.0
    return Field(tuple(tuple((r, g, b) for r, g, b in row) for row in rounded.tolist()))


def _basis(cells: int) -> Doubles:
    """The spline at the middles of the cells: (cells, control points)."""
    size = cells + 3
    first, weights = spline_weights((np.arange(cells) + 0.5) / cells, size)
    basis = np.zeros((cells, size))
    for k in range(4):
        basis[np.arange(cells), first + k] = weights[:, k]
    return basis


def _roughness(rows: int, columns: int) -> Doubles:
    """Sum of squared differences between neighbouring control points, as a matrix."""
    down, across = np.diff(np.eye(rows), axis=0), np.diff(np.eye(columns), axis=0)
    return np.asarray(
        np.kron(down.T @ down, np.eye(columns)) + np.kron(np.eye(rows), across.T @ across)
    )
