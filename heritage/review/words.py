"""The languages of pages and reports, and how templates are filled in one of them."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "review"
LANGUAGES = {"en": "English", "zh": "中文"}


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; English is what stands in the templates."""
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True)


def environment(
    folder: Path, language: str, filters: Mapping[str, Callable[..., object]]
) -> Environment:
    """Templates of a folder in one language.

    Args:
        folder: Where they lie.
        language: One of ``LANGUAGES``.
        filters: More filters than times and shares, which all have.
    """
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # the extension adds this method at run time
    made.install_gettext_translations(  # type: ignore[attr-defined]
        translations(language), newstyle=True
    )
    made.filters |= {"moment": moment, "percent": percent, **filters}
    return made


def moment(at: datetime | None) -> Markup:
    """A time for people and, in the attribute, for programs."""
    if at is None:
        return Markup("")
    shown = at.strftime("%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}">{}&nbsp;UTC</time>').format(at.isoformat(), shown)


def percent(share: float | None) -> str:
    """A share of one as people read it."""
    return "" if share is None else f"{share:.0%}"
