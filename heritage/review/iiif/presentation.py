"""A master before and after, with its regions, for any IIIF viewer: the manifest.

IIIF Presentation API 3.0: https://iiif.io/api/presentation/3.0/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from heritage.geometry import Box
from heritage.review.iiif.request import LIMIT, largest

Json = dict[str, Any]

STATEMENT = (
    "What is marked as a region is a digital completion computed by a machine, and proposed "
    "until a named person has accepted it. All other pixels are those of the original."
)


@dataclass(frozen=True)
class Note:
    """What is said about a region.

    Attributes:
        number: Of the region, from 1.
        box: Where it is, in pixels of the master.
        words: One sentence: what it is, and what was decided.
    """

    number: int
    box: Box
    words: str


@dataclass(frozen=True)
class Choice:
    """One way to look at the master.

    Attributes:
        service: URI of its image service, without slash at its end.
        label: What it is called.
        profile: Level of the Image API that the service complies with.
    """

    service: str
    label: str
    profile: str = "level2"


def manifest(
    uri: str,
    title: str,
    width: int,
    height: int,
    before: Choice,
    after: Choice | None = None,
    regions: Iterable[Note] = (),
    statement: str = STATEMENT,
    rights: str | None = None,
    *,
    attribution: str = "Digital completion",
    language: str = "en",
    limit: int = LIMIT,
) -> Json:
    """One canvas of the master's size that shows it before or after, as the viewer chooses.

    Args:
        uri: Of the manifest itself.
        title: What the artefact is called.
        width: Columns of the master.
        height: Rows of the master.
        before: The master.
        after: The restoration; None: there is none.
        regions: Notes on its regions.
        statement: What every viewer must show beside it.
        rights: URI of a licence or rights statement.
        attribution: What stands before the statement.
        language: Of all words, as a BCP 47 code.
        limit: Longest side that the image services deliver, in pixels.

    Returns:
        What the manifest says; its media type is
        ``application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"``.

    Raises:
        ValueError: If the rights are no URI, or a region leaves the master.
    """
    if rights is not None and not rights.startswith(("http://", "https://")):
        raise ValueError("rights must be the URI of a licence or rights statement")

    def words(text: str) -> Json:
        return {language: [text]}

    def picture(choice: Choice) -> Json:
        wide, high = largest(width, height, limit)
        return {
            "id": f"{choice.service}/full/max/0/default.jpg",
            "type": "Image",
            "format": "image/jpeg",
            "width": wide,
            "height": high,
            "label": words(choice.label),
            "service": [{"id": choice.service, "type": "ImageService3", "profile": choice.profile}],
        }

    canvas = f"{uri}/canvas"
    body = picture(before)
    if after is not None:
        body = {"type": "Choice", "items": [body, picture(after)]}
    painting = {
        "id": f"{canvas}/painting",
        "type": "Annotation",
        "motivation": "painting",
        "body": body,
        "target": canvas,
    }
    sheet: Json = {
        "id": canvas,
        "type": "Canvas",
        "label": words(title),
        "width": width,
        "height": height,
        "items": [{"id": f"{canvas}/page", "type": "AnnotationPage", "items": [painting]}],
    }
    notes = [_annotation(note, canvas, width, height, language) for note in regions]
    if notes:
        page = {"id": f"{canvas}/regions", "type": "AnnotationPage", "items": notes}
        sheet["annotations"] = [page]
    found: Json = {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": uri,
        "type": "Manifest",
        "label": words(title),
        "requiredStatement": {"label": words(attribution), "value": words(statement)},
    }
    if rights is not None:
        found["rights"] = rights
    return found | {"items": [sheet]}


def _annotation(note: Note, canvas: str, width: int, height: int, language: str) -> Json:
    box = note.box
    if not Box(0, 0, height, width).contains(box):
        raise ValueError(f"region {note.number} leaves the master")
    return {
        "id": f"{canvas}/region/{note.number}",
        "type": "Annotation",
        "motivation": "commenting",
        "body": {
            "type": "TextualBody",
            "value": note.words,
            "language": language,
            "format": "text/plain",
        },
        "target": f"{canvas}#xywh={box.x0},{box.y0},{box.width},{box.height}",
    }
