"""What a network costs: values, operations and memory, found without computing anything."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from models.exporting import Exported
from models.network import InpaintingNetwork


@dataclass(frozen=True)
class Footprint:
    """Cost of one window.

    Attributes:
        side: Height and width of the window in pixels.
        parameters: Learned values.
        flops: Floating-point operations of its convolutions and matrix products, a multiplication
            and an addition counted as two; Fourier transforms are not counted.
        memory: Bytes of all tensors alive at the worst moment, weights left out. Libraries may
            take work space beside it.
    """

    side: int
    parameters: int
    flops: int
    memory: int


class _Alive(TorchDispatchMode):
    """Keeps count of the bytes that are alive among the tensors made inside it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operation gives
        """Run an operation and watch what it made."""
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor):
                self._watch(tensor.untyped_storage())
        return result

    def _watch(self, storage: Any) -> None:  # noqa: ANN401
        key = storage._cdata
        if key in self._seen:
            return
        size = storage.nbytes()
        self._seen.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def footprint(network: InpaintingNetwork, side: int = 512) -> Footprint:
    """Cost of completing one window of ``side`` x ``side`` pixels.

    Runs it on tensors that have shapes and no content.

    Args:
        network: Any; not changed.
        side: In pixels; replaced by the network's own where it knows one size only.
    """
    side = network.side or side
    alive, counter = _Alive(), FlopCounterMode(display=False)
    training = network.training
    with FakeTensorMode(allow_non_fake_inputs=True), torch.inference_mode():
        exported = Exported(network.eval())
        inputs = exported.inputs(side, 1).values()
        with counter, alive:
            exported(*inputs)
    network.train(training)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Footprint(side, parameters, counter.get_total_flops(), alive.most)


def cost(network: InpaintingNetwork) -> dict[str, float]:
    """What a card says of it: ``memory``, live bytes per pixel, and ``gflop`` per megapixel."""
    found = footprint(network)
    pixels = found.side * found.side
    return {
        "memory": max(round(found.memory / pixels, 1), float(network.aside)),
        "gflop": round(found.flops / pixels * 1e6 / 1e9, 1),
    }
