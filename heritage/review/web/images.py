"""The picture service: IIIF Image API 3 and Presentation API 3, for the light table and others."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from heritage.geometry import Box
from heritage.restore.provenance import STATEMENT
from heritage.restore.storage import storage, write_atomically
from heritage.review.iiif import (
    BadImageRequest,
    Choice,
    Note,
    encode,
    image_info,
    manifest,
    parse,
)
from heritage.review.pictures import Levels, Scene, View, disagreement
from heritage.review.web.guard import Viewer, room_of
from heritage.review.web.room import Place, Room

router = APIRouter(include_in_schema=False)
NAME = re.compile(r"([0-9a-f]{64}|[0-9a-f-]{36})~([a-z]+)")
HASH = re.compile("[0-9a-f]{64}")
THUMBNAIL = "full/!192,144/0/default.jpg"
ANYBODY = {"Access-Control-Allow-Origin": "*"}
"""Viewers elsewhere may read what they may fetch; browsers send them without anybody's cookie."""
ALTERNATIVES = 3
"""Other restorations that are compared, the newest ones."""
INFO = 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"'
LASTING = "private, max-age=86400"


@router.get("/iiif/3/{identifier}~uncertainty/info.json")
def uncertainty_info(request: Request, visitor: Viewer, identifier: str) -> Response:
    """What the overlay of uncertainty is: of the master's size."""
    scene = room_of(request).scene(_restored(request, identifier))
    address = str(request.url).removesuffix("/info.json")
    said = image_info(address, scene.width, scene.height)
    return JSONResponse(said, media_type=INFO, headers=ANYBODY)


@router.get("/iiif/3/{identifier}~uncertainty/{region}/{size}/{rotation}/{quality}.{kind}")
def uncertainty(
    request: Request,
    visitor: Viewer,
    identifier: str,
    region: str,
    size: str,
    rotation: str,
    quality: str,
    kind: str,
) -> Response:
    """Where other restorations of the same master fill the damage otherwise."""
    room = room_of(request)
    asked = f"{region}/{size}/{rotation}/{quality}.{kind}"
    rows = room.desk.alternatives(identifier)[:ALTERNATIVES]
    places = [room.place(row.identifier) for row in rows]

    def draw(scene: Scene) -> tuple[bytes, str]:
        others = [room.scene(place) for place in places]  # anew, should one have been let go of
        wanted = parse(asked, scene.width, scene.height)
        sheet = disagreement(scene, others, wanted.box, wanted.width, wanted.height)
        return encode(sheet, wanted)

    try:
        body, media_type = room.looking(_restored(request, identifier), draw)
    except BadImageRequest as error:
        raise HTTPException(400, error.reason) from None
    # another restoration may come at any time
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store", **ANYBODY})


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
    return JSONResponse(said, media_type=INFO, headers=ANYBODY)


@router.get("/iiif/presentation/3/{identifier}/manifest.json")
def presentation(request: Request, visitor: Viewer, identifier: str) -> Response:
    """A restoration for IIIF viewers: before and after as a choice, regions as notes."""
    room = room_of(request)
    row, sign_off = room.desk.restoration(identifier)
    if not row.status.finished:
        raise HTTPException(404, "This restoration has no files yet.")
    notes = [
        Note(
            region.number,
            Box(region.y0, region.x0, region.y1, region.x1),
            f"Region {region.number}: {region.kind or 'damage'}, {region.decision}",
        )
        for region in room.desk.regions(identifier)
    ]
    views = {view: str(request.url_for("base", name=f"{identifier}~{view}")) for view in View}
    shows = "" if sign_off is None else f" It shows: {sign_off.statement}."
    said = manifest(
        str(request.url),
        row.master.artefact.title,
        row.master.width,
        row.master.height,
        Choice(views[View.BEFORE], "before"),
        Choice(views[View.AFTER], "after (digital completion)"),
        notes,
        STATEMENT + shows,
    )
    kind = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
    return JSONResponse(said, media_type=kind, headers=ANYBODY)


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
    levels = _levels(low, high, gamma)
    undone = frozenset[int]()
    if place.folder is not None and view is not View.BEFORE:
        undone = room.undone(identifier, request.query_params.get("r"))
    asked = f"{region}/{size}/{rotation}/{quality}.{kind}"

    def draw(scene: Scene) -> tuple[bytes, str, bool]:
        wanted = parse(asked, scene.width, scene.height)
        first = scene.provisional(view, wanted.box, wanted.width, wanted.height)
        pixels = scene.render(view, wanted.box, wanted.width, wanted.height, levels, undone)
        return *encode(pixels, wanted), first

    try:
        body, media_type, passing = room.looking(place, draw)
    except BadImageRequest as error:
        raise HTTPException(400, error.reason) from None
    steady = view is View.BEFORE or "r" in request.query_params
    cache = LASTING if steady and not passing else "no-store"
    return Response(body, media_type=media_type, headers={"Cache-Control": cache, **ANYBODY})


def _restored(request: Request, identifier: str) -> Place:
    place = room_of(request).place(identifier)
    if place.folder is None:
        raise HTTPException(404, "A master alone is only seen as it is.")
    return place


@router.get("/thumbnails/{sha256}.jpg")
def thumbnail(request: Request, visitor: Viewer, sha256: str) -> Response:
    """A small picture of a master, made once."""
    if not HASH.fullmatch(sha256):
        raise HTTPException(404, "There is no such picture.")
    room = room_of(request)
    kept = room.cache / "thumbnails" / f"{sha256}.jpg"
    try:
        body = kept.read_bytes()
    except FileNotFoundError:
        body = room.looking(room.place(sha256), _small)
        with storage(kept.parent):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, body)
    return Response(body, media_type="image/jpeg", headers={"Cache-Control": LASTING})


def _small(scene: Scene) -> bytes:
    wanted = parse(THUMBNAIL, scene.width, scene.height)
    pixels = scene.render(View.BEFORE, wanted.box, wanted.width, wanted.height)
    return encode(pixels, wanted)[0]


@router.get("/api/pictures/{name}", include_in_schema=True, tags=["review"])
def readiness(request: Request, visitor: Viewer, name: str) -> dict[str, Any]:
    """Whether views from afar are what they will stay; asking begins the work that it takes."""
    room = room_of(request)
    identifier, place, _ = _named(room, name)
    scene = room.scene(place)
    ready = scene.prepare(0)
    fault = scene.fault
    return {"name": identifier, "ready": ready, "fault": None if fault is None else str(fault)}


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
