"""The largest batch that fits: tried on a GPU, reckoned from free memory on a CPU."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from heritage.train.learner import Learner
from heritage.train.recipe import RecipeRefused
from heritage.train.room import free_memory, room_for_pictures
from heritage.train.sources import open_sources, pixels_of

_MOST = {"cuda": 256, "cpu": 16}  # more changes the training more than it speeds it up
_ROOM = 0.9  # of a GPU's memory; the rest is for validation and for pieces that do not fit together
_OF_FREE = 0.4  # of what is free on a CPU: what is kept for the way back is half of what is used


def fitting_batch(learner: Learner) -> int:
    """The largest power of two of windows that a step of this training can take.

    Args:
        learner: Before its first step; it is left as it was.

    Raises:
        RecipeRefused: If not even one window fits.
    """
    if learner.fabric.world_size > 1:
        raise RecipeRefused(
            "batch = 'auto' is found on one device; start with --devices 1 and look into "
            "run.json, or say a number"
        )
    kind = learner.fabric.device.type
    before = copy.deepcopy(learner.state())
    # A step as large as they come: with the discriminator and its penalty.
    interval = learner.recipe.r1_interval
    number = interval * math.ceil(learner.recipe.warmup / interval)
    try:
        if kind == "cuda":
            held = _pictures_bytes(learner)
            found = largest(lambda batch: _works(learner, number, batch, held), _MOST["cuda"])
        else:
            found = _reckoned(learner, number)
    finally:
        learner.resume(before)
        if kind == "cuda":
            torch.cuda.empty_cache()  # so that the pictures find what is free
    if not found:
        raise RecipeRefused("not even one window fits into memory; choose a smaller 'crop'")
    return found


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest of ``most``, ``most / 2`` ... 1 that fits; 0 if none does."""
    while most and not fits(most):
        most //= 2
    return most


def _works(learner: Learner, number: int, batch: int, held: int) -> bool:
    device = learner.fabric.device
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    try:
        for _ in range(2):  # the second has the optimisers' moments beside it
            _advance(learner, number, batch)
    except torch.cuda.OutOfMemoryError:
        return False
    finally:
        learner.generator_optimiser.zero_grad(set_to_none=True)
        learner.critic_optimiser.zero_grad(set_to_none=True)
    free, total = torch.cuda.mem_get_info(device)
    others = total - free - torch.cuda.memory_reserved(device)
    peak = torch.cuda.max_memory_reserved(device) + max(0, others) + held
    return bool(peak <= _ROOM * total)


def _pictures_bytes(learner: Learner) -> int:
    """What the pictures will take of the GPU, if they are to be kept there and fit."""
    recipe = learner.recipe
    if recipe.windows == "loader":
        return 0
    sources = open_sources(recipe.pictures, recipe.crop, room=1 << 30, hold=False)
    needed = 3 * pixels_of(sources)
    return needed if needed <= room_for_pictures(learner.fabric.device) else 0


def _reckoned(learner: Learner, number: int) -> int:
    one, two = (_kept_bytes(learner, number, batch) for batch in (1, 2))
    each = max(1, two - one)
    free = _OF_FREE * free_memory()
    return largest(lambda batch: one + (batch - 1) * each <= free, _MOST["cpu"])


def _kept_bytes(learner: Learner, number: int, batch: int) -> int:
    """Bytes that one step keeps for the way back through the networks."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        _advance(learner, number, batch)
    return sum(kept.values())


def _advance(learner: Learner, number: int, batch: int) -> None:
    learner.number = number
    crop, device = learner.recipe.crop, learner.fabric.device
    image = torch.rand(batch, 3, crop, crop, device=device)
    mask = torch.zeros(batch, 1, crop, crop, device=device)
    mask[..., : crop // 2, : crop // 2] = 1
    labels = torch.full((batch,), -1, device=device)
    learner.advance(image, mask, labels)
