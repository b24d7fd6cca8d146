"""Damage every picture in every way, let every model fill it, measure, and write it all down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heritage.errors import BadSetting
from heritage.evaluate.cases import Case, Material, cases_of, find_material, seed_of
from heritage.evaluate.families import GIVEN, choose
from heritage.evaluate.fillers import Filler, FillFailed, open_fillers
from heritage.evaluate.folder import Place, safe_name
from heritage.evaluate.lpips import Lpips
from heritage.evaluate.record import FamilyRecord, Row, keep, record_of
from heritage.evaluate.scoring import Judge, Truth, without_truth

Watch = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Request:
    """What is to be compared on what.

    Attributes:
        images: Folder of undamaged pictures.
        output: Folder that receives fills, scores, ``evaluation.json`` and ``report.html``.
        models: Names of models and of programs from outside; None means all models.
        families: Kinds of damage; None means the usual ones.
        masks: Folder of masks: of real damage, or one for each picture by name.
        side: Largest side of a case, in pixels.
        limit: Use only so many pictures, evenly chosen.
        device: Where models run.
        folder: Where the user's own weights lie.
        lpips: Official weights of LPIPS: backbone and linear layers.
    """

    images: Path
    output: Path
    models: Sequence[str] | None = None
    families: Sequence[str] | None = None
    masks: Path | None = None
    side: int = 512
    limit: int | None = None
    device: str = "auto"
    folder: Path | None = None
    lpips: tuple[Path, Path] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What decides the cases, as plain values."""
        return {
            "images": str(self.images),
            "masks": None if self.masks is None else str(self.masks),
            "side": self.side,
            "limit": self.limit,
            "device": self.device,
        }


def evaluate(request: Request, watch: Watch | None = None) -> dict[str, Any]:
    """Compare models; everything that was finished before is taken up again.

    Args:
        request: What to compare on what.
        watch: Called before each fill with the number done, the number of all, and what comes.

    Returns:
        What ``evaluation.json`` holds; ``heritage.evaluate.summary`` makes tables of it.

    Raises:
        BadSetting: If a family or a model's name makes no sense.
        PictureRefused: If there is no picture, or one cannot be read.
        MaskRefused: If there is no mask, or one does not fit.
        ModelNotFound: If there is no such model.
        ProgramMissing: If a program from outside is not installed.
        StorageFailed: If the output cannot be written.
    """
    material = find_material(request.images, request.masks, request.side, request.limit)
    families = choose(request.families, material.masks)
    fillers = open_fillers(request.models, request.device, request.folder)
    for filler in fillers:
        if not safe_name(filler.name):
            raise BadSetting(f"a model named {filler.name!r} cannot be compared; rename it")
    judge = Judge(Lpips(*request.lpips) if request.lpips else None)
    found = {}
    steps = _Steps(material, families, len(fillers), watch)
    for family in families:
        found[family] = FamilyRecord({filler.name: [] for filler in fillers})
        for case in cases_of(material, family):
            _one_case(request.output, case, fillers, judge, found[family], steps)
    said = record_of(request.options, material.names, fillers, judge.identity, found)
    return keep(said, request.output)


class _Steps:
    """Counts fills for whoever watches."""

    def __init__(
        self, material: Material, families: Sequence[str], models: int, watch: Watch | None
    ) -> None:
        given = len(material.given)
        pictures = sum(given if f == GIVEN else len(material.pictures) for f in families)
        self._total, self._done, self._watch = pictures * models, 0, watch

    def next(self, what: str) -> None:
        if self._watch is not None:
            self._watch(self._done, self._total, what)
        self._done += 1


def _one_case(
    output: Path,
    case: Case,
    fillers: Sequence[Filler],
    judge: Judge,
    found: FamilyRecord,
    steps: _Steps,
) -> None:
    """Let every model fill one case. The truth is looked at only if somebody needs it."""
    place = Place(output, case.family, case.stem)
    place.write_case(case)
    if case.family != GIVEN:
        found.seeds[case.stem] = seed_of(case.family, case.stem)
    seen: list[Truth] = []

    def truth() -> Truth:
        if not seen:
            seen.append(judge.look_at(case))
        return seen[0]

    reference = _reference(place, case, judge, truth)
    found.reference.append({"picture": case.stem} | reference)
    known = place.read_samples("truth")
    for filler in fillers:
        steps.next(f"{case.family} {case.stem} {filler.name}")
        row = _one_fill(place, case, filler, judge, truth)
        found.rows[filler.name].append({"picture": case.stem} | row)
        samples = None if "failed" in row else place.read_samples(filler.name)
        if samples is not None and known is not None:
            found.samples.setdefault(filler.name, []).append(samples)
            found.truths.setdefault(filler.name, []).append(known)


def _reference(place: Place, case: Case, judge: Judge, truth: Callable[[], Truth]) -> Row:
    """The hole's share of the picture, and what the truth itself scores where none is needed."""
    key = {"case": case.sha256, "judge": judge.identity}
    before = place.read_scores("truth")
    if before is not None and before.get("key") == key and place.read_samples("truth") is not None:
        return dict(before["scores"])
    scores: Row = {"share": float(case.mask.mean())} | without_truth(truth().picture, truth())
    place.write_scores("truth", {"key": key, "scores": scores}, truth().samples)
    return scores


def _one_fill(
    place: Place, case: Case, filler: Filler, judge: Judge, truth: Callable[[], Truth]
) -> Row:
    """The scores of one fill: as they were, measured again, or of a new fill."""
    key = {"case": case.sha256, "filler": dict(filler.identity)}
    before = place.read_scores(filler.name)
    picture = None
    if before is not None and before.get("key") == key:
        picture = place.read_fill(filler.name, str(before.get("sha256")))
    if before is not None and picture is not None:
        same = before.get("judge") == judge.identity
        if same and place.read_samples(filler.name) is not None:
            return dict(before["scores"])
        cost = {name: before["scores"][name] for name in ("seconds", "memory")}
        sha256 = str(before["sha256"])
    else:
        try:
            filled = filler.fill(case.damaged, case.mask)
        except FillFailed as error:
            return {"failed": error.reason}
        picture = filled.picture
        memory = None if filled.memory is None else filled.memory / 2**20
        cost = {"seconds": filled.seconds, "memory": memory}
        sha256 = place.write_fill(filler.name, picture)
    scores, samples = judge.score(picture, truth(), filler.side)
    scores |= cost
    said = {"key": key, "judge": judge.identity, "sha256": sha256, "scores": scores}
    place.write_scores(filler.name, said, samples)
    return dict(scores)
