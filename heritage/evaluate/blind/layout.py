"""What an evaluation's folder holds, checked once: families, pictures, and whose fills there are.

``fills/FAMILY/PICTURE/`` has ``truth.png``, ``damaged.png``, ``mask.png`` and a fill of each model;
``evaluation.json`` names families and pictures, and the models with the SHA-256 of their weights.

Votes know an evaluation by its pictures and holes, and a model by its weights. So more models may
be evaluated later, or the same ones again, and the votes on the others still count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from db.columns import canonical
from db.votes import TRUTH, Contender
from heritage.evaluate.blind.errors import EvaluationUnreadable

SUMMARY = "evaluation.json"
FILLS = "fills"
DAMAGED, MASK = "damaged", "mask"
RESERVED = (TRUTH, DAMAGED, MASK)


@dataclass(frozen=True)
class Case:
    """One picture with one damage, and who has filled it.

    Attributes:
        family: The family of damage.
        picture: The picture's name.
        folder: Where its files are.
        models: Those whose fill is there.
    """

    family: str
    picture: str
    folder: Path
    models: tuple[Contender, ...]

    def file(self, contender: Contender) -> Path:
        """The fill of a model, or the truth."""
        return self.folder / f"{contender.name}.png"


@dataclass(frozen=True)
class Evaluation:
    """An evaluation as people can compare it.

    Attributes:
        identifier: SHA-256 of its pictures and holes.
        cases: All that at least two models have filled, in order.
    """

    identifier: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class _Summary:
    models: tuple[Contender, ...]
    places: tuple[tuple[str, str], ...]


def read_evaluation(folder: Path) -> Evaluation:
    """Read what an evaluation has left behind.

    Args:
        folder: The evaluation's output folder.

    Raises:
        EvaluationUnreadable: If it holds no evaluation, nothing that two models have filled, or
            pictures that do not lie on one another.
    """
    summary = _read_summary(folder)
    cases = tuple(_cases(folder, summary))
    if not cases:
        reason = "no picture here has been filled by two models; evaluate at least two"
        raise EvaluationUnreadable(reason, folder)
    return Evaluation(_identifier(folder, summary), cases)


def identifier_of(folder: Path) -> str:
    """What votes know the evaluation in a folder by.

    Raises:
        EvaluationUnreadable: If there is none.
    """
    return _identifier(folder, _read_summary(folder))


def _read_summary(folder: Path) -> _Summary:
    path = folder / SUMMARY
    try:
        content = json.loads(path.read_bytes())
        models = [
            Contender(_plain_name(name), str(facts.get("weights_sha256") or ""))
            for name, facts in content["models"].items()
        ]
        places = [
            (_plain_name(family), _plain_name(picture))
            for family, pictures in content["seeds"].items()
            for picture in pictures
        ]
    except OSError:
        reason = f"holds no {SUMMARY}; first run heritage evaluate with this as --output"
        raise EvaluationUnreadable(reason, folder) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "does not list models, families and pictures; evaluate again"
        raise EvaluationUnreadable(reason, path) from None
    return _Summary(tuple(sorted(models)), tuple(sorted(places)))


def _plain_name(name: str) -> str:
    """A name that cannot lead out of the folder."""
    if Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(name)
    return name


def _identifier(folder: Path, summary: _Summary) -> str:
    said = [
        [family, picture, *(_sha256(folder / FILLS / family / picture, n) for n in (TRUTH, MASK))]
        for family, picture in summary.places
    ]
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def _sha256(folder: Path, name: str) -> str:
    path = folder / f"{name}.png"
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise EvaluationUnreadable("is not there; evaluate again", path) from None


def _cases(folder: Path, summary: _Summary) -> Iterator[Case]:
    for family, picture in summary.places:
        place = folder / FILLS / family / picture
        filled = [model for model in summary.models if (place / f"{model.name}.png").is_file()]
        if len(filled) < 2:
            continue
        case = Case(family, picture, place, tuple(filled))
        _must_lie_on_one_another(case)
        yield case


def _must_lie_on_one_another(case: Case) -> None:
    given = [case.folder / f"{name}.png" for name in RESERVED]
    sizes = {path: _size(path) for path in (*given, *map(case.file, case.models))}
    expected = sizes[given[0]]
    for path, size in sizes.items():
        if size != expected:
            reason = f"is {size[0]}×{size[1]} pixels and the truth beside it "
            reason += f"{expected[0]}×{expected[1]}; evaluate again"
            raise EvaluationUnreadable(reason, path)


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        reason = f"cannot be read as a picture ({error}); remove it and evaluate again"
        raise EvaluationUnreadable(reason, path) from None
