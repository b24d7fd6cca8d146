"""The controlled words of the catalogue.

Event types and outcomes are those of PREMIS, maintained by the Library of Congress at
https://id.loc.gov/vocabulary/preservation/eventType and .../eventOutcome; only the ones that can
happen here are listed. Since its revision of 2017 a *modification* makes a new file from an old
one, which is what a virtual restoration does.
"""

from __future__ import annotations

from enum import StrEnum

PREMIS = "http://id.loc.gov/vocabulary/preservation"


class EventType(StrEnum):
    """What was done to a file, in PREMIS's words."""

    ACCESSION = "accession"
    APPRAISAL = "appraisal"
    CREATION = "creation"
    DEACCESSION = "deaccession"
    DELETION = "deletion"
    DIGITAL_SIGNATURE_GENERATION = "digital signature generation"
    DIGITAL_SIGNATURE_VALIDATION = "digital signature validation"
    DISSEMINATION = "dissemination"
    FILENAME_CHANGE = "filename change"
    FIXITY_CHECK = "fixity check"
    FORENSIC_FEATURE_ANALYSIS = "forensic feature analysis"
    FORMAT_IDENTIFICATION = "format identification"
    INFORMATION_PACKAGE_CREATION = "information package creation"
    INGESTION = "ingestion"
    MESSAGE_DIGEST_CALCULATION = "message digest calculation"
    METADATA_EXTRACTION = "metadata extraction"
    METADATA_MODIFICATION = "metadata modification"
    MIGRATION = "migration"
    MODIFICATION = "modification"
    POLICY_ASSIGNMENT = "policy assignment"
    RECOVERY = "recovery"
    REPLICATION = "replication"
    TRANSFER = "transfer"
    VALIDATION = "validation"

    @property
    def uri(self) -> str:
        """The term's address at the Library of Congress."""
        return f"{PREMIS}/eventType/{_CODES[self]}"


_CODES = {
    EventType.ACCESSION: "acc",
    EventType.APPRAISAL: "app",
    EventType.CREATION: "cre",
    EventType.DEACCESSION: "dea",
    EventType.DELETION: "del",
    EventType.DIGITAL_SIGNATURE_GENERATION: "dsg",
    EventType.DIGITAL_SIGNATURE_VALIDATION: "dig",
    EventType.DISSEMINATION: "dis",
    EventType.FILENAME_CHANGE: "fil",
    EventType.FIXITY_CHECK: "fix",
    EventType.FORENSIC_FEATURE_ANALYSIS: "ffa",
    EventType.FORMAT_IDENTIFICATION: "for",
    EventType.INFORMATION_PACKAGE_CREATION: "ipc",
    EventType.INGESTION: "ing",
    EventType.MESSAGE_DIGEST_CALCULATION: "mes",
    EventType.METADATA_EXTRACTION: "mee",
    EventType.METADATA_MODIFICATION: "mem",
    EventType.MIGRATION: "mig",
    EventType.MODIFICATION: "mod",
    EventType.POLICY_ASSIGNMENT: "poa",
    EventType.RECOVERY: "rec",
    EventType.REPLICATION: "rep",
    EventType.TRANSFER: "tra",
    EventType.VALIDATION: "val",
}


class Outcome(StrEnum):
    """How it went, in PREMIS's words."""

    SUCCESS = "success"
    FAILURE = "fail"
    WARNING = "warning"

    @property
    def uri(self) -> str:
        """The term's address at the Library of Congress."""
        return f"{PREMIS}/eventOutcome/{self.value[:3]}"


class AgentKind(StrEnum):
    """Who did it."""

    PERSON = "person"
    SOFTWARE = "software"
    ORGANIZATION = "organization"


class MaskOrigin(StrEnum):
    """Where a mask comes from."""

    GIVEN = "given"
    FOUND = "found"
    DETECTED = "detected"


class MaskStatus(StrEnum):
    """Whether a person stands behind a mask."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"


class Status(StrEnum):
    """Where a restoration stands."""

    PLANNED = "planned"
    RUNNING = "running"
    AWAITING_REVIEW = "awaiting review"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"
    FAILED = "failed"
    ABANDONED = "abandoned"

    @property
    def finished(self) -> bool:
        """Whether its files exist."""
        return self in FINISHED


FINISHED = (Status.AWAITING_REVIEW, Status.APPROVED, Status.REJECTED, Status.PUBLISHED)
"""A restoration whose files are there."""

OPEN = (Status.PLANNED, Status.RUNNING)
"""A restoration that somebody is, or should be, working on."""


class Decision(StrEnum):
    """What staff say of one region."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    DO_NOT_FILL = "do not fill"

    @property
    def keeps_fill(self) -> bool:
        """Whether the fill stays in what leaves the house."""
        return self in (Decision.PENDING, Decision.APPROVED)


class Statement(StrEnum):
    """What a signed-off picture shows, in the words that conservators' codes of ethics ask for."""

    EXISTING_STATE = "existing state"
    EVIDENCE_BASED = "evidence-based completion"
    HYPOTHESIS = "hypothesis"


class Role(StrEnum):
    """What an account may do; each may do what the one before may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    def includes(self, other: Role) -> bool:
        """Whether this role may do what ``other`` may."""
        roles = list(Role)
        return roles.index(self) >= roles.index(other)


class Part(StrEnum):
    """What a file of the holdings is."""

    MASTER = "master"
    RESTORED = "restored"
    MASK = "mask"
    LAYER = "layer"
    PROVENANCE = "provenance"
    SIGNED = "signed"
    PACKAGE = "package"


class Soundness(StrEnum):
    """What an audit found of a file.

    *Rot*: other bytes, though nobody wrote the file since it was sound; *replaced*: written since.
    """

    UNCHECKED = "unchecked"
    SOUND = "sound"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    ROT = "rot"
    REPLACED = "replaced"
