"""What is kept about files between two looks at them, in a folder that may be deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from heritage.restore.storage import partial_of, storage
from heritage.review.pictures.damage import Blocks
from heritage.review.pictures.overview import FINEST

FORMAT: Final = 1
"""Changes when what was kept before can no longer be used."""


def key_of(files: Sequence[Path], page: int | None) -> str:
    """A name for what is kept about some files: another one when any of them changes.

    Args:
        files: By their place, size and time of change.
        page: Which page of them.

    Raises:
        StorageFailed: If one is not there.
    """
    facts = [str(FORMAT), str(page)]
    for path in files:
        with storage(path):
            found = path.stat()
            facts += [str(path.resolve()), str(found.st_size), str(found.st_mtime_ns)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def load_blocks(path: Path, width: int, channels: int) -> Blocks | None:
    """What a completion adds to the finest blocks, if it is kept and whole.

    Args:
        path: The file.
        width: Columns of the master.
        channels: Of its amounts.
    """
    try:
        with path.open("rb") as file, np.load(file) as found:
            parts = [found[name] for name in ("keys", "counts", "deltas", "regions")]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    keys, counts, deltas, regions = parts
    if len(counts) != len(keys) or deltas.shape != (len(keys), channels):
        return None
    return Blocks(FINEST, -(-width // FINEST), int(regions), keys, counts, deltas)


def save_blocks(path: Path, blocks: Blocks) -> None:
    """Keep them: whole, or not at all.

    Raises:
        StorageFailed: If the disk does not take them.
    """
    assert blocks.deltas is not None
    with storage(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial_of(path) as partial:
            with partial.open("wb") as file:
                np.savez(
                    file,
                    keys=blocks.keys,
                    counts=blocks.counts,
                    deltas=blocks.deltas,
                    regions=np.int64(blocks.regions),
                )
            partial.replace(path)
