"""Spectral normalisation under the key names that published checkpoints have.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018. torch has a
newer form of it (a parametrisation), whose keys are others; the networks of this field were saved
with ``weight_orig``, ``weight_u`` and, since torch 1.0, ``weight_v``.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 (the name everybody reads)
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Module)

_ITERATIONS = 15  # at construction; a network that was never trained must work in eval, too


def spectral(layer: Layer) -> Layer:
    """Divide the layer's weight by its largest singular value, in place; returns the layer.

    The value comes from one power iteration per training step; in ``eval`` nothing moves. Files
    from before torch 1.0 (no ``weight_v``, the divided ``weight`` kept) load strictly too.

    A layer that has run with gradient cannot be deep-copied: make a second network and load the
    state of the first.

    Args:
        layer: Convolution, transposed convolution or linear layer.
    """
    # registered first, to run before torch's own
    layer.register_load_state_dict_pre_hook(_complete_state)  # type: ignore[no-untyped-call]
    nn.utils.spectral_norm(layer)
    weight, u, v = layer.weight_orig, layer.weight_u, layer.weight_v
    assert isinstance(weight, Tensor)
    assert isinstance(u, Tensor)
    assert isinstance(v, Tensor)
    with torch.no_grad():
        matrix = _rows_of_outputs(layer, weight)
        for _ in range(_ITERATIONS):
            v.copy_(F.normalize(matrix.t() @ u, dim=0))
            u.copy_(F.normalize(matrix @ v, dim=0))
    return layer


def _complete_state(
    layer: nn.Module, state: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    """Give a state of torch 0.4 its ``weight_v``.

    torch solves for the vector by a pseudo-inverse of the Gram matrix, minutes for a large layer
    and of no digit where its rank is short. v along W^T u, scaled so that u^T W v is the value the
    file's ``weight`` was divided by, restores the same normalised weight.
    """
    divided = state.pop(f"{prefix}weight", None)
    original, u = state.get(f"{prefix}weight_orig"), state.get(f"{prefix}weight_u")
    if original is None or u is None or f"{prefix}weight_v" in state:
        return
    v = _rows_of_outputs(layer, original).t().double() @ u.double()
    sigma = v.norm() if divided is None else original.double().norm() / divided.double().norm()
    state[f"{prefix}weight_v"] = (v * (sigma / v.square().sum())).to(original.dtype)


def _rows_of_outputs(layer: nn.Module, weight: Tensor) -> Tensor:
    transposed = isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d))
    return (weight.transpose(0, 1) if transposed else weight).flatten(1)
