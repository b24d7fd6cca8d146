"""Turning facts into pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup

from db.vocabulary import Role, Status
from heritage import __version__
from heritage.review.web.guard import Visitor, room_of
from heritage.review.web.words import language_of
from heritage.review.words import LANGUAGES, environment

TEMPLATES = Path(__file__).parent / "templates"


@cache
def templates(language: str) -> Environment:
    """The pages in one language."""
    made = environment(TEMPLATES, language, {"script_json": script_json})
    made.globals |= {"Role": Role, "Status": Status, "languages": LANGUAGES, "version": __version__}
    return made


def page(
    request: Request,
    template: str,
    visitor: Visitor | None,
    facts: Mapping[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """A page, or the part of it that htmx asks for.

    Args:
        request: What is answered.
        template: Its file's name.
        visitor: Who is logged in, if anybody.
        facts: What the template shows.
        status: Of HTTP.
    """
    language = language_of(request)
    known = {
        "visitor": visitor,
        "language": language,
        "theme": request.cookies.get("theme", "auto"),
        "here": request.url.path,
        "part": request.headers.get("hx-request") == "true"
        and request.headers.get("hx-boosted") != "true",
        "two_people": room_of(request).settings.review_two_people,
    }
    written = templates(language).get_template(template).render(known | dict(facts))
    return HTMLResponse(
        written, status, headers={"Vary": "HX-Request", "Content-Language": language}
    )


def script_json(value: object) -> Markup:
    """JSON that may stand inside a script element, whatever its texts say."""
    text = json.dumps(value, ensure_ascii=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - nothing in it can end the element
