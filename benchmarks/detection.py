"""How well damage is found: every detector on simulated damage, on real craquelure, on nothing.

    python benchmarks/detection.py --pictures UNDAMAGED --pairs MASKS --out build/detection

``UNDAMAGED`` holds pictures on which no detector was trained; damage is rendered into them from a
seed. ``MASKS`` holds real pairs: ``X.jpg`` and ``X_skeleton.png``, its crack lines. Writes
``detection.json``, ``detection.md`` and the precision-recall curves as SVG. The last table says how
far the confidence of a region can be trusted: what a policy that asks for so much would fill.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from heritage.damage.classes import DamageClass
from heritage.damage.detect import DETECTORS, Detector
from heritage.damage.detect.finding import Classes, Confidence, Picture
from heritage.damage.detect.search import SMALLEST
from heritage.train.detection.examples import IGNORED, rendered
from heritage.train.detection.scoring import Count, Map, count, near, thinned
from heritage.train.pictures import load_pictures

Detectors = Mapping[str, Detector]
Found = tuple[Confidence, Classes]
Trust = dict[tuple[int, float, str], int]
"""By class and least confidence: pixels ``proposed``, ``right`` and ``sound``."""

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ASKED = (0.5, 0.6, 0.7, 0.8)  # least confidences that a policy may ask for
CLASSICAL = ("cracks", "scratches", "losses")
SIDE = 512
COLOURS = {"cracks": "#0072B2", "scratches": "#E69F00", "losses": "#009E73",
           "classical": "#000000", "learned": "#D55E00"}  # fmt: skip


def findings(detectors: Detectors, picture: Picture) -> dict[str, Found]:
    """Confidence and classes of every detector, and of the classical ones together."""
    found = {}
    for name, detector in detectors.items():
        edge = detector.context
        whole = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_REFLECT_101)
        made = detector.detect(whole)
        inner = np.s_[edge : edge + picture.shape[0], edge : edge + picture.shape[1]]
        found[name] = made.confidence[inner], made.classes[inner]
    best, kinds = np.zeros(picture.shape[:2], np.float32), np.zeros(picture.shape[:2], np.uint8)
    for name in CLASSICAL:
        surer = found[name][0] > best
        best, kinds = np.where(surer, found[name][0], best), np.where(surer, found[name][1], kinds)
    return {**found, "classical": (best, kinds)}


def without_specks(found: Map) -> Map:
    """What remains once regions too small to be proposed are left out."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    kept = stats[:, cv2.CC_STAT_AREA] >= SMALLEST
    kept[0] = False
    return kept[labels]


def add_trust(trust: Trust, found: Found, truth: Classes | None) -> None:
    """Count the regions that are proposed, and how much of them is damaged.

    Args:
        trust: Is added to.
        found: By one detector.
        truth: Classes; None: nothing is damaged.
    """
    sure, kinds = found
    count, labels, stats, _ = cv2.connectedComponentsWithStats((sure >= 0.5).astype(np.uint8))
    right = near((truth > 0) & (truth != IGNORED)) if truth is not None else None
    for region in range(1, count):
        area = int(stats[region, cv2.CC_STAT_AREA])
        if area < SMALLEST:
            continue
        here = labels == region
        kind, confidence = int(np.bincount(kinds[here]).argmax()), float(sure[here].mean())
        for asked in (asked for asked in ASKED if confidence >= asked):
            if right is None:
                trust[kind, asked, "sound"] += area
            else:
                trust[kind, asked, "proposed"] += area
                trust[kind, asked, "right"] += int(right[here].sum())


def simulated(
    detectors: Detectors, pictures: Sequence[np.ndarray], trust: Trust
) -> tuple[dict[tuple[str, float], Count], dict[tuple[str, int, str], Count]]:
    """Counts by detector and threshold; by detector and class at 0.5."""
    curve, by_class = defaultdict(Count), defaultdict(Count)
    for number, picture in enumerate(pictures):
        rng = np.random.default_rng([6, number])
        side = min(SIDE, *picture.shape[:2])
        y, x = (int(rng.integers(n - side + 1)) for n in picture.shape[:2])
        whole = picture[y : y + side, x : x + side].astype(np.float32) / 255
        damaged, truth = rendered(rng, whole)
        damaged = np.rint(damaged * 255).astype(np.float32) / 255
        ignored = truth == IGNORED
        found_by = findings(detectors, damaged)
        add_trust(trust, found_by["learned"], truth)
        for name, (sure, kinds) in found_by.items():
            for threshold in THRESHOLDS:
                found = without_specks(sure >= threshold)
                curve[name, threshold] += count(found, (truth > 0) & ~ignored, ignored)
                if threshold == 0.5:
                    for kind in np.unique(truth[~ignored & (truth > 0)]):
                        met = (truth == kind) & near(found)
                        by_class[name, int(kind), "met"] += Count(
                            damaged=int((truth == kind).sum()), met=int(met.sum())
                        )
                    for kind in range(1, len(DamageClass)):
                        own = count(found & (kinds == kind), truth == kind, ignored)
                        by_class[name, kind, "own"] += own
    return curve, by_class


def real(detectors: Detectors, folder: Path) -> dict[tuple[str, str, float], Count]:
    """Counts by pair, detector and threshold; found lines are thinned as the truths were."""
    curve = {}
    for path in sorted(folder.glob("*_skeleton.png")):
        stem = path.name.removesuffix("_skeleton.png")
        truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127
        picture = cv2.imread(str(path.with_name(f"{stem}.jpg")))[..., ::-1]
        for name, (sure, _) in findings(detectors, picture.astype(np.float32) / 255).items():
            for threshold in THRESHOLDS:
                found = thinned(without_specks(sure >= threshold))
                curve[stem, name, threshold] = count(found, truth)
    return curve


