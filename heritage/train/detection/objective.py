"""What the detector is punished for."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor

from heritage.damage.classes import DamageClass
from heritage.train.detection.examples import IGNORED

_THIN = (DamageClass.SCRATCH, DamageClass.HAIR, DamageClass.FOLD, DamageClass.CRACKS)
_THIN_WEIGHT = 2.0  # their pixels are few


def objective(damaged: Tensor, kind: Tensor, truth: Tensor) -> Tensor:
    """How wrong a batch is: cross-entropy and Dice of damage, cross-entropy of its kind.

    Dice after Milletari et al., "V-Net" (3DV 2016), over the whole batch: crops without damage
    would otherwise have none.

    Args:
        damaged: Logits (B, 1, H, W).
        kind: Logits (B, C, H / 2, W / 2).
        truth: ``DamageClass`` or ``IGNORED``, uint8 (B, H, W).
    """
    counts = truth != IGNORED
    is_damaged = (truth > 0) & counts
    weight = counts.float()
    for thin in _THIN:
        weight = weight + (_THIN_WEIGHT - 1) * (truth == thin)
    logits, target = damaged[:, 0].float(), is_damaged.float()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    entropy = (entropy * weight).sum() / weight.sum()
    chance = logits.sigmoid() * counts
    dice = 1 - (2 * (chance * target).sum() + 1) / (chance.sum() + target.sum() + 1)
    return entropy + 0.5 * dice + 0.2 * _kinds(kind, truth)


def _kinds(kind: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy over the damaged pixels of every second row and column."""
    half = truth[:, ::2, ::2]
    known = (half > 0) & (half != IGNORED)
    if not bool(known.any()):
        return torch.zeros((), device=kind.device)
    logits = kind.float().permute(0, 2, 3, 1)[known]
    return F.cross_entropy(logits, half[known].long())
