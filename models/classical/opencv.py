"""Methods that OpenCV computes, without its 8 bits; and the one that does nothing.

``cv2.inpaint`` has an 8-bit colour path, and a float path of one channel; only the latter keeps the
depth of a 16-bit master, so every channel is filled by itself. Three habits of that function
(OpenCV 4.11 to 5.0, ``modules/photo/src/inpaint.cpp``) are met here:

* It never fills the first row and column: the picture gets a margin that repeats its border, holes
  included.
* Telea's step adds a number of the order of one to what it has averaged, meant as part of one grey
  level of 255: on a scale of 0..1 that is garbage, on a scale of 2**32 it is nothing.
* Navier-Stokes takes gradients below 0.01 for none, again in grey levels: its scale is 0..255.

Only the bounding box of the holes and what can matter around it is handed over, so that a small
hole in a large picture costs little.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.draws import Draw
from models.inpainter import Inpainter, check_image, check_mask

_RADIUS = 3  # pixels around a pixel that its value is averaged from
_MARGIN = 2  # rows and columns that cv2.inpaint needs around what it is to fill


class _OpenCV(Inpainter):
    """A method of ``cv2.inpaint``, channel by channel in float32."""

    cpu_only = True
    method: int
    scale: float

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        pictures, masks = image.numpy(), holes[:, 0].numpy()
        filled = np.stack([self._fill_one(*pair) for pair in zip(pictures, masks, strict=True)])
        return torch.from_numpy(filled)

    def _fill_one(
        self, picture: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float32]:
        crop = _surroundings(mask)
        margin = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN))
        wide_mask = np.pad(mask[crop], margin, mode="edge").astype(np.uint8)
        scaled = picture[(slice(None), *crop)] * np.float32(self.scale)
        wide = np.pad(scaled, ((0, 0), *margin), mode="edge")
        inner = (slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
        filled = picture.copy()
        for channel, target in zip(wide, filled, strict=True):
            restored = cv2.inpaint(channel, wide_mask, _RADIUS, self.method)[inner]
            target[crop] = restored / np.float32(self.scale)
        return filled


def _surroundings(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """The bounding box of the holes, and as much around it as can matter."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    reach = _RADIUS + _MARGIN
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + 1 + reach),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + 1 + reach),
    )


class Telea(_OpenCV):
    """Weighted averages marched inwards from the border (Telea 2004)."""

    method = cv2.INPAINT_TELEA
    scale = 2.0**32


class NavierStokes(_OpenCV):
    """Brightness carried inwards along its own level lines (Bertalmio et al. 2001)."""

    method = cv2.INPAINT_NS
    scale = 255.0


class Identity(Inpainter):
    """Returns the picture as it is, damage included: proves that nothing else changes it."""

    cpu_only = True

    def _restore(self, image: Tensor, mask: Tensor, draw: Draw) -> Tensor:
        """A copy of ``image``, bit by bit, whatever the mask."""
        check_image(image)
        check_mask(mask, image)
        return image.detach().clone()

    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        return image
