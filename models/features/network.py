"""What the feature networks have in common: frozen, shown pictures in 0..1, filled from a file."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from models.errors import ModelNotFound, WeightsRefused
from models.importing.reading import read_tensors


class FeatureNetwork(nn.Module):
    """A frozen network whose call gives feature maps: (B, 3, H, W) in 0..1 to a list of tensors.

    It stays in evaluation mode whatever the training around it does.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), False)

    def normalised(self, image: Tensor) -> Tensor:
        """The picture with ImageNet's mean taken away, divided by its standard deviation."""
        return (image - self.mean) / self.std

    def freeze(self) -> None:
        """Last step of construction: no gradients to the weights, no batch statistics."""
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> FeatureNetwork:
        """Does nothing: the features must mean the same in every step."""
        return super().train(False)


def load_published(network: nn.Module, path: Path, ignored: str) -> None:
    """Fill a network strictly from a downloaded file.

    Args:
        network: Filled in place.
        path: The file, of any format that ``models.importing.reading`` knows; nothing in it is
            executed.
        ignored: Regular expression for the keys of parts that the network does not have.

    Raises:
        ModelNotFound: If the file is not there.
        WeightsRefused: If it is no file of tensors, or they do not fit.
    """
    if not path.is_file():
        raise ModelNotFound(f"feature weights are missing: {path}")
    tensors = read_tensors(path).tensors
    kept = {key: value for key, value in tensors.items() if not re.fullmatch(ignored, key)}
    try:
        network.load_state_dict(kept, strict=True)
    except RuntimeError as error:  # torch: keys or shapes
        reason = " ".join(str(error).split())[:300]
        raise WeightsRefused(f"{path}: does not fit the network: {reason}") from error
