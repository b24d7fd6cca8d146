"""A checkpoint that somebody has obtained becomes an inpainter with a name."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from models.cards import InpainterCard, read_card
from models.checkpoints import sha256
from models.errors import ModelError, WeightsRefused
from models.importing.halves import WHOLE, join, missing_half
from models.importing.placing import place
from models.importing.published import PUBLISHED, PublishedWeights, published_as
from models.importing.reading import read_tensors
from models.importing.reading.contents import refused
from models.importing.reading.tensorflow import index_of
from models.importing.recognition import Recognised, recognise
from models.registry import CLASSICAL, PACKAGED

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNKNOWN = "unknown: state it with --{option}"


class NameRefused(ModelError, ValueError):
    """A name under which nothing can be imported."""


@dataclass(frozen=True)
class _Part:
    """One file, read and recognised."""

    found: Recognised
    origin: dict[str, Any]


def import_checkpoint(
    files: Sequence[Path],
    name: str | None,
    folder: Path,
    licence: str | None = None,
    source: str | None = None,
    replace: bool = False,
) -> InpainterCard:
    """Make a checkpoint usable as ``models.load(name)``.

    Args:
        files: The checkpoint; both files of EdgeConnect, together or one after the other; any file
            of a TensorFlow checkpoint.
        name: What to call it; by default as the list of published weights does, else by its file.
        folder: Where a user's own weights lie; made if it is not there.
        licence: Terms of the weights; by default those stated by whoever published this network.
        source: Where they come from; likewise.
        replace: Whether an inpainter of that name may be replaced.

    Returns:
        Its card; with ``lacks`` where the other half of EdgeConnect is still to come.

    Raises:
        NameRefused: If the name is malformed or belongs to an inpainter of this package.
        WeightsRefused: If a file is missing or no checkpoint, holds no network that is known here
            or does not fit it, or the name is taken.
        ModelError: If the folder cannot be written.
    """
    if name is not None:
        check_name(name)
    files = list(dict.fromkeys(index_of(path) or path for path in files))
    parts = [_read(path) for path in files]
    if name is None:
        name = _proposed(parts[0], files[0])
        check_name(name)
    earlier = _earlier(folder / f"{name}.json", [part.found for part in parts], replace)
    whole, lacks = join(
        [part.found for part in parts], _tensors_of(earlier) if earlier is not None else None
    )
    parameters = whole.parameters + (earlier.parameters if earlier is not None else 0)
    origins = list(earlier.details.get("imported_from", [])) if earlier is not None else []
    fields = _fields(name, whole, parameters, published_as(whole.architecture, parameters))
    fields |= {"imported_from": origins + [part.origin for part in parts]}
    fields |= _stated({"licence": licence, "source": source}, earlier)
    fields |= {"lacks": lacks} if lacks else {}
    place(folder, name, whole.tensors, fields)
    return read_card(folder / f"{name}.json", finished=False)


def check_name(name: str) -> None:
    """Refuse a name that cannot be a file's, or that this package uses itself.

    Raises:
        NameRefused: Saying why.
    """
    if not _NAME.fullmatch(name) or name.endswith((".json", ".safetensors")):
        raise NameRefused(
            f"{name!r} cannot be a name: use up to 64 letters, digits, '-', '_' and '.', "
            "beginning with a letter or digit"
        )
    if name in CLASSICAL or (PACKAGED / f"{name}.json").exists():
        raise NameRefused(
            f"{name!r} is an inpainter of this program; choose another name with --as"
        )


def _read(path: Path) -> _Part:
    contents = read_tensors(path)
    try:
        found = recognise(contents.tensors)
    except WeightsRefused as error:
        raise refused(path, str(error)) from error
    origin: dict[str, Any] = {"file": path.name, "format": contents.format}
    origin |= {"sha256": sha256(path), "bytes": path.stat().st_size}
    if contents.format == "tensorflow":  # the numbers themselves are in files beside the index
        shards = sorted(path.parent.glob(f"{glob.escape(path.stem)}.data-*"))
        origin |= {"data": {shard.name: sha256(shard) for shard in shards}}
    notes = {"under": found.prefix, "ignored": found.ignored, "adjusted": found.adjusted}
    return _Part(found, origin | {key: note for key, note in notes.items() if note})


def _proposed(part: _Part, path: Path) -> str:
    entry = published_as(part.found.architecture, part.found.parameters)
    if entry is not None:
        return entry.key
    if part.found.architecture.startswith(WHOLE):
        return WHOLE
    return re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-_") or part.found.architecture


def _earlier(card_file: Path, found: Sequence[Recognised], replace: bool) -> InpainterCard | None:
    """The card of the half that is there already, if this import is the other one."""
    taken = card_file.exists(), card_file.with_suffix(".safetensors").exists()
    if replace or not any(taken):
        return None
    if all(taken):
        card = read_card(card_file, finished=False)
        if card.architecture == WHOLE and missing_half(list(_tensors_of(card)), found):
            return card
    raise WeightsRefused(
        f"there is already an inpainter {card_file.stem!r}; choose another name with --as, or "
        "replace it with --replace"
    )


def _tensors_of(card: InpainterCard) -> dict[str, Tensor]:
    if card.weights is None or not card.weights.is_file() or sha256(card.weights) != card.sha256:
        raise WeightsRefused(
            f"the half of {card.name} that is there is damaged; import both with --replace"
        )
    return load_file(card.weights)


def _fields(
    name: str, whole: Recognised, parameters: int, entry: PublishedWeights | None
) -> dict[str, Any]:
    """The card, as far as it follows from the network."""
    papers = [listed.paper for listed in PUBLISHED if listed.architecture == whole.architecture]
    unknown = {key: _UNKNOWN.format(option=key) for key in ("licence", "source")}
    return {
        "name": name,
        "kind": "gan",
        "architecture": whole.architecture,
        "config": whole.config,
        "purpose": f"Imported weights of {whole.architecture}." if entry is None else entry.purpose,
        "licence": unknown["licence"] if entry is None else entry.licence,
        "source": unknown["source"] if entry is None else entry.source,
        "paper": papers[0] if papers else "",
        "parameters": parameters,
        "published_as": None if entry is None else entry.key,
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _stated(now: Mapping[str, str | None], earlier: InpainterCard | None) -> dict[str, Any]:
    """What the user says of the weights, or has said when the other half came."""
    said = {key: text for key, text in now.items() if text}
    if earlier is not None:
        before = {"licence": earlier.licence, "source": earlier.source}
        said = {key: before[key] for key in earlier.details.get("stated", ())} | said
    return said | {"stated": sorted(said)}
