"""How review goes, in numbers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from heritage.review.web.guard import Viewer, room_of
from heritage.review.web.render import page

router = APIRouter(include_in_schema=False)


@router.get("/numbers")
def numbers(request: Request, visitor: Viewer) -> Response:
    """Throughput, approval and time per review."""
    return page(request, "numbers.html", visitor, {"numbers": room_of(request).desk.numbers()})