def undamaged(
    detectors: Detectors, pictures: Sequence[np.ndarray], trust: Trust
) -> dict[str, float]:
    """Share of all pixels that is proposed at 0.5, by detector and by all together."""
    called, pixels = defaultdict(int), 0
    for picture in pictures:
        found = findings(detectors, picture.astype(np.float32) / 255)
        add_trust(trust, found["learned"], None)
        maps = {name: sure >= 0.5 for name, (sure, _) in found.items()}
        maps["all"] = maps["classical"] | maps.get("learned", np.zeros((), bool))
        for name, found in maps.items():
            called[name] += int(without_specks(found).sum())
        pixels += picture.shape[0] * picture.shape[1]
    return {name: value / pixels for name, value in called.items()}


def svg(curves: Mapping[str, list[Count]], title: str) -> str:
    """Precision over recall, one line a detector."""
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 400" font-family="sans-serif" '
        'font-size="12"><rect width="420" height="400" fill="white"/>',
        '<path d="M50 20V350H400" fill="none" stroke="#444"/>',
        f'<text x="210" y="14" text-anchor="middle">{title}</text>',
        '<text x="225" y="390" text-anchor="middle">recall</text>',
        '<text x="14" y="185" text-anchor="middle" transform="rotate(-90 14 185)">precision</text>',
    ]
    for tick in (0, 0.5, 1):
        lines.append(f'<text x="{50 + 350 * tick}" y="366" text-anchor="middle">{tick}</text>')
        lines.append(f'<text x="44" y="{354 - 330 * tick}" text-anchor="end">{tick}</text>')
    for row, (name, counts) in enumerate(curves.items()):
        points = [(50 + 350 * c.recall, 350 - 330 * c.precision) for c in counts if c.found]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour = COLOURS[name]
        lines.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="60" y="{270 + 15 * row}" fill="{colour}">{name}</text>')
    return "\n".join([*lines, "</svg>\n"])


def table(
    names: list[str],
    curves: Mapping[str, Mapping[str, list[Count]]],
    by_class: Mapping[tuple[str, int, str], Count],
    false: Mapping[str, float],
) -> str:
    """The tables, Markdown."""
    sets = sorted(curves)
    said = ["| Detector | " + " | ".join(f"{each} F1 (P / R)" for each in sets) + " | sound |",
            "|---|" + "---|" * (len(sets) + 1)]  # fmt: skip
    for name in names:
        cells = []
        for each in sets:
            c = curves[each][name][THRESHOLDS.index(0.5)]
            cells.append(f"{c.f1:.3f} ({c.precision:.2f} / {c.recall:.2f})")
        said.append(f"| {name} | " + " | ".join(cells) + f" | {100 * false[name]:.3f} % |")
    said += ["", "| Class | pixels | " + " | ".join(f"{n} found, F1" for n in names) + " |",
             "|---|---|" + "---|" * len(names)]  # fmt: skip
    for kind in DamageClass:
        pixels = by_class[names[0], int(kind), "met"].damaged
        if not pixels:
            continue
        cells = []
        for name in names:
            met, own = by_class[name, int(kind), "met"], by_class[name, int(kind), "own"]
            cells.append(f"{met.recall:.2f}, {own.f1:.2f}" if own.found else f"{met.recall:.2f}, -")
        said.append(f"| {kind.name} | {pixels} | " + " | ".join(cells) + " |")
    return "\n".join(said) + "\n"


def trust_table(trust: Trust, megapixels: float) -> str:
    """How much of what is proposed is damaged, by class and least confidence, Markdown.

    Args:
        trust: The counts.
        megapixels: Of the sound pictures.
    """
    said = ["| Class | " + " | ".join(f"from {asked}" for asked in ASKED) + " |",
            "|---|" + "---|" * len(ASKED)]  # fmt: skip
    for kind in DamageClass:
        cells = []
        for asked in ASKED:
            proposed, right, sound = (
                trust[int(kind), asked, what] for what in ("proposed", "right", "sound")
            )
            share = f"{right / proposed:.2f} of {proposed}" if proposed else "-"
            cells.append(f"{share}; {sound / megapixels:.0f}")
        if trust[int(kind), ASKED[0], "proposed"]:
            said.append(f"| {kind.name} | " + " | ".join(cells) + " |")
    return "\n".join(said) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    detectors = {name: make() for name, make in DETECTORS.items()}
    names = [*detectors, "classical"]
    pictures = load_pictures(given.pictures)
    trust: Trust = defaultdict(int)
    curve, by_class = simulated(detectors, pictures, trust)
    curves = {"simulated": {n: [curve[n, t] for t in THRESHOLDS] for n in names}}
    pairs = real(detectors, given.pairs)
    for stem in sorted({stem for stem, _, _ in pairs}):
        curves[stem] = {n: [pairs[stem, n, t] for t in THRESHOLDS] for n in names}
    false = undamaged(detectors, pictures, trust)
    for each, lines in curves.items():
        (given.out / f"{each}.svg").write_text(svg(lines, each))
    said = (
        table(names, curves, by_class, false)
        + f"\nAll together on sound pictures: {100 * false['all']:.3f} %\n\n"
        + trust_table(trust, sum(p.shape[0] * p.shape[1] for p in pictures) / 1e6)
    )
    (given.out / "detection.md").write_text(said)
    flat = {each: {n: [{"threshold": t, "precision": c.precision, "recall": c.recall, "f1": c.f1}
                       for t, c in zip(THRESHOLDS, counts, strict=True)]
                   for n, counts in lines.items()} for each, lines in curves.items()}  # fmt: skip
    (given.out / "detection.json").write_text(
        json.dumps({"curves": flat, "sound": false}, indent=1)
    )
    print(said)


if __name__ == "__main__":
    main()
