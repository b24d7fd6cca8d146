"""Brings CoModGAN checkpoints that were converted from TensorFlow into this package's names.

One public port (``G_synthesis.E.512x512.Conv0.0.weight`` ...) holds the authors' own TensorFlow
weights. The computation is that of ``models.networks.comodgan.CoModGAN`` with ``clamp=None``, so
names and shapes are all that changes, but for what the port leaves out:

- the stored noise, replaced by noise from a fixed seed;
- the average w, estimated from ten thousand draws, which is what it is an average of.

The port's own forward leaves out one more thing, the addition of the encoder's smallest map, which
the TensorFlow network was trained with; it is present here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from models.networks import stylegan2
from models.networks.stylegan2_filter import fir

PORT_MARKERS = ("G_mapping.G_mapping.Dense0.weight", "G_synthesis.G_4x4.Dense.weight")

_DRAWS = 10_000
_SEED = 191_204_958  # one that will not have initialised anybody's weights
_SIDE = r"(\d+)x\1"
_RULES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"G_mapping\.G_mapping\.Dense(\d+)\.(weight|bias)", r"mapping.fc\1.\2"),
        (rf"G_synthesis\.E\.{_SIDE}_0\.FromRGB\.0\.weight", r"encoder.b\1.fromrgb.weight"),
        (rf"G_synthesis\.E\.{_SIDE}_0\.FromRGB\.1\.bias", r"encoder.b\1.fromrgb.bias"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv0\.0\.weight", r"encoder.b\1.conv0.weight"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv0\.1\.bias", r"encoder.b\1.conv0.bias"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv1_down\.0\.kernel", r"encoder.b\1.conv1.resample_filter"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv1_down\.1\.weight", r"encoder.b\1.conv1.weight"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv1_down\.2\.bias", r"encoder.b\1.conv1.bias"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv\.0\.weight", r"encoder.b\1.conv.weight"),
        (rf"G_synthesis\.E\.{_SIDE}\.Conv\.1\.bias", r"encoder.b\1.conv.bias"),
        (rf"G_synthesis\.E\.{_SIDE}\.Dense0\.(weight|bias)", r"encoder.b\1.fc.\2"),
        (rf"G_synthesis\.G_{_SIDE}\.Dense\.(weight|bias)", r"synthesis.b\1.fc.\2"),
        (rf"G_synthesis\.G_{_SIDE}\.ToRGB\.upsample\.kernel", r"synthesis.b\1.resample_filter"),
        (rf"G_synthesis\.G_{_SIDE}\.ToRGB\.bias", r"synthesis.b\1.torgb.bias"),
    )
)
_LAYER = re.compile(rf"G_synthesis\.G_{_SIDE}\.(Conv|Conv0_up|Conv1|ToRGB)\.(.+)")
_LAYERS = {"Conv": "conv", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb"}
_PARTS = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "conv.blur.kernel": "resample_filter",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
}


def name_here(key: str) -> str:
    """The name in this package of a tensor of the port; others keep theirs."""
    for pattern, name in _RULES:
        if found := pattern.fullmatch(key):
            return found.expand(name)
    found = _LAYER.fullmatch(key)
    if found and found[3] in _PARTS:
        return f"synthesis.b{found[1]}.{_LAYERS[found[2]]}.{_PARTS[found[3]]}"
    return key


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict for ``CoModGAN`` from one of either layout.

    Args:
        tensors: A whole generator. Without the marks of the port it is returned as it is; keys
            that are not understood stay, so that strict loading names them.

    Returns:
        Names and shapes of ``CoModGAN.state_dict()``.
    """
    if not all(marker in tensors for marker in PORT_MARKERS):
        return dict(tensors)
    state = {name_here(key): _shape_here(name_here(key), t) for key, t in tensors.items()}
    _add_filters(state)
    _add_noise(state)
    state["mapping.w_avg"] = _average(state)
    return state


def _shape_here(name: str, tensor: Tensor) -> Tensor:
    if name.endswith("noise_strength"):
        return tensor.reshape(())
    if name.endswith(".bias"):
        return tensor.flatten()
    if name.endswith("resample_filter"):
        return tensor / tensor.sum()  # the port stores the gain of doubling in it
    return tensor.squeeze(0) if tensor.ndim == 5 else tensor


def _add_filters(state: dict[str, Tensor]) -> None:
    """Those that the layout holds without using them."""
    state["synthesis.b4.conv.resample_filter"] = fir()
    for key in list(state):
        if found := re.fullmatch(r"(encoder\.b\d+\.)conv1\.resample_filter", key):
            state[f"{found[1]}resample_filter"] = state[key].clone()


def _add_noise(state: dict[str, Tensor]) -> None:
    layers = [re.fullmatch(r"(synthesis\.b(\d+)\..+\.)noise_strength", key) for key in state]
    source = torch.Generator().manual_seed(_SEED)
    for layer in sorted((found for found in layers if found), key=lambda found: found[1]):
        side = int(layer[2])
        state[f"{layer[1]}noise_const"] = torch.randn(side, side, generator=source)


def _average(state: Mapping[str, Tensor]) -> Tensor:
    own = {
        key.removeprefix("mapping."): tensor.float()
        for key, tensor in state.items()
        if key.startswith("mapping.fc")
    }
    w, z = own["fc0.weight"].shape
    mapping = stylegan2.Mapping(z, w, len(own) // 2).eval()
    mapping.load_state_dict(own | {"w_avg": torch.zeros(w)})
    with torch.no_grad():
        draws = torch.randn(_DRAWS, z, generator=torch.Generator().manual_seed(_SEED))
        return mapping(draws).mean(0)  # type: ignore[no-any-return]
