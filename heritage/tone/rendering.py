"""The files of a tone: its record, a small before and after, and a derivative on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heritage.errors import MasterRefused
from heritage.geometry import Box
from heritage.restore.colour import Native, WorkingSpace
from heritage.restore.storage import (
    partial_of,
    require_space,
    storage,
    sync,
    sync_folder,
    write_atomically,
)
from heritage.tiff import compose, inspect
from heritage.tone.estimate import STRENGTH, before_and_after, require_strength, tone_of
from heritage.tone.overview import look, require_tones
from heritage.tone.tone import Tone, ToneRefused, apply_tone

_QUALITY = 90
_GAP = 8  # white columns between before and after


@dataclass(frozen=True)
class ToneFiles:
    """What was written.

    Attributes:
        tone: The parameters.
        record: ``NAME.tone.json``.
        preview: ``NAME.tone.jpg``, if asked for.
        rendered: ``NAME.toned.tif``, if asked for.
    """

    tone: Tone
    record: Path
    preview: Path | None
    rendered: Path | None


def write_tone(
    master: Path,
    folder: Path,
    name: str,
    strength: float = STRENGTH,
    field: bool | None = None,
    neutralise: bool | None = None,
    *,
    preview: bool = False,
    render: bool = False,
    page: int | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> ToneFiles:
    """Estimate a master's tone and write its record; the master is only read.

    Args:
        master: The file.
        folder: Receives the files; made if missing.
        name: ``NAME``.
        strength: As of ``estimate_tone``, and so the next two.
        field: Whether unevenness is evened out.
        neutralise: Whether yellow whites are made less yellow.
        preview: Whether to write a small picture, before and after side by side.
        render: Whether to write a derivative TIFF with the tone applied.
        page: Which page, from 0; None: the largest.
        tell: Called with pixels seen and pixels in all.

    Raises:
        BadSetting: The strength is out of range.
        MasterRefused: The master cannot be read faithfully, has no tones, or changed meanwhile.
        StorageFailed: A file cannot be written.
    """
    require_strength(strength)
    seen = look(master, page, tell)
    tone = tone_of(seen, strength, field, neutralise)
    record = folder / f"{name}.tone.json"
    picture, derivative = folder / f"{name}.tone.jpg", folder / f"{name}.toned.tif"
    data = tone.to_json()
    with storage(folder), partial_of(picture) as new_picture, partial_of(derivative) as new_tiff:
        folder.mkdir(parents=True, exist_ok=True)
        same = record.is_file() and record.read_bytes() == data
        if preview:
            _save_preview(new_picture, *before_and_after(seen, tone), seen.icc)
            sync(new_picture)
        if render:
            render_tone(master, new_tiff, tone)
        if not same:  # pictures of earlier parameters must not be taken for pictures of these
            for earlier in (record, picture, derivative):
                earlier.unlink(missing_ok=True)
        if preview:
            new_picture.replace(picture)
        if render:
            new_tiff.replace(derivative)
        sync_folder(folder)
        write_atomically(record, data)
    return ToneFiles(tone, record, picture if preview else None, derivative if render else None)


def render_tone(master: Path, target: Path, tone: Tone) -> None:
    """Write a copy of a master with its tone applied: same samples, size, tags and profile.

    Args:
        master: The file; only read.
        target: A path that does not exist yet; whole when this returns, gone when it raises.
        tone: The adjustment that was estimated for this master.

    Raises:
        MasterRefused: It cannot be read faithfully.
        StorageFailed: The disk is full, or a file cannot be read or written.
        ToneRefused: The tone belongs to another master.
    """
    info = inspect(master, tone.master.page)
    require_tones(info)
    if (info.height, info.width) != (tone.master.height, tone.master.width):
        raise ToneRefused("its tone belongs to a master of another size", master)
    require_space(target.parent, info.bytes)
    space = WorkingSpace.of(info, tone.master.value_range)

    def paint(box: Box, pixels: Native) -> None:
        pixels[...] = toned(tone, space, pixels, box)

    try:
        done = compose(master, target, paint, lambda box: not tone.is_identity, info.page)
        if done.source_sha256 != tone.master.sha256:
            raise MasterRefused(
                "is not the file that this tone was estimated for; estimate it again", master
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def toned(tone: Tone, space: WorkingSpace, native: Native, box: Box) -> Native:
    """A rectangle in the master's own samples; alpha and "no data" stay as they are.

    Args:
        tone: The adjustment.
        space: The master's working space.
        native: (h, w, samples) of the master.
        box: Where they lie in it.
    """
    after = space.from_rgb(apply_tone(tone, space.to_rgb(native), box), native)
    empty = space.unusable(native)
    after[empty] = native[empty]
    return after


def _save_preview(
    path: Path, before: NDArray[np.float32], after: NDArray[np.float32], icc: bytes | None
) -> None:
    """Both pictures side by side as a JPEG in the working RGB's own profile."""
    from PIL import Image

    gap = np.ones((before.shape[0], _GAP, 3), np.float32)
    sheet = np.concatenate([before, gap, after], axis=1)
    pixels = np.rint(np.clip(sheet, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=icc)
