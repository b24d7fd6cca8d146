"""Whether tensors are exactly a network's, and the few differences that old torch explains.

Everything is compared with the network built on torch's ``meta`` device, which has shapes and no
memory. Two differences do not count, because the programs that wrote the files knew no better, and
are reported: counters of batch normalisation (before torch 0.4.1 there were none) and the second
singular vector of spectral normalisation (before torch 1.0 it was not kept).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from models.importing.companions import ASIDE
from models.registry import build

_NAMED = 3  # misfits named in a message before it only counts them
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Fit:
    """How tensors compare with a network.

    Attributes:
        tensors: All that the network wants, and nothing else, where there are no misfits.
        parameters: The network's learned values.
        adjusted: What was supplied because an old torch had not stored it, in words.
        ignored: Names of groups of tensors that belong to something else.
        misfits: Every difference that cannot be explained, in words.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    parameters: int = 0
    adjusted: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)

    def complaint(self) -> str:
        """The first three misfits and the number of the others."""
        more = len(self.misfits) - _NAMED
        said = "; ".join(self.misfits[:_NAMED])
        return f"{said}; and {more} more" if more > 0 else said


def fit(architecture: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Fit:
    """Compare tensors with the network that ``config`` describes.

    Args:
        architecture: Name for ``models.create``.
        config: Its arguments.
        tensors: By name, wrappers stripped.
    """
    try:
        with torch.device("meta"):
            network = build(architecture, config)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        return Fit(misfits=[f"no such network can be built ({error})"])
    wanted = network.state_dict()
    found, adjusted = dict(tensors), []
    for supply in (_supply_counters, _supply_singular_vectors):
        adjusted += supply(network, wanted, found)
    own = {key.partition(".")[0] for key in wanted}
    strange = {key.partition(".")[0] for key in found.keys() - wanted.keys()}
    ignored = sorted((strange & ASIDE) - own)
    found = {key: value for key, value in found.items() if key.partition(".")[0] not in ignored}
    return Fit(
        tensors=found,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        adjusted=adjusted,
        ignored=ignored,
        misfits=_misfits(wanted, found),
    )


def _misfits(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    misfits = [f"{key} is missing" for key in wanted if key not in found]
    misfits += [f"{key} is unknown to the network" for key in found if key not in wanted]
    for key in (key for key in wanted if key in found):
        have, want = tuple(found[key].shape), tuple(wanted[key].shape)
        if have != want:
            misfits.append(f"{key} has shape {have}, the network wants {want}")
        elif found[key].is_floating_point() and not bool(found[key].isfinite().all()):
            misfits.append(f"{key} holds values that are not finite")
        elif wanted[key].is_floating_point() and not found[key].is_floating_point():
            misfits.append(f"{key} holds {found[key].dtype}, the network wants real numbers")
    return misfits


def _supply_counters(
    network: nn.Module, wanted: Mapping[str, Tensor], found: dict[str, Tensor]
) -> list[str]:
    missing = [key for key in wanted if key.endswith(_COUNTER) and key not in found]
    for key in missing:
        found[key] = torch.zeros((), dtype=torch.int64)
    return [f"{len(missing)} counters of batch normalisation set to 0"] if missing else []


def _supply_singular_vectors(
    network: nn.Module, wanted: Mapping[str, Tensor], found: dict[str, Tensor]
) -> list[str]:
    """``weight_v`` as ``models.networks.spectral`` completes it when a layer loads its state."""
    supplied = 0
    for key in [key for key in wanted if key.endswith(".weight_v") and key not in found]:
        place = key.removesuffix("weight_v")
        names = ("weight_orig", "weight_u")
        if any(
            found.get(place + name, wanted[key]).shape != wanted[place + name].shape
            for name in names
        ):
            continue  # told as a misfit
        layer = network.get_submodule(place.removesuffix("."))
        state = {name: found[place + name] for name in (*names, "weight") if place + name in found}
        layer.load_state_dict(state, strict=False, assign=True)
        found.pop(f"{place}weight", None)
        found[key] = layer.state_dict()["weight_v"]
        supplied += 1
    return [f"{supplied} singular vectors of spectral normalisation computed"] if supplied else []
