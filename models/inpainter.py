"""What every inpainter is: the promises of its call, kept in one place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from models.cards import InpainterCard
from models.device import resolve
from models.draws import Draw
from models.errors import InputRefused

_TOLERANCE = 1e-3  # how far outside 0..1 a known pixel may lie before it is taken for a mistake
_GREY = 0.5  # what stands where nothing at all is known


class Inpainter(ABC):
    """Fills a mask in a batch of windows.

    A subclass implements ``_fill`` alone, or ``_sample`` if it has several answers. Validation, the
    choice of device, known pixels that come back exactly as given, filled pixels within 0..1, empty
    and full masks, batches that the device cannot hold, and determinism are seen to here. What lies
    under the mask never reaches a method, so it cannot leak into a result.

    Args:
        card: What it is.
        device: ``auto`` or a torch device; methods that only run on the CPU ignore it.
    """

    cpu_only = False
    samples = False  # whether there is more than one answer to the same question
    precision = "float32"  # as it was asked for

    def __init__(self, card: InpainterCard, device: str = "auto") -> None:
        self.card = card
        self.device = torch.device("cpu") if self.cpu_only else resolve(device)

    @property
    def name(self) -> str:
        """What ``models.load`` calls it."""
        return self.card.name

    @property
    def description(self) -> str:
        """What it is for, in one sentence."""
        return self.card.purpose

    @property
    def weights_sha256(self) -> str | None:
        """SHA-256 of the weights file; None where nothing is learned."""
        return self.card.sha256

    @property
    def device_class(self) -> str:
        """On what kind of device, and how precisely, it computes: same class, same bytes."""
        return self.device.type

    def __call__(
        self,
        image: Tensor,
        mask: Tensor,
        proposals: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
    ) -> Tensor:
        """Restore the masked pixels.

        Args:
            image: (B, 3, H, W) float32 in 0..1; any H, W >= 1. What lies under the mask is ignored.
            mask: (B, 1, H, W), bool, integer or float; non-zero where pixels are to be restored.
            proposals: How many alternatives to give, where ``samples``; the first is the most
                typical one, which is also what is given without this.
            seed: Of the other alternatives.
            truncation: 0 to 1: less makes the alternatives safer and more alike.

        Returns:
            A new (B, 3, H, W) float32 tensor on the image's device, or (``proposals``, B, 3, H, W).
            Pixels outside the mask are those of ``image``, bit by bit; filled pixels lie within
            0..1. Where a mask covers its whole picture nothing is known, and the answer is
            mid-grey.

        Raises:
            InputRefused: If a shape, dtype or value is not as described, or alternatives are asked
                of a method that has none.
        """
        if proposals is None:
            return self._restore(image, mask, Draw(seed, 0, truncation))
        if proposals < 1 or (proposals > 1 and not self.samples):
            raise InputRefused(
                f"proposals must be at least 1, not {proposals}"
                if proposals < 1
                else f"{self.name} has one answer only, not {proposals}; ask a model that samples"
            )
        draws = [Draw(seed, number, truncation) for number in range(proposals)]
        return torch.stack([self._restore(image, mask, draw) for draw in draws])

    def _restore(self, image: Tensor, mask: Tensor, draw: Draw) -> Tensor:
        check_image(image)
        holes = check_mask(mask, image)
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
        ):
            image = image.detach()
            known = torch.where(holes, torch.zeros_like(image), image)
            check_values(known)
            filled = self._fill_batch(known.clamp(0, 1), holes, draw)
        with torch.no_grad():  # an ordinary tensor: inference tensors refuse later use in autograd
            return torch.where(holes, filled, image)

    def _fill_batch(self, image: Tensor, holes: Tensor, draw: Draw) -> Tensor:
        """Send only those items to the method that have both something to fill and to fill from."""
        share = holes.flatten(1).any(1), holes.flatten(1).all(1)
        work = (share[0] & ~share[1]).nonzero().flatten()
        filled = torch.full_like(image, _GREY)
        if len(work):
            found = self._fill_fitting(image[work], holes[work], draw)
            if not bool(torch.isfinite(found).all()):
                raise ArithmeticError(f"{self.name} computed values that are not finite")
            filled[work] = found.clamp(0, 1)
        return filled

    def _fill_fitting(self, image: Tensor, holes: Tensor, draw: Draw) -> Tensor:
        """Fill a batch, or one half after the other where the device cannot hold it whole."""
        try:
            found = self._sample(image.to(self.device), holes.to(self.device), draw)
            return found.to(image.device, torch.float32)
        except torch.OutOfMemoryError:
            if len(image) == 1:
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(image) // 2
        halves = (image[:half], holes[:half]), (image[half:], holes[half:])
        return torch.cat([self._fill_fitting(*part, draw) for part in halves])

    def _sample(self, image: Tensor, holes: Tensor, draw: Draw) -> Tensor:
        """Fill the holes by the answer that ``draw`` chooses; as ``_fill`` otherwise."""
        return self._fill(image, holes)

    @abstractmethod
    def _fill(self, image: Tensor, holes: Tensor) -> Tensor:
        """Fill the holes.

        Args:
            image: (B, 3, H, W) float32 in 0..1 on ``self.device``, zero inside the holes.
            holes: (B, 1, H, W) bool; in every item at least one pixel is True and one False.

        Returns:
            (B, 3, H, W) finite values; only those inside the holes are used.
        """

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process by name: the weights are read again there."""
        folder = None if self.card.weights is None else self.card.weights.parent
        return _load_again, (self.name, str(self.device), folder, self.precision)


def _load_again(name: str, device: str, folder: Path | None, precision: str) -> Inpainter:
    from models.registry import open_inpainter

    return open_inpainter(name, device, folder, precision)


def check_image(image: Tensor) -> None:
    """Refuse what is not a (B, 3, H, W) float32 tensor.

    Raises:
        InputRefused: Saying what it is instead.
    """
    if not isinstance(image, Tensor):
        raise InputRefused(f"image must be a torch tensor, not {type(image).__name__}")
    if image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape[2:]:
        raise InputRefused(f"image must have shape (B, 3, H, W), not {tuple(image.shape)}")
    if image.dtype != torch.float32:
        raise InputRefused(f"image must be float32 in 0..1, not {image.dtype}")


def check_mask(mask: Tensor, image: Tensor) -> Tensor:
    """The mask as bool on the image's device.

    Raises:
        InputRefused: If its shape is not (B, 1, H, W) of the image, or a value is not a number.
    """
    if not isinstance(mask, Tensor):
        raise InputRefused(f"mask must be a torch tensor, not {type(mask).__name__}")
    wanted = (image.shape[0], 1, *image.shape[2:])
    if tuple(mask.shape) != wanted:
        raise InputRefused(f"mask must have shape {wanted}, not {tuple(mask.shape)}")
    if mask.is_complex() or (mask.is_floating_point() and bool(mask.isnan().any())):
        raise InputRefused("mask must be bool, integer or float without NaN")
    mask = mask.detach().to(image.device)
    return mask if mask.dtype == torch.bool else mask != 0


def check_values(known: Tensor) -> None:
    """Refuse known pixels that are not finite or clearly outside 0..1.

    Raises:
        InputRefused: Giving the range found.
    """
    if not known.numel():
        return
    low, high = (float(value) for value in torch.aminmax(known))
    if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):  # NaN fails both
        raise InputRefused(
            f"known pixels must be finite and within 0..1; they range from {low:g} to {high:g}"
        )
