"""Plots of a comparison as SVG that stands inside a page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from heritage.evaluate.distributions import MISSING, PackageMissing
from heritage.evaluate.measures import Measure
from heritage.evaluate.summary import FamilyTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito, "Color Universal Design", 2008: told apart by colour-blind eyes too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vP*Xhd"
_PANELS = ("psnr_hole", "perceptual", "texture", "seam")


def intervals_plot(table: FamilyTable) -> str:
    """Means with 95 % intervals, a panel for each of the main measures; an SVG element.

    Empty where nothing was measured.
    """
    keys = [measure for measure in table.measures if measure.key in _PANELS]
    if not keys:
        return ""
    figure = _figure(3.0 * len(keys) + 1.4, 0.42 * len(table.models) + 1.2)
    axes = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
    for axis, measure in zip(axes, keys, strict=True):
        _intervals(axis, table, measure)
    axes[0].set_yticks(range(len(table.models)), table.models)
    axes[0].set_ylim(len(table.models) - 0.4, -0.6)
    figure.tight_layout()
    return _svg(figure)


def scatter_plot(table: FamilyTable) -> str:
    """PSNR in the hole against perceptual distance: good is the upper left; an SVG element.

    Empty where nothing was measured.
    """
    if not table.measures:
        return ""
    figure = _figure(6.2, 4.0)
    axis = figure.subplots()
    for number, model in enumerate(table.models):
        across, up = (table.estimates[model][key] for key in ("perceptual", "psnr_hole"))
        if across is None or up is None:
            continue
        axis.errorbar(
            across.mean, up.mean,
            xerr=[[across.mean - across.low], [across.high - across.mean]],
            yerr=[[up.mean - up.low], [up.high - up.mean]],
            fmt=_MARKERS[number % len(_MARKERS)], color=_colour(number), label=model,
            elinewidth=1, alpha=0.9,
        )  # fmt: skip
    axis.set_xlabel("perceptual distance (left is better)")
    axis.set_ylabel("PSNR in the hole, dB (up is better)")
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    axis.grid(visible=True, alpha=0.25)
    figure.tight_layout()
    return _svg(figure)


def _intervals(axis: Any, table: FamilyTable, measure: Measure) -> None:  # noqa: ANN401
    for number, model in enumerate(table.models):
        found = table.estimates[model][measure.key]
        if found is None:
            continue
        axis.plot([found.low, found.high], [number, number], color=_colour(number), linewidth=2)
        axis.plot(found.mean, number, _MARKERS[number % len(_MARKERS)], color=_colour(number))
    if measure.best == "one":
        axis.axvline(1, color="grey", linewidth=1, linestyle=":")
    axis.set_title(measure.title, fontsize=10)
    axis.set_xlabel(measure.direction, fontsize=8)
    axis.grid(visible=True, axis="x", alpha=0.25)
    axis.tick_params(labelsize=8)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PackageMissing(MISSING) from error
    return Figure(figsize=(width, height))


def _svg(figure: Figure) -> str:
    """The figure as an element without the declarations of a file; the same every time."""
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heritage"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
