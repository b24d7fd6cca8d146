"""The picture service: IIIF Image API 3 and Presentation API 3, for the light table and others."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from heritage.review.iiif import BadImageRequest, encode, image_info, parse
from heritage.review.pictures import Levels, View
from heritage.review.web.guard import Viewer, room_of
from heritage.review.web.room import Place, Room

router = APIRouter(include_in_schema=False)
NAME = re.compile(r"([0-9a-f]{64}|[0-9a-f-]{36})~([a-z]+)")
LASTING = "private, max-age=86400"


@router.get("/iiif/3/{name}")
def base(request: Request, visitor: Viewer, name: str) -> Response:
    """A picture's own address leads to what is said of it."""
    return RedirectResponse(f"/iiif/3/{name}/info.json", 303)


@router.get("/iiif/3/{name}/info.json")
def info(request: Request, visitor: Viewer, name: str) -> Response:
    """What a picture is."""
    room = room_of(request)
    _, place, _ = _named(room, name)
    scene = room.scene(place)
    address = str(request.url_for("base", name=name))
    said = image_info(address, scene.width, scene.height)
    kind = 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"'
    return JSONResponse(said, media_type=kind)


@router.get("/iiif/3/{name}/{region}/{size}/{rotation}/{quality}.{kind}")
def picture(
    request: Request,
    visitor: Viewer,
    name: str,
    region: str,
    size: str,
    rotation: str,
    quality: str,
    kind: str,
    low: float = 0.0,
    high: float = 1.0,
    gamma: float = 1.0,
) -> Response:
    """A part of a picture. ``low``, ``high`` and ``gamma`` are its window and level."""
    room = room_of(request)
    identifier, place, view = _named(room, name)
    scene = room.scene(place)
    try:
        asked = f"{region}/{size}/{rotation}/{quality}.{kind}"
        wanted = parse(asked, scene.width, scene.height)
    except BadImageRequest as error:
        raise HTTPException(400, error.reason) from None
    levels = _levels(low, high, gamma)
    undone = frozenset[int]()
    if place.folder is not None and view is not View.BEFORE:
        undone = room.desk.taken_back(identifier)
    box = wanted.box
    passing = scene.provisional(view, box, wanted.width, wanted.height)
    pixels = scene.render(view, box, wanted.width, wanted.height, levels, undone)
    body, media_type = encode(pixels, wanted)
    steady = view is View.BEFORE or "r" in request.query_params
    cache = LASTING if steady and not passing else "no-store"
    return Response(body, media_type=media_type, headers={"Cache-Control": cache})


def _named(room: Room, name: str) -> tuple[str, Place, View]:
    """What a picture's name means: a restoration or master, and how it is seen."""
    parts = NAME.fullmatch(name)
    views: dict[str, View] = {view.value: view for view in View}
    if parts is None or parts[2] not in views:
        raise HTTPException(404, "There is no such picture.")
    place = room.place(parts[1])
    view = views[parts[2]]
    if place.folder is None and view is not View.BEFORE:
        raise HTTPException(404, "A master alone is only seen as it is.")
    return parts[1], place, view


def _levels(low: float, high: float, gamma: float) -> Levels | None:
    if (low, high, gamma) == (0.0, 1.0, 1.0):
        return None
    if not (0 <= low < high <= 1 and 0.1 <= gamma <= 10):
        raise HTTPException(400, "Window and level make no sense: 0 <= low < high <= 1.")
    return Levels(low, high, gamma)


def json_ld(value: dict[str, Any]) -> JSONResponse:
    """A document of the Presentation API."""
    kind = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
    return JSONResponse(value, media_type=kind)
