"""The networks of a training: the generator as it learns and as it is released, and its judges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

import models
from heritage.train.recipe import Recipe, RecipeRefused
from models.checkpoints import load_weights
from models.errors import ModelError
from models.features.network import FeatureNetwork
from models.features.resnet_dilated import DilatedResNet50
from models.features.squeezenet import SqueezeNetFeatures
from models.features.vgg import PERCEPTUAL, STYLE, VggFeatures
from models.networks.biggan import BigGAN
from models.networks.migan import MIGAN
from models.registry import find_card
from models.training.distillation import Teacher, load_teacher
from models.training.judges import make_discriminator
from models.training.migan_training import MIGANTraining


def released(recipe: Recipe) -> nn.Module:
    """The network as it is released, with random weights.

    Raises:
        RecipeRefused: If there is no such network, or it does not work at the recipe's size.
    """
    try:
        network = models.create(recipe.architecture, **recipe.config)
    except (ModelError, TypeError, ValueError) as error:
        raise RecipeRefused(
            f"{recipe.name}: {recipe.architecture} cannot be made: {error}"
        ) from error
    side, multiple = getattr(network, "side", None), getattr(network, "multiple", 1)
    if side is not None and recipe.crop != side:
        raise RecipeRefused(f"{recipe.name}: crop must be {side}, the network's only size")
    if recipe.crop % multiple or recipe.crop < getattr(network, "least", 1):
        raise RecipeRefused(f"{recipe.name}: crop must be a multiple of {multiple}")
    return network


def learning(recipe: Recipe) -> nn.Module:
    """The network as it learns: MI-GAN in branches, BigGAN with its spectrum bounded.

    Raises:
        RecipeRefused: As ``released``.
    """
    network = released(recipe)
    if isinstance(network, MIGAN):
        return MIGANTraining(**network.config)
    return network.bounded() if isinstance(network, BigGAN) else network


def released_state(network: nn.Module, keys: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a learning network as its release has them.

    Args:
        network: Of ``learning``.
        keys: State of the released one; only its keys matter.
    """
    state = network.state_dict()
    if state.keys() == keys.keys():
        return state
    # Parametrised weights are computed when they are read; in evaluation that changes nothing.
    was = network.training
    network.eval()
    found = {}
    for key in keys:
        place, _, leaf = key.rpartition(".")
        found[key] = getattr(network.get_submodule(place), leaf).detach()
    network.train(was)
    return found


def find_weights(start: str | Path) -> Path:
    """The file of weights to start from: a path, or the name of an installed inpainter.

    Raises:
        RecipeRefused: If there is neither.
    """
    if Path(start).is_file():
        return Path(start)
    try:
        found = find_card(str(start)).weights
    except ModelError as error:
        raise RecipeRefused(f"there is no such file of weights, and {error}", start) from error
    if found is None:
        raise RecipeRefused("has no weights to start from", start)
    return found


@torch.no_grad()
def adopt(network: nn.Module, recipe: Recipe, start: Path) -> None:
    """Put released weights into a learning network, in place.

    Args:
        network: Of ``learning``.
        recipe: That of the network.
        start: safetensors file.

    Raises:
        RecipeRefused: If it cannot be read, or holds the weights of another network.
    """
    try:
        state = load_weights(start)
        released(recipe).load_state_dict(state, strict=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RecipeRefused(
            f"cannot be started from: {reason}; 'architecture' and 'config' of the recipe must be "
            "those of the weights",
            start,
        ) from error
    if network.state_dict().keys() == state.keys():
        network.load_state_dict(state, strict=True)
        return
    for key, tensor in state.items():
        place, _, leaf = key.rpartition(".")
        module = network.get_submodule(place)
        if nn.utils.parametrize.is_parametrized(module, leaf):
            setattr(module, leaf, tensor)  # what the parametrisation makes of it
        else:
            getattr(module, leaf).copy_(tensor)


def judge(recipe: Recipe) -> nn.Module:
    """The discriminator.

    Raises:
        RecipeRefused: If it cannot be made.
    """
    try:
        return make_discriminator(**recipe.discriminator)
    except (TypeError, ValueError) as error:
        raise RecipeRefused(f"{recipe.name}: discriminator: {error}") from error


def feature_networks(recipe: Recipe) -> tuple[FeatureNetwork | None, FeatureNetwork | None]:
    """Networks of the perceptual and style losses, and of the high receptive field loss.

    Raises:
        RecipeRefused: If their weights do not fit.
    """
    features: FeatureNetwork | None = None
    segmentation: FeatureNetwork | None = None
    try:
        if recipe.losses.perceptual or recipe.losses.style:
            _, named, place = recipe.features.partition(":")
            layers = PERCEPTUAL + STYLE
            features = VggFeatures(Path(place), layers=layers) if named else SqueezeNetFeatures()
        if recipe.losses.high_receptive_field:
            segmentation = DilatedResNet50(recipe.segmentation)
    except ModelError as error:
        raise RecipeRefused(f"{recipe.name}: {error}") from error
    return features, segmentation


def teacher(recipe: Recipe) -> Teacher | None:
    """MI-GAN's teacher, where the recipe names one.

    Raises:
        RecipeRefused: If it cannot be had, or works at another size.
    """
    if not recipe.losses.distillation:
        return None
    try:
        found = load_teacher(recipe.teacher)
    except ModelError as error:
        raise RecipeRefused(f"{recipe.name}: {error}") from error
    if found.network.side != recipe.crop:
        raise RecipeRefused(f"{recipe.name}: the teacher works at {found.network.side} alone")
    return found
