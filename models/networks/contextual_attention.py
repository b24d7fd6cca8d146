"""Contextual attention: fill the hole's features with patches borrowed from around it.

Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018 (arXiv:1801.07892),
section 4, as DeepFillv2 uses it. Every 3x3 patch of the foreground is compared by cosine with every
patch of the background (equation 3), the scores are sharpened by a softmax over the background
(equation 4), and the foreground is rebuilt from overlapping background patches in that proportion.

Comparison happens at ``1 / rate`` of the size, pasting at the full one. Published implementations
turn the background of each picture into the weights of a convolution, one picture at a time; here
both steps are products of matrices over the whole batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

_LEAST_NORM = 1e-4  # below this a patch counts as empty rather than as a direction
_MAP_BYTES = 2**27  # of the attention maps that inference holds at a time


def corner_rows(size: int, factor: int, device: torch.device | None = None) -> Tensor:
    """Places that TensorFlow's ``align_corners`` nearest down-sampling keeps of an axis.

    First and last place are always among them, so the step is a little more than ``factor``.

    Args:
        size: Length of the axis, a multiple of ``factor``.
        factor: How many times shorter the result is.
        device: Where the indices are needed.

    Returns:
        ``size // factor`` int64 indices.
    """
    count = size // factor
    if count == 1:
        return torch.zeros(1, dtype=torch.int64, device=device)
    # Some places lie halfway between two pixels, and rounding decides. The converted network's
    # float32 ``linspace`` measures them from the nearer end; so does this, for any traced size.
    place = torch.arange(count, dtype=torch.float32, device=device)
    step = (size - 1) / (count - 1)
    from_end = (size - 1) - step * (count - 1 - place)
    return torch.where(place < count // 2, step * place, from_end).add(0.5).floor().long()


def subsample(x: Tensor, factor: int, corners: bool = False) -> Tensor:
    """Nearest down-sampling of (B, C, H, W): each block's first pixel, or by ``corner_rows``."""
    if not corners:
        return x[..., ::factor, ::factor]
    rows = corner_rows(x.shape[-2], factor, x.device)
    columns = corner_rows(x.shape[-1], factor, x.device)
    return x.index_select(-2, rows).index_select(-1, columns)


def fuse_scores(
    scores: Tensor, foreground: tuple[int, int], background: tuple[int, int], kernel: int = 3
) -> Tensor:
    """Let neighbours support each other's matches (CVPR 2018, equation 5).

    If a patch matches, the patch beside it should match the one beside the match: scores are summed
    along the diagonal of the matrix, first with both grids read by rows, then by columns. As in
    the published code the flattened index runs on from the end of a line to the next.

    Args:
        scores: (B, F, G), F places of the foreground against G of the background, by rows.
        foreground: Height and width of the foreground's grid; their product is F.
        background: The same for G.
        kernel: Odd number of neighbours that are summed.

    Returns:
        (B, F, G).
    """
    scores = _along_diagonal(scores, kernel)
    scores = _transpose_grids(scores, foreground, background)
    scores = _along_diagonal(scores, kernel)
    return _transpose_grids(scores, foreground[::-1], background[::-1])


def _along_diagonal(scores: Tensor, kernel: int) -> Tensor:
    """Convolution with an identity matrix as kernel, without the products by its zeros."""
    reach = kernel // 2
    height, width = scores.shape[-2:]
    padded = F.pad(scores, (reach, reach, reach, reach))
    total = padded[:, :height, :width]
    for shift in range(1, kernel):
        total = total + padded[:, shift : shift + height, shift : shift + width]
    return total


def _transpose_grids(
    scores: Tensor, foreground: tuple[int, int], background: tuple[int, int]
) -> Tensor:
    """From grids read by rows to grids read by columns."""
    grids = scores.reshape(-1, *foreground, *background)
    return grids.permute(0, 2, 1, 4, 3).reshape(scores.shape)


