"""The names that properties of an XMP packet have: as XML, and as people read them.

Sources: XMP Specification Part 2 (Adobe); IPTC Photo Metadata Standard 2025.1.
"""

from __future__ import annotations

from typing import Final

from heritage.archive.dossier import OUR_TERMS

PREFIXES: Final = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "restoration": OUR_TERMS,
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "dc": "http://purl.org/dc/elements/1.1/",
}
"""Namespaces of what is added; ``restoration`` is ours, the others are the standards'."""


def named(qualified: str) -> str:
    """The name as lxml has it.

    Args:
        qualified: With one of our prefixes, such as ``dc:rights``.
    """
    prefix, local = qualified.split(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


def label(name: str) -> str:
    """A name for people: with its prefix where that is one of ours, else with its namespace.

    Args:
        name: As lxml has it.
    """
    uri, _, local = name[1:].rpartition("}")
    prefix = next((known for known, one in PREFIXES.items() if one == uri), None)
    return f"{local} ({uri})" if prefix is None else f"{prefix}:{local}"


SOURCE_TYPE: Final = named("Iptc4xmpExt:DigitalSourceType")
INSTANCE: Final = named("xmpMM:InstanceID")
DOCUMENT: Final = named("xmpMM:DocumentID")
DERIVED: Final = named("xmpMM:DerivedFrom")
HISTORY: Final = named("xmpMM:History")
COMPLETIONS: Final = named("restoration:Completions")
FORMER: Final = named("restoration:formerDigitalSourceType")
"""The source type that a completion found, in its entry of ``COMPLETIONS``."""
