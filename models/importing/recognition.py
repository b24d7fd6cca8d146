"""Which network a checkpoint belongs to, told from its contents and never from its name.

Training programs file the generator's weights under names of their own (``state_dict``,
``generator``, ``G_ema``, ``module`` ...), beside discriminators and optimisers. So every group of
tensors that shares the beginning of its names is shown to every architecture; what one of them
takes for its own is then compared with that network tensor by tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from torch import Tensor

from models.errors import WeightsRefused
from models.importing.companions import ASIDE, AVERAGES, companion_of
from models.importing.fitting import Fit, fit
from models.registry import ARCHITECTURES

Shapes = dict[str, tuple[int, ...]]

# One file holds several networks; each tells its own weights by its own function.
_TELLERS = {"edgeconnect-edge": "config_of_edges", "edgeconnect-inpaint": "config_of_completion"}
# Where weights are also published under other names, what brings them to ours.
_LAYOUTS = {"comodgan": "models.networks.comodgan_layout:converted"}
_MALFORMED = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
_SHOWN = 3  # keys given in a refusal


@dataclass(frozen=True)
class Recognised:
    """A generator found in a checkpoint.

    Attributes:
        architecture: Name for ``models.create``.
        config: Its arguments.
        tensors: Its complete state dict.
        prefix: What its names began with in the file.
        parameters: Learned values.
        adjusted: What was supplied because an old torch had not stored it, in words.
        ignored: Names of groups of tensors in the file that belong to something else.
    """

    architecture: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    prefix: str = ""
    parameters: int = 0
    adjusted: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """A group of tensors that an architecture takes for its own."""

    architecture: str
    config: dict[str, Any] | None  # None: its size could not be told
    prefix: str
    shapes: Shapes

    @property
    def rank(self) -> tuple[int, bool, int]:
        """Most tensors first, then averaged before raw weights, then the outermost names."""
        size = sum(not key.endswith("num_batches_tracked") for key in self.shapes)
        parts = self.prefix.split(".")
        return -size, AVERAGES.isdisjoint(parts), len(parts)


def recognise(tensors: Mapping[str, Tensor]) -> Recognised:
    """Find the inpainting generator among the tensors of a checkpoint.

    Args:
        tensors: All tensors of the file by name, nested names joined with dots.

    Raises:
        WeightsRefused: If there is none, saying what there is instead; or if there is one that
            does not fit its network, saying what does not fit.
    """
    tensors, left = _from_tensorflow(tensors)
    groups = _groups({key: tuple(tensor.shape) for key, tensor in tensors.items()})
    closest: tuple[_Candidate, Fit] | None = None
    for candidate in sorted(_candidates(groups), key=lambda candidate: candidate.rank):
        found = _compare(candidate, tensors)
        if not found.misfits:
            return _recognised(candidate, found, tensors, left)
        if closest is None or len(found.misfits) < len(closest[1].misfits):
            closest = candidate, found
    if closest is not None:
        candidate, found = closest
        where = f", under {candidate.prefix!r}" if candidate.prefix else ""
        raise WeightsRefused(
            f"looks like {candidate.architecture}{where}, but does not fit: {found.complaint()}"
        )
    raise WeightsRefused(_told_otherwise(groups))


def _groups(shapes: Shapes) -> dict[str, Shapes]:
    """Every beginning of a name that ends at a dot, with the tensors that share it."""
    groups: dict[str, Shapes] = {"": dict(shapes)}
    for key, shape in shapes.items():
        end = key.find(".")
        while end > 0:
            groups.setdefault(key[:end], {})[key[end + 1 :]] = shape
            end = key.find(".", end + 1)
    return groups


def _candidates(groups: Mapping[str, Shapes]) -> Iterator[_Candidate]:
    tellers = [
        (name, getattr(import_module(place.partition(":")[0]), _TELLERS.get(name, "config_of")))
        for name, place in ARCHITECTURES.items()
    ]
    for prefix, shapes in groups.items():
        if not ASIDE.isdisjoint(prefix.split(".")):
            continue
        for name, config_of in tellers:
            try:
                config = config_of(shapes)
            except _MALFORMED:
                yield _Candidate(name, None, prefix, shapes)  # its marks, and too little else
                continue
            if config is not None:
                yield _Candidate(name, config, prefix, shapes)


def _compare(candidate: _Candidate, tensors: Mapping[str, Tensor]) -> Fit:
    if candidate.config is None:
        return Fit(misfits=["tensors are missing from which its size would be told"])
    own = _under(candidate.prefix, tensors)
    module, _, converted = _LAYOUTS.get(candidate.architecture, "").partition(":")
    if module:
        try:
            own = getattr(import_module(module), converted)(own)
        except _MALFORMED:
            return Fit(misfits=["tensors are missing from which its layout would be converted"])
    return fit(candidate.architecture, candidate.config, own)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}." if prefix else ""
    return {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}


def _recognised(
    candidate: _Candidate, found: Fit, tensors: Mapping[str, Tensor], left: set[str]
) -> Recognised:
    assert candidate.config is not None
    start = f"{candidate.prefix}." if candidate.prefix else ""
    others = {_group_beside(key, start) for key in tensors if not key.startswith(start)} | left
    return Recognised(
        architecture=candidate.architecture,
        config=candidate.config,
        tensors=found.tensors,
        prefix=candidate.prefix,
        parameters=found.parameters,
        adjusted=found.adjusted,
        ignored=sorted(others | set(found.ignored)),
    )


def _group_beside(key: str, start: str) -> str:
    """The shortest name of a group of which the chosen one is no part."""
    parts = key.split(".")
    for length in range(1, len(parts)):
        if not start.startswith(".".join(parts[:length]) + "."):
            return ".".join(parts[:length])
    return key


def _told_otherwise(groups: Mapping[str, Shapes]) -> str:
    """Why there is no generator: what there is instead, or what would have been known."""
    for shapes in groups.values():
        companion = companion_of(shapes)
        if companion is not None:
            what, _, wanted = companion.partition("; ")
            return f"holds {what}; {wanted}, is in another file"
    keys = list(groups[""])
    shown = ", ".join(keys[:_SHOWN]) if keys else "there are none"
    return (
        f"holds no network that is known here ({', '.join(sorted(ARCHITECTURES))}); "
        f"its first tensors: {shown}"
    )


def _from_tensorflow(
    tensors: Mapping[str, Tensor],
) -> tuple[Mapping[str, Tensor], set[str]]:
    """TensorFlow's variables under our names and in our order of axes; what was left, by scope.

    Kernels are (height, width, in, out) there, (out, in, height, width) here.
    """
    if not any(key.startswith("inpaint_net/") for key in tensors):
        return tensors, set()
    from models.networks.deepfillv2_tf import tf_names

    names = tf_names()
    ours = {}
    for key, tensor in tensors.items():
        if key in names:
            kernel = tensor.ndim == 4
            ours[names[key]] = tensor.permute(3, 2, 0, 1).contiguous() if kernel else tensor
    return ours, {key.partition("/")[0] for key in tensors if key not in names} - {"inpaint_net"}
