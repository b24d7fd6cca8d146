"""Which classes and functions a checkpoint may name, and what stands in for them.

Names that make tensors are left to torch. Names that training frameworks leave behind for their
own bookkeeping get stand-ins: classes that take anything, do nothing and are never the real thing.
Every other name is refused, because loading it would mean to run it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from models.errors import WeightsRefused
from models.importing.reading.contents import refused
from models.importing.reading.records import Made, Program, Reference, plain
from models.importing.reading.storages import DTYPES, STORAGES

_REBUILD = "torch._utils._rebuild_"
_CALLED = frozenset(
    {_REBUILD + what for what in ("tensor", "tensor_v2", "tensor_v3", "parameter")}
    | {"torch.nn.parameter.Parameter", "torch.Size", "torch.device"}
    | {"collections.OrderedDict", "collections.Counter", "builtins.set", "_codecs.encode"}
)
_NAMED = _CALLED | STORAGES.keys() | {str(dtype) for dtype in DTYPES}

_BOOKKEEPING = re.compile(
    r"""(pytorch_lightning|lightning|lightning_fabric|lightning_utilities|omegaconf|torchmetrics
        |typing|collections)(\.\w+)+
    |argparse\.Namespace
    |pathlib\.\w*Path
    |builtins\.(bool|bytes|complex|dict|float|frozenset|int|list|object|str|tuple)
    |numpy\.(core|_core)\.multiarray\.(scalar|_reconstruct)
    |numpy\.(dtype|ndarray|dtypes\.\w+)""",
    re.VERBOSE | re.ASCII,
)
_MAPPINGS = frozenset({"defaultdict", "dict", "AttributeDict"})
_INSTEAD = (
    "use a state_dict or safetensors file instead (CoModGAN: comodgan_256_places2.pt or "
    "comodgan_512_places2.pt, as converted by the MI-GAN project)"
)
_NVIDIA = ("dnnlib", "torch_utils", "training.networks", "legacy.")


StandIn = Callable[..., Any] | tuple[Callable[..., Any], str]  # as torch spells it


class Inert:
    """Takes the place of any class: accepts whatever it is given and forgets it."""

    def __init__(self, *arguments: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class InertMapping:
    """Takes the place of a kind of dictionary; torch fills only those that it knows."""

    def __new__(cls, *arguments: object) -> Any:  # noqa: ANN401, D102 - an OrderedDict, not a cls
        return OrderedDict()


def stand_ins(path: Path, program: Program) -> list[StandIn]:
    """Check every name and every call of a pickle.

    Args:
        path: The file, for messages.
        program: Its pickle.

    Returns:
        (class, full name) for each name that torch would not know, as
        ``torch.serialization.safe_globals`` takes them.

    Raises:
        WeightsRefused: If it names or calls anything that is not on the two lists above.
    """
    unknown = [name for name in dict.fromkeys(program.references) if name not in _NAMED]
    for name in unknown:
        if not _BOOKKEEPING.fullmatch(name):
            raise foreign(path, [name])
    for call in program.calls:
        _check_call(path, call)
    return [
        (InertMapping if name.rpartition(".")[2] in _MAPPINGS else Inert, name) for name in unknown
    ]


def _check_call(path: Path, call: Made) -> None:
    by = call.by.name if isinstance(call.by, Reference) else "something it made itself"
    if by not in _CALLED and not _BOOKKEEPING.fullmatch(by):
        raise refused(path, f"wants to call {by}, which no weights need; save its state_dict")
    given = call.arguments if isinstance(call.arguments, tuple) else ()
    if by == "_codecs.encode" and given[1:] != ("latin1",):
        raise refused(path, "encodes bytes in a way no checkpoint does; fetch it again")
    if by.startswith(("collections.", "builtins.")) and not all(map(_hashes, given)):
        raise refused(path, "has keys that no checkpoint has; fetch it again")


def _hashes(argument: object) -> bool:
    if not isinstance(argument, (list, tuple)):
        return True
    firsts = (x[0] if isinstance(x, (list, tuple)) and len(x) == 2 else x for x in argument)
    return all(plain(first) for first in firsts)


def _interest(name: str) -> int:
    if name.startswith(_NVIDIA):
        return 0
    return 2 if name in _NAMED or _BOOKKEEPING.fullmatch(name) else 1


def foreign(path: Path, names: Iterable[str]) -> WeightsRefused:
    """The error for a file that can only be loaded by running what it names."""
    named = sorted(names, key=_interest)
    shown = ", ".join(name[:80] for name in named[:3]) or "code"
    why = f"refers to {shown}, and loading that would execute code from the file; "
    if named and named[0].startswith(_NVIDIA):
        return refused(path, f"a StyleGAN-style pickle: {why}{_INSTEAD}")
    return refused(path, f"{why}use a state_dict or safetensors file of the same network")
