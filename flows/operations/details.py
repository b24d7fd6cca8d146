"""Pictures among the artifacts of a run: of each master the largest fill, before and after."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from io import BytesIO

from PIL import Image
from prefect import get_run_logger

from flows.report import Fate, Outcome
from heritage.errors import HeritageError
from heritage.review.pictures.details import largest_fill
from heritage.settings import Settings

SHOWN = 12
"""Masters of which a detail is shown; more would make the page slow."""

QUALITY = 80


def details(outcomes: Iterable[Outcome], settings: Settings) -> str:
    """Markdown with the details, before on the left and after on the right; empty if there is none.

    Args:
        outcomes: Of a run.
        settings: Of the site.
    """
    restored = [one for one in outcomes if one.fate is Fate.RESTORED and one.folder is not None]
    lines = list(_lines(restored[:SHOWN], settings))
    if len(restored) > SHOWN:
        lines.append(f"… and {len(restored) - SHOWN} more")
    return "\n\n".join(lines)


def _lines(outcomes: Iterable[Outcome], settings: Settings) -> Iterator[str]:
    for outcome in outcomes:
        assert outcome.folder is not None
        try:
            picture = largest_fill(outcome.folder, outcome.source, settings.home / "review-cache")
        except (HeritageError, OSError, ValueError) as error:
            # The restoration is done and on record: a picture of it is no reason to fail.
            get_run_logger().warning("%s: no detail can be shown: %s", outcome.source, error)
            continue
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY)
        data = base64.b64encode(stream.getvalue()).decode()
        name = outcome.source.name.translate(str.maketrans("[]`*_<>", "       "))
        yield f"**{name}**"
        yield f"![before and after](data:image/jpeg;base64,{data})"