class ContextualAttention(nn.Module):
    """Rebuild a foreground out of patches of a background.

    A background patch is available where the mask is empty under all of it. Unavailable patches
    are treated as published: their score is set to 0 (not to minus infinity) before the softmax and
    their weight to 0 after it, so the weights of a place add up to less than 1 where nothing
    matches well, and to 0 where the mask covers everything. The mask is sampled, not pooled: a
    crack thinner than ``reduction * rate`` pixels may leave patches available that contain it.

    Known pixels are rebuilt like missing ones; only the caller tells them apart.

    It has no weights. It runs in float32 under autocast, because a softmax over thousands of nearly
    equal scores turns rounding into another patch. Without gradients a large batch is worked off in
    groups whose attention maps take up to 128 MiB together (a map has ``(h * w / rate**2) ** 2``
    float32 values, 64 MiB for a 512x512 picture at a quarter of its size); the peak is about six
    times that.

    Args:
        kernel: Odd side of the patches that are compared.
        rate: Even; comparison is made at ``1 / rate`` of the size. Pasted patches have sides of
            ``2 * rate`` and overlap by half.
        reduction: How many times smaller the features are than the mask.
        scale: Sharpness of the softmax.
        fuse: Whether neighbouring matches support each other (``fuse_scores``).
        corners: Down-sample as TensorFlow's ``align_corners`` does.
    """

    def __init__(
        self,
        kernel: int = 3,
        rate: int = 2,
        reduction: int = 4,
        scale: float = 10.0,
        fuse: bool = True,
        corners: bool = False,
    ) -> None:
        super().__init__()
        if rate % 2:
            raise ValueError(f"rate must be even, not {rate}")
        self.kernel = kernel
        self.rate = rate
        self.reduction = reduction
        self.scale = scale
        self.fuse = fuse
        self.corners = corners

    def forward(self, foreground: Tensor, background: Tensor, mask: Tensor | None = None) -> Tensor:
        """Rebuild each foreground of a batch out of its own background.

        Args:
            foreground: (B, C, h, w), h and w multiples of ``rate``.
            background: (B, C, h', w'), likewise; the same tensor to fill a picture from itself.
            mask: (B, 1, reduction * h', reduction * w'), 0 where the background is known; None for
                all of it. Every item has its own: published code takes the first item's mask for
                the whole batch, which in a batch of different windows would forbid sound patches
                and paste missing ones.

        Returns:
            (B, C, h, w) of the foreground's dtype.
        """
        with torch.autocast(foreground.device.type, enabled=False):
            front, back = foreground.float(), background.float()
            known = self._available(back, mask)
            size = self._group(front, back)
            if size >= front.shape[0]:
                return self._rebuild(front, back, known).to(foreground.dtype)
            groups = zip(front.split(size), back.split(size), known.split(size), strict=True)
            return torch.cat([self._rebuild(*group) for group in groups]).to(foreground.dtype)

    def _group(self, front: Tensor, back: Tensor) -> int:
        """How many items to work on together."""
        if torch.is_grad_enabled() or torch.compiler.is_exporting():
            # Gradients keep every map anyway, and an exported graph has one path.
            return front.shape[0]
        places = front.shape[-2] * front.shape[-1] * back.shape[-2] * back.shape[-1]
        return max(1, _MAP_BYTES * self.rate**4 // (4 * places))

    def _available(self, back: Tensor, mask: Tensor | None) -> Tensor:
        """(B, 1, G): 1 where no pixel of a background patch is missing."""
        if mask is None:
            return torch.ones_like(subsample(back[:, :1], self.rate)).flatten(2)
        holes = subsample(mask.float(), self.reduction * self.rate, self.corners)
        touched = F.max_pool2d(holes, self.kernel, stride=1, padding=self.kernel // 2)
        return (touched == 0).to(back.dtype).flatten(2)

    def _rebuild(self, front: Tensor, back: Tensor, known: Tensor) -> Tensor:
        small_front = subsample(front, self.rate, self.corners)
        small_back = subsample(back, self.rate, self.corners)
        queries = F.unfold(small_front, self.kernel, padding=self.kernel // 2)
        keys = F.unfold(small_back, self.kernel, padding=self.kernel // 2)
        # The square is clamped, not the root: the root of 0 has no gradient.
        keys = keys / keys.square().sum(1, keepdim=True).clamp_min(_LEAST_NORM**2).sqrt()
        scores = queries.transpose(1, 2) @ keys
        if self.fuse:
            fore, ground = small_front.shape[-2:], small_back.shape[-2:]
            scores = fuse_scores(scores, (fore[0], fore[1]), (ground[0], ground[1]))
        weights = torch.softmax(scores * known * self.scale, dim=2) * known
        patch = {"kernel_size": 2 * self.rate, "stride": self.rate, "padding": self.rate // 2}
        pasted = F.unfold(back, **patch) @ weights.transpose(1, 2)
        return F.fold(pasted, front.shape[-2:], **patch) / 4  # four patches overlap everywhere
