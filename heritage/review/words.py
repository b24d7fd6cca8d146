"""The languages of pages and reports, and how templates are filled in one of them."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from db.vocabulary import Decision, EventType, MaskOrigin, MaskStatus, Role, Statement, Status
from heritage.damage.classes import DamageClass
from heritage.damage.policy import read_policies
from heritage.review.orders import Stage

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "review"
LABELS = ("Weights, SHA-256", "Licence of the model", "Mask, SHA-256", "Software", "Device")
"""What facts in reports are called besides what templates call them."""

TOLD = (
    EventType.APPRAISAL,
    EventType.FIXITY_CHECK,
    EventType.FORENSIC_FEATURE_ANALYSIS,
    EventType.INGESTION,
    EventType.MESSAGE_DIGEST_CALCULATION,
    EventType.METADATA_MODIFICATION,
    EventType.MODIFICATION,
    EventType.VALIDATION,
)
"""Events that happen to masters here."""

LANGUAGES = {"en": "English", "zh": "中文"}


def kind_name(kind: str | None) -> str:
    """A class of damage as people read it."""
    return "" if kind is None else kind.lower().replace("_", " ")


def spoken() -> list[str]:
    """Words that pages show and no template holds, in English."""
    enums = (Status, Decision, Role, Statement, MaskStatus, MaskOrigin)
    words = [word.value for enum in enums for word in enum]
    words += [stage.value for stage in Stage] + list(read_policies())
    words += [kind.value for kind in TOLD]
    return (
        list(dict.fromkeys(words))
        + [kind_name(kind.name) for kind in DamageClass if kind]
        + list(LABELS)
    )


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
    made.filters |= {"moment": moment, "percent": percent, "kind": kind_name, **filters}
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
