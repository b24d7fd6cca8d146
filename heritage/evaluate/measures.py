"""What is measured, which way is better, and what it means in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Best = Literal["high", "low", "one"]


@dataclass(frozen=True)
class Measure:
    """One column of the tables.

    Attributes:
        key: Its name in ``evaluation.json``.
        title: Its heading.
        best: ``high`` or ``low`` is better, or ``one`` is right.
        digits: After the point.
        words: What it means, for people who do not measure pictures for a living.
        source: Where it is defined.
        main: Whether it is in the tables for people; JSON and the report's last table have all.
        judges: Whether it tells of quality, so that comparing models by it makes sense.
    """

    key: str
    title: str
    best: Best
    digits: int
    words: str
    source: str = ""
    main: bool = True
    judges: bool = True

    @property
    def direction(self) -> str:
        """Which way is better, in words."""
        return {"high": "higher is better", "low": "lower is better", "one": "1 is right"}[
            self.best
        ]

    def fault(self, value: float) -> float:
        """A number that is smaller the better the value is."""
        return {"high": -value, "low": value, "one": abs(value - 1)}[self.best]

    def shown(self, value: float | None) -> str:
        """The value as the tables have it."""
        return "–" if value is None else f"{value:.{self.digits}f}"


_ALL = (
    Measure(
        "psnr_hole", "PSNR in the hole, dB", "high", 2,
        "How close the colours of the filled pixels are to the undamaged picture. One decibel more "
        "is a fifth less error. It rewards caution: a blurred average scores well.",
        "peak signal-to-noise ratio of the filled pixels",
    ),
    Measure(
        "psnr", "PSNR, dB", "high", 2,
        "The same over the whole picture. It mostly tells how small the damage was.",
        "peak signal-to-noise ratio", main=False,
    ),
    Measure(
        "ssim_hole", "SSIM in the hole", "high", 3,
        "Whether lines and contrasts stand where they stood, seen from close by. 1 is identical.",
        "Wang et al. 2004, mean of the local map over the hole",
    ),
    Measure(
        "ssim", "SSIM", "high", 4, "The same over the whole picture.", "Wang et al. 2004",
        main=False,
    ),
    Measure(
        "ms_ssim_hole", "MS-SSIM in the hole", "high", 3,
        "The same at five scales, from fine to coarse: also whether large shapes are right.",
        "Wang et al. 2003, each scale averaged over the hole", main=False,
    ),
    Measure(
        "ms_ssim", "MS-SSIM", "high", 4, "The same over the whole picture.", "Wang et al. 2003",
        main=False,
    ),
    Measure(
        "l1_hole", "L1 in the hole", "low", 4,
        "Mean difference of a filled pixel from the undamaged one, where 1 is black against white.",
        "mean absolute error", main=False,
    ),
    Measure(
        "colour", "Colour ΔE", "low", 2,
        "Colour difference of filled pixels as eyes weigh it: about 1 is just visible side by "
        "side, 5 is plain to everybody.",
        "CIEDE2000, Sharma et al. 2005, mean over the hole",
    ),
    Measure(
        "perceptual", "Perceptual", "low", 3,
        "Whether a network trained on photographs sees the same things in both pictures. It "
        "punishes blur, and forgives texture that is a little displaced. It is not LPIPS. A "
        "model trained against these very features has an advantage here.",
        "unit-normalised SqueezeNet features, unweighted",
    ),
    Measure(
        "perceptual_hole", "Perceptual in the hole", "low", 3,
        "The same, counting only what the network sees in the hole, whatever its size. The cases "
        "in this report are ranked by it.",
        "as before, averaged over the hole's part of every feature map", main=False,
    ),
    Measure(
        "lpips", "LPIPS", "low", 4,
        "The perceptual distance that papers report, fitted to what people find alike.",
        "Zhang et al. 2018, v0.1, SqueezeNet",
    ),
    Measure(
        "texture", "Texture", "one", 2,
        "How much fine detail the fill has compared with what was there. 1 is as much; 0.1 is a "
        "smooth blur; 2 is too busy. It does not say that the detail is the right one.",
        "ratio of mean absolute Laplacians in the hole",
    ),
    Measure(
        "gradient_mean", "Gradient similarity", "high", 3,
        "Whether edges are as strong as they were, where they were. 1 is identical.",
        "mean gradient magnitude similarity in the hole, Xue et al. 2014", main=False,
    ),
    Measure(
        "gmsd", "GMSD in the hole", "low", 3,
        "How unevenly edges are kept: 0 where all are kept (or lost) alike.",
        "gradient magnitude similarity deviation, Xue et al. 2014, over the hole", main=False,
    ),
    Measure(
        "seam", "Seam", "one", 2,
        "Whether the outline of the damage still shows: steps across the border against steps in "
        "the picture beside it. 1 is invisible, 2 a visible line, below 1 a soft transition.",
        "ours; needs no undamaged picture",
    ),
    Measure(
        "windows", "Window seams", "one", 2,
        "The same for the borders of the squares in which some networks work. Empty for those that "
        "see the whole picture at once.",
        "ours", main=False,
    ),
    Measure(
        "grain", "Grain, dB", "low", 1,
        "Whether the finest texture (canvas, paper, film) of the fill is that of its surroundings. "
        "0 is identical; untouched pictures have about 1. Empty where holes are too thin to tell.",
        "log-spectral distance above a quarter of a cycle per pixel",
    ),
    Measure(
        "seconds", "Seconds", "low", 2,
        "Time for one picture on this machine, without reading and writing; for outside programs "
        "with their start.",
        judges=False, main=True,
    ),
    Measure(
        "memory", "Memory, MiB", "low", 0,
        "How much memory one fill needs at its worst moment beyond what was in use before it; on a "
        "GPU its own memory; for outside programs all that they use.",
        judges=False, main=True,
    ),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = {measure.key: measure for measure in _ALL}

# Of all fills of a family together, so that there is one number and no interval.
CROWD: Mapping[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            "frechet", "Fréchet (SqueezeNet)", "low", 2,
            "Whether the fills of all pictures together look like undamaged places do, even where "
            "a fill differs from its own original. On SqueezeNet features: it is not FID.",
            "Heusel et al. 2017, equation 6",
        ),
        Measure(
            "kernel", "Kernel (SqueezeNet)", "low", 4,
            "The same question asked in a way that depends less on the number of samples. It is "
            "not KID.",
            "Bińkowski et al. 2018, cubic kernel",
        ),
    )
}  # fmt: skip
