"""Which inpainters there are, and how a name becomes one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from models.cards import InpainterCard, cards_in, read_card
from models.errors import ModelNotFound

if TYPE_CHECKING:
    from torch import nn

    from models.inpainter import Inpainter

PACKAGED = Path(__file__).parent / "weights"

# Architecture -> the torch module's class. Most are served by ``NetworkInpainter``; a file that
# needs more has a factory ``inpainter(network, card, device, precision) -> Inpainter`` of its own.
ARCHITECTURES = {
    "aotgan": "models.networks.aotgan:AOTGAN",
    "biggan": "models.networks.biggan:BigGAN",
    "by-width": "models.networks.by_width:ByWidth",
    "coarse-to-fine": "models.networks.coarse_to_fine:CoarseToFine",
    "comodgan": "models.networks.comodgan:CoModGAN",
    "context-encoder": "models.networks.context_encoder:ContextEncoder",
    "deepfillv2": "models.networks.deepfillv2:DeepFillV2",
    "deepfillv2-tf": "models.networks.deepfillv2_tf:DeepFillV2TF",
    "edgeconnect": "models.networks.edgeconnect:EdgeConnect",
    "edgeconnect-edge": "models.networks.edgeconnect:EdgeGenerator",
    "edgeconnect-inpaint": "models.networks.edgeconnect:CompletionGenerator",
    "edsr": "models.networks.edsr:EDSR",
    "lama": "models.networks.lama:LaMa",
    "migan": "models.networks.migan:MIGAN",
}

# Published sizes under names of their own, for ``create``.
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "comodgan-256": ("comodgan", {"resolution": 256}),
    "comodgan-512": ("comodgan", {"resolution": 512}),
    "lama-big": ("lama", {"n_blocks": 18}),
    "lama-fourier": ("lama", {"n_blocks": 9}),
    "migan-256": ("migan", {"resolution": 256}),
    "migan-512": ("migan", {"resolution": 512}),
}

# Classical methods: the card, and the class that takes (card, device).
CLASSICAL: dict[str, tuple[InpainterCard, str]] = {
    card.name: (card, place)
    for card, place in (
        (
            InpainterCard(
                name="telea",
                kind="diffusion",
                purpose="Hairlines and small losses: fast, smooth, invents nothing.",
                paper="Telea, An image inpainting technique based on the fast marching method, "
                "Journal of Graphics Tools 9(1), 2004",
            ),
            "models.classical.opencv:Telea",
        ),
        (
            InpainterCard(
                name="navier-stokes",
                kind="diffusion",
                purpose="Hairlines that cross edges: continues lines of equal brightness.",
                paper="Bertalmio, Bertozzi, Sapiro, Navier-Stokes, fluid dynamics, and image and "
                "video inpainting, CVPR 2001",
            ),
            "models.classical.opencv:NavierStokes",
        ),
        (
            InpainterCard(
                name="biharmonic",
                kind="diffusion",
                purpose="Small losses on gradients: the smoothest surface through the border.",
                licence="BSD-3-Clause",
                paper="Damelin, Hoang, On surface completion and image inpainting by biharmonic "
                "functions, Int. J. Mathematics and Mathematical Sciences, 2018",
            ),
            "models.classical.biharmonic:Biharmonic",
        ),
        (
            InpainterCard(
                name="patchmatch",
                kind="exemplar",
                purpose="Textured losses: copies texture from elsewhere in the same picture.",
                paper="Newson, Almansa, Fradet, Gousseau, Perez, Video inpainting of complex "
                "scenes, SIAM J. Imaging Sciences 7(4), 2014; Barnes et al., PatchMatch, 2009",
            ),
            "models.classical.patchmatch:PatchMatch",
        ),
        (
            InpainterCard(
                name="identity",
                kind="test",
                purpose="Returns the picture as it is: proves that nothing else changes it.",
            ),
            "models.classical.opencv:Identity",
        ),
    )
}


def user_folder(folder: Path | str | None = None) -> Path:
    """Where a user's own weights lie: the argument, else the environment, else the workspace."""
    chosen = folder or os.environ.get("HERITAGE_MODELS")
    return (
        Path(chosen) if chosen else Path(os.environ.get("HERITAGE_HOME", "heritage-data"), "models")
    )


def cards(folder: Path | str | None = None) -> list[InpainterCard]:
    """Cards of everything that can be loaded, the default first; tools of the tests left out."""
    found = {card.name: card for card in cards_in(user_folder(folder))}
    found |= {card.name: card for card in cards_in(PACKAGED)}
    found |= {name: card for name, (card, _) in CLASSICAL.items() if card.kind != "test"}
    return sorted(
        found.values(), key=lambda card: (not card.default, card.kind != "gan", card.name)
    )


def find_card(name: str | None, folder: Path | str | None = None) -> InpainterCard:
    """The card of that name; of the default where the name is None.

    Raises:
        ModelNotFound: If there is none.
        WeightsRefused: If its card cannot be read.
    """
    if name is None:
        chosen = next((card for card in cards(folder) if card.default), None)
        if chosen is None:
            raise ModelNotFound(
                f"no default model: the weights that ship with it are not in {PACKAGED}; "
                f"choose one of {_names(folder)}"
            )
        return chosen
    if name in CLASSICAL:
        return CLASSICAL[name][0]
    if "/" not in name and "\\" not in name:
        for place in (PACKAGED, user_folder(folder)):
            if (place / f"{name}.json").is_file():
                return read_card(place / f"{name}.json")
    raise ModelNotFound(f"no model named {name!r}; choose one of {_names(folder)}")


def open_inpainter(
    name: str | None,
    device: str = "auto",
    folder: Path | str | None = None,
    precision: str = "auto",
) -> Inpainter:
    """What ``models.load`` does."""
    card = find_card(name, folder)
    if card.architecture is None:
        method = cast("Callable[[InpainterCard, str], Inpainter]", _member(CLASSICAL[card.name][1]))
        return method(card, device)
    from models.weights_file import load_weights

    network = build(card.architecture, card.config)
    load_weights(network, card)
    return serve(network, card, device, precision)


def serve(
    network: nn.Module, card: InpainterCard, device: str = "auto", precision: str = "auto"
) -> Inpainter:
    """A network that has its weights, behind the common call.

    Raises:
        ModelNotFound: If it is but a part of an inpainter.
    """
    from models.network import InpaintingNetwork
    from models.network_inpainter import NetworkInpainter

    if not isinstance(network, InpaintingNetwork):
        raise ModelNotFound(f"{card.name}: {card.architecture} alone fills nothing; it is a part")
    module = import_module(ARCHITECTURES[str(card.architecture)].partition(":")[0])
    factory: Callable[..., Inpainter] = getattr(module, "inpainter", NetworkInpainter)
    return factory(network.eval(), card, device, precision)


def build(architecture: str, config: Mapping[str, Any]) -> nn.Module:
    """What ``models.create`` does."""
    name, preset = PRESETS.get(architecture.replace("_", "-"), (architecture, {}))
    name = name.replace("_", "-")
    if name not in ARCHITECTURES:
        names = ", ".join(sorted([*ARCHITECTURES, *PRESETS]))
        raise ModelNotFound(f"no architecture named {architecture!r}; there are {names}")
    return cast("nn.Module", _member(ARCHITECTURES[name])(**preset | dict(config)))


def _member(place: str) -> Callable[..., object]:
    module, _, name = place.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), name))


def _names(folder: Path | str | None) -> str:
    return ", ".join(card.name for card in cards(folder))
