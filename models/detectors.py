"""Learned damage detectors: their cards, and how a name becomes a network.

A detector is two files of one name, in the folder ``detection`` of a folder of weights: tensors in
``NAME.safetensors`` and what is known of them in ``NAME.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import ModelNotFound, WeightsRefused
from models.registry import PACKAGED, user_folder

if TYPE_CHECKING:
    from models.networks.damage_unet import DamageUNet

FOLDER = "detection"


@dataclass(frozen=True)
class DetectorCard:
    """What is known of a learned detector without loading it.

    Attributes:
        name: What it is called.
        weights: The safetensors file.
        sha256: Of that file, as the card promises it.
        widths: Channels of the network.
        level: The logit from which on a pixel counts as damaged: what it was calibrated to.
        licence: SPDX identifier of the weights' licence.
        details: Every other field of the card: data, steps, scores and so on.
    """

    name: str
    weights: Path
    sha256: str
    widths: tuple[int, int, int, int]
    level: float
    licence: str
    details: Mapping[str, Any] = field(default_factory=dict)


def find_detector(name: str = "damage", folder: Path | str | None = None) -> DetectorCard:
    """The card of a detector: a user's own wins over the one that comes with this program.

    Args:
        name: What it is called.
        folder: Of the user's own weights, if not the usual one.

    Raises:
        ModelNotFound: If there is none.
        WeightsRefused: If its card cannot be read.
    """
    for place in (user_folder(folder), PACKAGED):
        path = place / FOLDER / f"{name}.json"
        if path.is_file():
            return _read(path)
    raise ModelNotFound(f"there is no damage detector {name!r} in {PACKAGED / FOLDER}")


def detector_at(place: str | Path) -> DetectorCard:
    """The card of a detector that is named, or whose safetensors file is.

    Args:
        place: The file, its card beside it, or what a detector is called.

    Raises:
        ModelNotFound: If there is none.
        WeightsRefused: If its card cannot be read.
    """
    path = Path(place)
    if path.suffix != ".safetensors":
        return find_detector(str(place))
    if not path.is_file():
        raise ModelNotFound(f"there is no file {path}")
    return _read(path.with_suffix(".json"))


def _read(path: Path) -> DetectorCard:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        first, second, third, fourth = (int(width) for width in said.pop("widths"))
        return DetectorCard(
            path.stem,
            path.with_suffix(".safetensors"),
            str(said.pop("sha256")),
            (first, second, third, fourth),
            float(said.pop("level")),
            str(said.pop("licence")),
            said,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsRefused(f"{path}: not the card of a damage detector ({error})") from error


def load_detector(card: DetectorCard) -> DamageUNet:
    """The network with its weights, on the CPU, ready to look; it gives nothing to learn from.

    Normalisations are folded into the convolutions before them: less to compute, the same result.

    Raises:
        ModelNotFound: If the weights are not there.
        WeightsRefused: If they are not what the card promises.
    """
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    from models.device import channels_last
    from models.networks.damage_unet import Convolution, DamageUNet
    from models.weights_file import load_weights

    network = DamageUNet(card.widths)
    load_weights(network, card)
    network.requires_grad_(False).eval()
    for block in network.modules():
        if isinstance(block, Convolution):
            convolution, normalisation = block[0], block[1]
            assert isinstance(convolution, nn.Conv2d)
            assert isinstance(normalisation, nn.BatchNorm2d)
            block[0] = fuse_conv_bn_eval(convolution, normalisation)
            block[1] = nn.Identity()
    return channels_last(network)
