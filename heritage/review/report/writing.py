"""A report as a page to print, and as PDF made from that very page."""

from __future__ import annotations

import base64
import io
from functools import cache
from pathlib import Path

import numpy as np
from jinja2 import Environment
from numpy.typing import NDArray
from PIL import Image, ImageFile

from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.review.report.facts import Facts, Fate
from heritage.review.words import environment

TEMPLATES = Path(__file__).parent / "templates"
QUALITY = 85
"""Of the JPEG pictures in a report."""


@cache
def _templates(language: str) -> Environment:
    return environment(TEMPLATES, language, {})


def report_html(facts: Facts, language: str) -> str:
    """The report as a page that stands alone: pictures and style are in it.

    Args:
        facts: What it tells.
        language: ``en`` or ``zh``.
    """
    return (
        _templates(language)
        .get_template("report.html.j2")
        .render(
            facts=facts,
            language=language,
            before=_data(facts.before),
            after=_data(facts.after),
            measured=lambda box: _measured(box, facts.pixels_per_mm),
            taken_back=[fate for fate in facts.fates if not _stays(fate)],
            kept=sum(map(_stays, facts.fates)),
            style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        )
    )


def report_pdf(facts: Facts, language: str) -> bytes:
    """The report as PDF/UA: tagged, with its title and language; the same facts, the same bytes.

    Args:
        facts: What it tells.
        language: ``en`` or ``zh``.

    Raises:
        HeritageError: If the libraries that make PDF are not installed.
    """
    truncated_too = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        words = f"PDF needs 'heritage[pdf]' and Pango ({error}); print the page instead"
        raise HeritageError(" ".join(words.split())) from None
    finally:
        # WeasyPrint has Pillow take half a picture for a whole one, in all of the process.
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated_too
    # a report fetches nothing from anywhere: its pictures are in it
    fetcher = URLFetcher(allowed_protocols={"data"})
    page = HTML(string=report_html(facts, language), base_url=None, url_fetcher=fetcher)
    written = page.write_pdf(
        pdf_variant="pdf/ua-1", pdf_identifier=facts.identifier.encode(), dpi=150
    )
    assert written is not None
    return bytes(written)


def _data(picture: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _measured(box: Box, pixels_per_mm: float | None) -> str:
    """The size of a region on the object; empty where nobody knows."""
    if pixels_per_mm is None:
        return ""
    return f"{box.width / pixels_per_mm:.1f} × {box.height / pixels_per_mm:.1f} mm"


def _stays(fate: Fate) -> bool:
    return fate.decision in ("pending", "approved")
