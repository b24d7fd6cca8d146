"""The controlled words of PREMIS that a package uses.

Maintained by the Library of Congress at https://id.loc.gov/vocabulary/preservation. Types and
outcomes of events stand in the record itself, with their addresses.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE = "http://id.loc.gov/vocabulary/preservation"


@dataclass(frozen=True)
class Term:
    """One word of one vocabulary.

    Args:
        vocabulary: Its name, as the address has it.
        code: Of the word, as the address has it.
        label: The word.
    """

    vocabulary: str
    code: str
    label: str

    @property
    def authority(self) -> str:
        """Address of the vocabulary."""
        return f"{BASE}/{self.vocabulary}"

    @property
    def uri(self) -> str:
        """Address of the word."""
        return f"{self.authority}/{self.code}"


DERIVATION = Term("relationshipType", "der", "derivation")
STRUCTURAL = Term("relationshipType", "str", "structural")

HAS_SOURCE = Term("relationshipSubType", "hss", "has source")
IS_SOURCE_OF = Term("relationshipSubType", "iso", "is source of")
INCLUDES = Term("relationshipSubType", "inc", "includes")
INCLUDED_IN = Term("relationshipSubType", "isi", "is included in")
REPRESENTS = Term("relationshipSubType", "rep", "represents")
REPRESENTED_BY = Term("relationshipSubType", "isr", "is represented by")

SHA256 = Term("cryptographicHashFunctions", "sha256", "SHA-256")
SHA512 = Term("cryptographicHashFunctions", "sha512", "SHA-512")

URI = Term("contentLocationType", "uri", "Uniform Resource Identifier")

AGENT_KINDS = {
    "person": Term("agentType", "per", "person"),
    "software": Term("agentType", "sof", "software"),
    "organization": Term("agentType", "org", "organization"),
}
"""By the name that the record has for them."""

AUTHORIZER = Term("eventRelatedAgentRole", "aut", "authorizer")
EXECUTING_PROGRAM = Term("eventRelatedAgentRole", "exe", "executing program")
IMPLEMENTER = Term("eventRelatedAgentRole", "imp", "implementer")

OUTCOME = Term("eventRelatedObjectRole", "out", "outcome")
SOURCE = Term("eventRelatedObjectRole", "sou", "source")

LICENCE = Term("rightsBasis", "lic", "license")
OTHER_RIGHTS = Term("rightsBasis", "oth", "other")
