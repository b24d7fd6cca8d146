"""Cases to look at: the worst first, each model's fill beside the damage and the truth."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heritage.evaluate.folder import Place, read_png
from heritage.evaluate.metrics import Mask
from heritage.evaluate.pictures import Pixels
from heritage.evaluate.summary import Evaluation

RANKED_BY = ("lpips", "perceptual_hole")  # the first that was measured
_WINDOW = 256  # pixels of a picture that are shown, at 100 %
_MOST_MISSING = 0.6  # of what is shown: without surroundings nobody can judge a fill
_WORST = 2  # cases from the bad end
_QUALITY = 92


@dataclass(frozen=True)
class Panel:
    """One picture of a strip.

    Attributes:
        title: ``damaged``, a model's name, or ``truth``.
        image: As a ``data:`` address.
        note: Its scores, in short.
    """

    title: str
    image: str
    note: str = ""


@dataclass(frozen=True)
class Strip:
    """One case, side by side.

    Attributes:
        rank: ``worst``, ``second worst``, ``median`` or ``best``.
        picture: Its name.
        where: Which part of the picture is shown.
        overview: The whole damaged picture, small, with a frame around what is shown.
        panels: Damaged, every model, the truth.
    """

    rank: str
    picture: str
    where: str
    overview: Panel
    panels: tuple[Panel, ...]


def strips_of(evaluation: Evaluation, family: str, output: Path) -> list[Strip]:
    """Worst, second worst, median and best case of a family, by the first model that is compared.

    Args:
        evaluation: What ``evaluate`` returned.
        family: Of damage.
        output: Its folder.
    """
    ranked = rank(evaluation, family)
    return [
        _strip(evaluation, family, ranked[place], name, output)
        for name, place in chosen(len(ranked))
    ]


def rank(evaluation: Evaluation, family: str) -> list[int]:
    """Numbers of a family's pictures, the worst for the first model first; failures before all."""
    rows = next(iter(evaluation["scores"][family].values()))
    key = next(
        (key for key in RANKED_BY if any(row.get(key) is not None for row in rows)), RANKED_BY[-1]
    )

    def badness(number: int) -> float:
        value = rows[number].get(key)
        return float("inf") if value is None else float(value)

    return sorted(range(len(rows)), key=badness, reverse=True)


def chosen(count: int) -> list[tuple[str, int]]:
    """Which places of a ranking are shown, and what they are called; each picture once."""
    names = ["worst", "second worst"][:_WORST]
    places = [*((name, place) for place, name in enumerate(names)), ("median", count // 2)]
    places.append(("best", count - 1))
    shown: dict[int, str] = {}
    for name, place in places:
        if place < count:
            shown.setdefault(place, name)
    return [(name, place) for place, name in sorted(shown.items())]


def _strip(evaluation: Evaluation, family: str, number: int, name: str, output: Path) -> Strip:
    models = evaluation["scores"][family]
    stem = next(iter(models.values()))[number]["picture"]
    place = Place(output, family, stem)
    truth, damaged = (read_png(place.fill(which)) for which in ("truth", "damaged"))
    mask = read_png(place.fill("mask"))[..., 0] > 0
    fills = {
        model: read_png(place.fill(model))
        for model, rows in models.items()
        if "failed" not in rows[number]
    }
    top, left = window(truth, mask, next(iter(fills.values()), damaged))
    height, width = truth.shape[:2]
    size = min(_WINDOW, height), min(_WINDOW, width)

    def shown(pixels: Pixels) -> str:
        return data_address(pixels[top : top + size[0], left : left + size[1]])

    panels = [Panel("damaged", shown(damaged), "pink is missing")]
    for model, rows in models.items():
        if model in fills:
            panels.append(Panel(model, shown(fills[model]), _note(rows[number])))
        else:
            panels.append(Panel(model, "", rows[number]["failed"]))
    panels.append(Panel("truth", shown(truth), "undamaged"))
    whole = size == (height, width)
    part = "the whole picture" if whole else f"{size[1]} × {size[0]} of {width} × {height} pixels"
    overview = Panel("whole picture", _overview(damaged, top, left, size))
    return Strip(name, stem, f"{part}, at 100 %", overview, tuple(panels))


def window(truth: Pixels, mask: Mask, filled: Pixels) -> tuple[int, int]:
    """Top left corner of the part to show: where a fill errs most, with something known around.

    Args:
        truth: (H, W, 3).
        mask: (H, W).
        filled: The fill of the first model.
    """
    height, width = mask.shape
    size = min(_WINDOW, height), min(_WINDOW, width)
    errors = _sums(np.abs(filled.astype(np.float32) - truth).sum(axis=2) * mask + 1e-3 * mask, size)
    shares = _sums(mask.astype(np.float32), size) / (size[0] * size[1])
    fitting = shares <= max(_MOST_MISSING, float(shares.min()) + 1e-6)
    top, left = np.unravel_index(int(np.argmax(np.where(fitting, errors, -1.0))), errors.shape)
    return int(top), int(left)


def _sums(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float64]:
    """The sum over every window of that size, by its top left corner."""
    table = cv2.integral(values)  # any rectangle's sum from its four corners
    high, wide = size
    return np.asarray(
        table[high:, wide:] - table[:-high, wide:] - table[high:, :-wide] + table[:-high, :-wide],
        np.float64,
    )


def data_address(pixels: Pixels) -> str:
    """A picture as a ``data:`` address, JPEG of high quality without coarser colours."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY, _QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]  # fmt: skip
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _overview(damaged: Pixels, top: int, left: int, size: Sequence[int]) -> str:
    framed = damaged.copy()
    cv2.rectangle(framed, (left, top), (left + size[1] - 1, top + size[0] - 1), (255, 255, 255), 5)
    cv2.rectangle(framed, (left, top), (left + size[1] - 1, top + size[0] - 1), (0, 0, 0), 2)
    scale = _WINDOW / max(framed.shape[:2])
    if scale < 1:
        framed = cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
    return data_address(framed)


def _note(row: dict[str, float | None]) -> str:
    from heritage.evaluate.measures import MEASURES

    short = {
        "psnr_hole": "PSNR {} dB", "perceptual_hole": "perceptual {}", "lpips": "LPIPS {}",
        "texture": "texture {}",
    }  # fmt: skip
    said = [
        words.format(MEASURES[key].shown(row[key]))
        for key, words in short.items()
        if row.get(key) is not None
    ]
    return "in the hole: " + ", ".join(said)
