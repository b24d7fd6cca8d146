"""The languages of the pages: gettext catalogues beside this file."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from fastapi import Request

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "review"
LANGUAGES = {"en": "English", "zh": "中文"}
COOKIE = "language"


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; English is what stands in the templates."""
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True)


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
