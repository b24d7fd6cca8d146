"""The condition report of one restoration: a page to print, and the same as PDF.

Nothing here knows of the web or the catalogue: ``Facts`` say all, ``report_html`` and
``report_pdf`` write it down.
"""

from heritage.review.report.diagram import Diagram, diagram_of
from heritage.review.report.facts import Alternative, Facts, Fate, Signature
from heritage.review.report.writing import report_html, report_pdf

__all__ = [
    "Alternative",
    "Diagram",
    "Facts",
    "Fate",
    "Signature",
    "diagram_of",
    "report_html",
    "report_pdf",
]
