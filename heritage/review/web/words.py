"""Which language somebody reads."""

from __future__ import annotations

from fastapi import Request

from heritage.review.words import LANGUAGES

COOKIE = "language"


def language_of(request: Request) -> str:
    """The language that somebody chose, or else the first known one that the browser asks for."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return "en"
