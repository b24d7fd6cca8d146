"""EdgeConnect comes in two files: one network draws edges, another fills in between.

Both become one state dict, ``edges.*`` and ``completion.*``, in one file under one name, whether
they are imported together or one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from models.errors import WeightsRefused
from models.importing.recognition import Recognised
from models.networks.edgeconnect import config_of

WHOLE = "edgeconnect"
HALVES = {"edgeconnect-edge": "edges", "edgeconnect-inpaint": "completion"}
_LACKS_COMPLETION = (
    "the completion network (InpaintingModel_gen.pth) is missing; import it under the same name"
)


def join(
    parts: Sequence[Recognised], earlier: Mapping[str, Tensor] | None = None
) -> tuple[Recognised, str]:
    """One network from what was found in several files.

    Args:
        parts: What each file holds.
        earlier: Tensors of the half that was imported before, under their joint names.

    Returns:
        The network, and what it still lacks in words, or an empty text.

    Raises:
        WeightsRefused: If the parts do not belong together.
    """
    if len(parts) == 1 and parts[0].architecture not in HALVES:
        return parts[0], ""
    names = [part.architecture for part in parts]
    if not HALVES.keys() >= set(names):
        raise WeightsRefused(f"these files hold {' and '.join(names)}: import them one by one")
    if len(set(names)) < len(names):
        raise WeightsRefused(
            f"both files hold {names[0]}; the other half of EdgeConnect is missing"
        )
    tensors = dict(earlier or {})
    for part in parts:
        half = HALVES[part.architecture]
        tensors |= {f"{half}.{key}": tensor for key, tensor in part.tensors.items()}
    config: dict[str, Any] | None = config_of({key: tuple(t.shape) for key, t in tensors.items()})
    whole = Recognised(
        architecture=WHOLE,
        config=parts[0].config if config is None else config,
        tensors=tensors,
        parameters=sum(part.parameters for part in parts),
    )
    return whole, _LACKS_COMPLETION if config is None else ""


def missing_half(keys: Sequence[str], parts: Sequence[Recognised]) -> bool:
    """Whether the parts are exactly what a state dict of one half lacks."""
    present = {key.partition(".")[0] for key in keys}
    offered = {HALVES.get(part.architecture, "") for part in parts}
    return offered == set(HALVES.values()) - present and bool(present)
