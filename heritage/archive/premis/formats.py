"""What kind of file something is, in the words of PRONOM, from its ending and first bytes.

PRONOM is the registry of The National Archives (https://www.nationalarchives.gov.uk/PRONOM). A
number is given only where these bytes decide it; a guess would be worse than none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

HEAD = 1024
"""First bytes that are looked at."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        media_type: As registered with IANA.
        name: As PRONOM calls it.
        version: Where it has one and it is known.
        pronom: Its number there, such as ``fmt/353``; None where it has none or it is not certain.
    """

    media_type: str
    name: str
    version: str | None = None
    pronom: str | None = None


UNKNOWN = Kind("application/octet-stream", "unknown")
TIFF = Kind("image/tiff", "Tagged Image File Format")
PDF = Kind("application/pdf", "Portable Document Format")
JPEG = Kind("image/jpeg", "JPEG File Interchange Format")
HTML = Kind("text/html", "Hypertext Markup Language")

BY_ENDING = {
    ".c2pa": Kind("application/c2pa", "C2PA Manifest Store"),
    ".csv": Kind("text/csv", "Comma Separated Values", None, "x-fmt/18"),
    ".icc": Kind("application/vnd.iccprofile", "ICC profile"),
    ".jp2": Kind("image/jp2", "JP2 (JPEG 2000 part 1)", None, "x-fmt/392"),
    ".json": Kind("application/json", "JSON Data Interchange Format", None, "fmt/817"),
    ".jsonld": Kind("application/ld+json", "JSON-LD", None, "fmt/880"),
    ".md": Kind("text/markdown", "Markdown", None, "fmt/1149"),
    ".png": Kind("image/png", "Portable Network Graphics"),
    ".rdf": Kind("application/rdf+xml", "RDF/XML", None, "fmt/875"),
    ".sql": Kind("application/sql", "Structured Query Language Data", None, "fmt/206"),
    ".svg": Kind("image/svg+xml", "Scalable Vector Graphics"),
    ".ttl": Kind("text/turtle", "Turtle", None, "fmt/874"),
    ".txt": Kind("text/plain", "Plain Text File", None, "x-fmt/111"),
    ".xml": Kind("application/xml", "Extensible Markup Language", "1.0", "fmt/101"),
    ".xsd": Kind("application/xml", "XML Schema Definition", None, "x-fmt/280"),
}

CLASSIC = (b"II*\0", b"MM\0*")
BIG = (b"II+\0", b"MM\0+")

PDF_NUMBERS = {
    "1.0": "fmt/14",
    "1.1": "fmt/15",
    "1.2": "fmt/16",
    "1.3": "fmt/17",
    "1.4": "fmt/18",
    "1.5": "fmt/19",
    "1.6": "fmt/20",
    "1.7": "fmt/276",
    "2.0": "fmt/1129",
}
JFIF_NUMBERS = {"1.00": "fmt/42", "1.01": "fmt/43", "1.02": "fmt/44"}


def kind_of(ending: str, head: bytes) -> Kind:
    r"""The kind of a file.

    Args:
        ending: Of its name, with the dot.
        head: Its first ``HEAD`` bytes, or all where it is shorter.

    >>> kind_of(".tif", b"II*\0").pronom, kind_of(".tif", b"II+\0").pronom
    ('fmt/353', 'fmt/1917')
    """
    ending = ending.lower()
    if ending in (".tif", ".tiff"):
        return _tiff(head)
    if ending == ".pdf":
        return _pdf(head)
    if ending in (".jpg", ".jpeg"):
        return _jpeg(head)
    if ending in (".html", ".htm"):
        return _html(head)
    return BY_ENDING.get(ending, UNKNOWN)


def _tiff(head: bytes) -> Kind:
    if head.startswith(BIG):
        return replace(TIFF, name="BigTIFF", pronom="fmt/1917")
    return replace(TIFF, pronom="fmt/353") if head.startswith(CLASSIC) else TIFF


def _pdf(head: bytes) -> Kind:
    if not head.startswith(b"%PDF-"):
        return PDF
    version = head[5:8].decode("ascii", "replace")
    if version not in PDF_NUMBERS:
        return PDF
    return replace(PDF, version=version, pronom=PDF_NUMBERS[version])


def _jpeg(head: bytes) -> Kind:
    if head[:4] != b"\xff\xd8\xff\xe0" or head[6:11] != b"JFIF\0" or len(head) < 13:
        return JPEG
    version = f"{head[11]}.{head[12]:02}"
    if version not in JFIF_NUMBERS:
        return JPEG
    return replace(JPEG, version=version, pronom=JFIF_NUMBERS[version])


def _html(head: bytes) -> Kind:
    if head.lstrip()[:15].lower() == b"<!doctype html>":
        return replace(HTML, version="5", pronom="fmt/471")
    return HTML
