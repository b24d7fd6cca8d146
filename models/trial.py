"""How a network computes quickest on this processor, found once by trying and then remembered.

The hardware's usual way (``models.ways.usual``) is left only for one that is clearly quicker in
every round of the trial and whose answer is the same to more than 50 dB; if the usual way itself
is not that close to float32, float32 it is. What was decided is kept in the user's cache folder
and never decided anew, because another way gives other bytes: ``Inpainter.device_class`` names it.

``torch.compile`` is not among the ways. Measured on two cores for ``art-small`` in bfloat16, a
window of 512 x 512: compiling takes 64 s for each new shape, 11 s again in every later process,
and windows have as many shapes as damage has.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from models.cards import InpainterCard
from models.device import laid_out
from models.network import InpaintingNetwork
from models.remembered import note, processor, recall
from models.ways import WAYS, Way, usual

FILE = "trials.json"
CLEARLY = 1.15  # times quicker than the usual way, in two rounds or more, before it is left
CLOSE = 50.0  # dB in the holes against float32
SECONDS = 3.0  # after which nothing further is begun that can be left out
_ROUNDS, _LEAST_ROUNDS = 3, 2
_SIDE = 256
_FIRST_SIDE = 96  # ways that are hopeless show it on a small window
_HOPELESS = 2.0

Clock = Callable[[], float]


def way_for(
    network: InpaintingNetwork,
    card: InpainterCard,
    device: torch.device,
    clock: Clock = time.perf_counter,
) -> Way:
    """The way to compute: remembered, or tried now; without a trial the usual one.

    There is no trial on GPUs, which are alike enough, nor for a network without a digest of its
    weights, which could not be recognised again.

    Args:
        network: With its weights on ``device``; given back in the layout it had.
        card: What it is.
        device: Where it computes.
        clock: Seconds.
    """
    if device.type != "cpu" or card.sha256 is None:
        return usual(device.type)
    key = _key(network, card, device)
    way = _remembered(key)
    if way is None:
        found = _try(network, device, clock)
        # Another process may have been quicker; then all keep to what that one found.
        said = note(FILE, key, found, replace=False)
        way = _of(said) or _of(found) or usual(device.type)
    return way


def choose(usual_way: Way, seconds: dict[Way, list[float]], closeness: dict[Way, float]) -> Way:
    """Which way to take.

    Args:
        usual_way: The hardware's own.
        seconds: What each took, round by round; the usual way and float32 must be there.
        closeness: Of each to float32, in dB.
    """
    start = _start(usual_way, closeness)
    rivals = [way for way in seconds if len(seconds[way]) >= _LEAST_ROUNDS]
    return max(
        _quicker(start, rivals, seconds, closeness), key=_gain_over(start, seconds), default=start
    )


def _start(usual_way: Way, closeness: dict[Way, float]) -> Way:
    return usual_way if closeness[usual_way] > CLOSE else Way()


def _quicker(
    start: Way, rivals: list[Way], seconds: dict[Way, list[float]], closeness: dict[Way, float]
) -> list[Way]:
    """Those that are close enough, and were clearly quicker every time so far."""
    gain = _gain_over(start, seconds)
    return [way for way in rivals if closeness[way] > CLOSE and gain(way) > CLEARLY]


def _gain_over(start: Way, seconds: dict[Way, list[float]]) -> Callable[[Way], float]:
    """How many times quicker than ``start`` a way was at least, in the rounds that it ran in."""

    def gain(way: Way) -> float:
        rounds = zip(seconds[start], seconds[way], strict=False)
        return min((ours / max(theirs, 1e-9) for ours, theirs in rounds), default=0.0)

    return gain


def _key(network: InpaintingNetwork, card: InpainterCard, device: torch.device) -> str:
    capability = torch.backends.cpu.get_cpu_capability()
    return "; ".join(
        (
            f"{card.sha256} {type(network).__name__}",
            f"torch {torch.__version__}",
            f"{processor()} {capability}",
            f"{torch.get_num_threads()} threads",
            device.type,
        )
    )


def _remembered(key: str) -> Way | None:
    return _of(recall(FILE, key))


def _of(entry: dict[str, object] | None) -> Way | None:
    said = None if entry is None else entry.get("way")
    return next((way for way in WAYS if way.name == said), None)


def _try(network: InpaintingNetwork, device: torch.device, clock: Clock) -> dict[str, object]:
    """Time all ways in turn, and those that lead again and again, while the time for it lasts.

    Where one leads, it gets its second round, however long that takes on a slow or busy machine:
    this is done once, and decides on all that comes.
    """
    began = clock()
    candidates = _promising(network, device, clock)
    image, mask = window(network.side or max(_SIDE, network.least))
    answers = {way: _complete(network, way, image, mask) for way in candidates}
    closeness = {way: _decibels(answer, answers[Way()], mask) for way, answer in answers.items()}
    seconds: dict[Way, list[float]] = {way: [] for way in candidates}
    start, racing = _start(usual(device.type), closeness), candidates
    for done in range(_ROUNDS):
        if done >= _LEAST_ROUNDS and clock() - began > SECONDS:
            break
        for way in racing:
            started = clock()
            _complete(network, way, image, mask)
            seconds[way].append(clock() - started)
        racing = [start, *_quicker(start, racing, seconds, closeness)]
        if racing == [start]:
            break
    best = choose(usual(device.type), seconds, closeness)
    _lay_out(network, usual(device.type))
    pixels = image.shape[-1] * image.shape[-2]
    return {
        "way": best.name,
        "megapixel_seconds": round(min(seconds[best]) / pixels * 1e6, 3),
        "seconds": {way.name: [round(s, 4) for s in took] for way, took in seconds.items()},
        "decibels": {way.name: round(min(d, 999.0), 1) for way, d in closeness.items()},
    }


def _promising(network: InpaintingNetwork, device: torch.device, clock: Clock) -> list[Way]:
    """The usual way, float32, and others that are not hopeless on a small window.

    bfloat16 takes a hundred times as long on a processor that has no instructions for it.
    """
    image, mask = window(network.side or max(_FIRST_SIDE, network.least))
    needed = {usual(device.type), Way()}
    began = clock()
    took: dict[Way, float] = {}
    # Nothing is known of a way before it has run once: the needed ones set the measure first.
    for way in sorted(WAYS, key=lambda way: way not in needed):
        hopeless = way.half and not _has_bfloat16()
        if way not in needed and (hopeless or clock() - began > SECONDS / 2):
            continue
        _complete(network, way, image, mask)
        started = clock()
        _complete(network, way, image, mask)
        took[way] = clock() - started
    measure = min(took[way] for way in needed)
    return [way for way in took if way in needed or took[way] < _HOPELESS * measure]


def _has_bfloat16() -> bool:
    """Whether the processor has instructions for it at all."""
    capabilities = torch.cpu.get_capabilities()
    return any(on and "bf16" in str(name) for name, on in capabilities.items())


def window(side: int) -> tuple[Tensor, Tensor]:
    """A picture with slopes, edges and grain, cracked and with a loss, the same everywhere.

    Args:
        side: In pixels.

    Returns:
        (1, 3, side, side) float32 in 0..1, zero in the holes, and (1, 1, side, side) of 0 and 1.
    """
    row = torch.linspace(0, 1, side)
    slope = 0.3 + 0.4 * row[:, None] * row
    waves = 0.1 * torch.sin(40 * row + 9 * row[:, None]) + 0.1 * (row > 0.6)
    grain = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    image = (slope + waves + 0.05 * grain).clamp(0, 1)[None]
    mask = torch.zeros(1, 1, side, side)
    third, line = side // 3, max(side // 80, 1)
    mask[..., third : third + line, :-8] = 1
    mask[..., :-8, 2 * third : 2 * third + line] = 1
    mask[..., side // 2 : side // 2 + side // 6, side // 8 : side // 8 + side // 4] = 1
    return image * (1 - mask), mask


def _complete(network: InpaintingNetwork, way: Way, image: Tensor, mask: Tensor) -> Tensor:
    _lay_out(network, way)
    with torch.inference_mode(), torch.autocast("cpu", way.dtype, enabled=way.half):
        return network.complete(image, mask).float().clamp(0, 1)


def _lay_out(network: InpaintingNetwork, way: Way) -> None:
    laid_out(network, way.layout)


def _decibels(answer: Tensor, exact: Tensor, mask: Tensor) -> float:
    """PSNR in the holes; minus infinity where an answer is not finite."""
    where = (mask > 0).expand_as(answer)
    error = float((answer - exact)[where].square().mean())
    if not math.isfinite(error):
        return -math.inf
    return math.inf if error == 0 else -10 * math.log10(error)
