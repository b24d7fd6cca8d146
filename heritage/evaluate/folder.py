"""Where an evaluation lies on the disk, so that a killed one goes on.

``fills/FAMILY/STEM/`` holds ``truth.png``, ``damaged.png``, ``mask.png`` and a ``MODEL.png`` for
each model, for people; ``scores/FAMILY/STEM/MODEL.json`` and ``.npy`` what was measured on it. A
fill counts as finished when its scores are there, which are written last.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from heritage.errors import StorageFailed
from heritage.evaluate.cases import Case
from heritage.evaluate.distributions import Samples
from heritage.evaluate.pictures import Pixels
from heritage.restore.storage import storage, write_atomically

_HOLE = (255, 0, 170)  # a pink that no pigment has: what is missing is seen at once
_RESERVED = ("truth", "damaged", "mask")


class Place:
    """The files of one case.

    Args:
        output: The folder of the evaluation.
        family: The kind of damage.
        stem: The picture.
    """

    def __init__(self, output: Path, family: str, stem: str) -> None:
        self.fills = output / "fills" / family / stem
        self.scores = output / "scores" / family / stem

    def fill(self, name: str) -> Path:
        """The picture of a model, or ``truth``, ``damaged``, ``mask``."""
        return self.fills / f"{name}.png"

    def write_case(self, case: Case) -> None:
        """Write truth, damaged and mask, if they are not there as they should be."""
        with storage(self.fills):
            self.fills.mkdir(parents=True, exist_ok=True)
            self.scores.mkdir(parents=True, exist_ok=True)
            note = self.scores / "case.sha256"
            shown = [self.fill(name) for name in _RESERVED]
            if (
                note.is_file()
                and note.read_text(encoding="ascii") == case.sha256
                and all(path.is_file() for path in shown)
            ):
                return
            pink = np.where(case.mask[..., None], np.array(_HOLE, np.uint8), case.truth)
            for path, pixels in zip(
                shown, (case.truth, pink, case.mask.astype(np.uint8) * 255), strict=True
            ):
                write_atomically(path, _png(pixels))
            write_atomically(note, case.sha256.encode("ascii"))

    def write_fill(self, name: str, picture: Pixels) -> str:
        """Write a model's fill; returns the SHA-256 of the file."""
        data = _png(picture)
        with storage(self.fill(name)):
            write_atomically(self.fill(name), data)
        return hashlib.sha256(data).hexdigest()

    def write_scores(self, name: str, found: Mapping[str, Any], samples: Samples) -> None:
        """Write what was measured on a fill: the last step of it."""
        stream = io.BytesIO()
        np.save(stream, samples.astype(np.float16))
        with storage(self.scores):
            write_atomically(self.scores / f"{name}.npy", stream.getvalue())
            write_atomically(self.scores / f"{name}.json", json.dumps(found, indent=1).encode())

    def read_scores(self, name: str) -> dict[str, Any] | None:
        """What was measured on a fill; None where nothing is there that can be read."""
        try:
            found = json.loads((self.scores / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def read_samples(self, name: str) -> Samples | None:
        """The samples of a fill, or None."""
        try:
            samples = np.load(self.scores / f"{name}.npy", allow_pickle=False)
        except (OSError, ValueError):
            return None
        return np.asarray(samples, np.float32)

    def read_fill(self, name: str, sha256: str) -> Pixels | None:
        """A fill as it was written; None where the file is missing or another."""
        path = self.fill(name)
        if not path.is_file():
            return None
        data = path.read_bytes()
        return read_png(path, data) if hashlib.sha256(data).hexdigest() == sha256 else None


def read_png(path: Path, data: bytes | None = None) -> Pixels:
    """A picture of the evaluation as (H, W, 3) of 8 bits.

    Raises:
        StorageFailed: If it cannot be read.
    """
    with storage(path):
        content = path.read_bytes() if data is None else data
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise StorageFailed("is no picture any more; delete it and run again", path)
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)


def safe_name(name: str) -> bool:
    """Whether a model's name can be a file's name here."""
    return re.fullmatch(r"[\w][\w.+-]*", name) is not None and name not in _RESERVED


def _png(pixels: Pixels) -> bytes:
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    _, data = cv2.imencode(".png", np.ascontiguousarray(ordered))
    return data.tobytes()
