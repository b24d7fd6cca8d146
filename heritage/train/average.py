"""The running average of a generator's weights, which is what is kept of a training."""

from __future__ import annotations

import torch
from torch import nn

from heritage.train.networks import released, released_state
from heritage.train.recipe import Recipe

# Directions of a spectral normalisation: their mean would be too short.
_COPIED = ("weight_u", "weight_v")


def start_average(network: nn.Module, recipe: Recipe) -> nn.Module:
    """A second network, as released, with the weights of the learning one.

    Made anew and not copied: layers with torch's spectral normalisation cannot be copied once
    they have run.
    """
    average = released(recipe)
    average.load_state_dict(released_state(network, average.state_dict()), strict=True)
    return average.requires_grad_(False).eval()


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the average towards the learning network's present weights, in place.

    Args:
        average: Of ``start_average``.
        network: The learning one.
        decay: Share of the average that stays.
    """
    own = average.state_dict()
    theirs = released_state(network, own)
    for name, ours in own.items():
        if ours.is_floating_point() and not name.endswith(_COPIED):
            ours.lerp_(theirs[name], 1 - decay)
        else:
            ours.copy_(theirs[name])
