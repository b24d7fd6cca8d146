"""Lines whose width changes on the way, drawn with exact widths."""

from collections.abc import Sequence

import cv2
import numpy as np

from heritage.damage.simulate.fields import Field, Mask, Points


def draw_pieces(shape: tuple[int, int], starts: Points, ends: Points, widths: Field) -> Mask:
    """Draw straight pieces, each of its own width: uint8 (H, W) of 0 and 1.

    OpenCV's own lines of an even thickness come out a pixel wider than asked for. Here a piece is
    drawn one pixel wide and then grown to the pixel.

    Args:
        shape: Rows and columns.
        starts: x and y of where each piece begins, (N, 2).
        ends: Where it ends, (N, 2).
        widths: In pixels, rounded; pieces below half a pixel are left out.
    """
    mask = np.zeros(shape, np.uint8)
    rounded = np.rint(widths).astype(np.intp)
    pieces = np.rint(np.stack([starts, ends], axis=1)).astype(np.int32)
    for width in np.unique(rounded[rounded > 0]):
        canvas = mask if width == 1 else np.zeros(shape, np.uint8)
        cv2.polylines(canvas, list(pieces[rounded == width]), False, 1)
        if width > 1:
            form = cv2.MORPH_RECT if width == 2 else cv2.MORPH_ELLIPSE
            brush = cv2.getStructuringElement(form, (int(width), int(width)))
            np.maximum(mask, cv2.dilate(canvas, brush), out=mask)
    return mask


def draw_curves(shape: tuple[int, int], curves: Sequence[tuple[Points, Field]]) -> Mask:
    """Draw curves, each as points (N, 2) of x and y with a width in pixels at every point (N,)."""
    if not curves:
        return np.zeros(shape, np.uint8)
    starts = np.concatenate([points[:-1] for points, _ in curves])
    ends = np.concatenate([points[1:] for points, _ in curves])
    widths = np.concatenate([(width[:-1] + width[1:]) / 2 for _, width in curves])
    return draw_pieces(shape, starts, ends, widths)
