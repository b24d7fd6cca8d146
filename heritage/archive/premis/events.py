"""The events of a PREMIS document and the agents behind them.

Each event carries the line of the append-only record that it was written from, letter by letter.
SHA-256 of that line, in UTF-8, is the line's hash, and the line names the hash of the one before:
anyone can check the chain with a text editor and ``sha256sum``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.chain import moment
from db.columns import canonical
from heritage.archive.dossier import Dossier, Occurrence
from heritage.archive.premis import terms
from heritage.archive.premis.listing import PackagedFile
from heritage.archive.premis.markup import UNWRITABLE, Vocabulary
from heritage.archive.premis.objects import master, restoration
from heritage.archive.premis.parts import Identity, P, controlled, identifier, local
from heritage.archive.premis.terms import BASE, Term

RECORD = "urn:heritage:event-record:1"
"""Namespace of the element that holds a line of the record."""

R = Vocabulary(RECORD, {None: RECORD})

MODIFICATION = "modification"
MAKES = ("creation", MODIFICATION, "information package creation")
"""Types of events whose outcome is a new object."""


@dataclass(frozen=True)
class Actor:
    """A person, program or organization.

    Args:
        kind: ``person``, ``software`` or ``organization``.
        name: Of it.
        version: Of a program.
    """

    kind: str
    name: str
    version: str | None = None

    @property
    def identity(self) -> Identity:
        """By what events link to it."""
        version = f" {self.version}" if self.version else ""
        return local(f"{self.kind}: {self.name}{version}")


def record(occurrence: Occurrence) -> str:
    """The line of the record that was hashed, as canonical JSON.

    The two characters that XML cannot hold and JSON can, U+FFFE and U+FFFF, are written as
    escapes; such a line has to be read and written canonically before it is hashed.
    """
    content = {
        "sequence": occurrence.sequence,
        "at": moment(occurrence.at),
        "type": occurrence.type,
        "outcome": occurrence.outcome,
        "agent": occurrence.agent,
        "agent_kind": occurrence.agent_kind,
        "agent_version": occurrence.agent_version,
        "on_behalf_of": occurrence.on_behalf_of,
        "master_sha256": occurrence.master_sha256,
        "mask_sha256": occurrence.mask_sha256,
        "restoration": occurrence.restoration,
        "detail": dict(occurrence.detail),
        "previous_hash": occurrence.previous_hash,
    }
    return UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", canonical(content))


def identity(occurrence: Occurrence) -> Identity:
    """Of an event: its number and hash."""
    return local(f"{occurrence.sequence}-{occurrence.hash}")


def maker(dossier: Dossier) -> Identity | None:
    """The last event that made the files of the restoration; None where none is on record."""
    for occurrence in reversed(dossier.events):
        made = occurrence.type == MODIFICATION and occurrence.outcome == "success"
        if made and occurrence.restoration == dossier.identifier:
            return identity(occurrence)
    return None


def events(dossier: Dossier, files: Sequence[PackagedFile]) -> Iterator[Any]:
    """All events, in the record's order."""
    masks = {file.sha256: local(file.path) for file in files if file.role == "mask"}
    for occurrence in dossier.events:
        yield _event(dossier, occurrence, masks.get(occurrence.mask_sha256 or ""))


def agents(dossier: Dossier) -> Iterator[Any]:
    """Everybody and everything that events or the restoration name, once each."""
    noted = _noted(dossier)
    actors = [*noted]
    for occurrence in dossier.events:
        actors += [actor for actor, _ in _acting(dossier, occurrence)]
    for actor in {actor.identity: actor for actor in actors}.values():
        yield P(
            "agent",
            identifier("agent", actor.identity),
            P("agentName", actor.name),
            controlled("agentType", terms.AGENT_KINDS[actor.kind]),
            P("agentVersion", actor.version) if actor.version else None,
            *(P("agentNote", note) for note in noted.get(actor, ())),
        )


def _noted(dossier: Dossier) -> dict[Actor, list[str]]:
    """Those who made and signed the restoration, and what they did."""
    signing, method = dossier.signing, dossier.method
    weights = f"weights sha256:{method.weights_sha256}" if method.weights_sha256 else None
    how = "trained network" if method.generated else "classical method"
    told = [
        (Actor("person", dossier.operator), "had the damage filled"),
        (Actor("person", signing.author), f"handed it in on {moment(signing.authored_at)}"),
        (
            Actor("person", signing.approver),
            f"signed it as {signing.statement} on {moment(signing.approved_at)}",
        ),
        (Actor("software", method.name, weights), f"computed the digital completion: a {how}"),
    ]
    if dossier.work.institution:
        told.append((Actor("organization", dossier.work.institution), "keeps the artefact"))
    noted: dict[Actor, list[str]] = {}
    for actor, note in told:
        noted.setdefault(actor, []).append(note)
    return noted


def _event(dossier: Dossier, occurrence: Occurrence, mask: Identity | None) -> Any:  # noqa: ANN401
    line = R(
        "record",
        record(occurrence),
        sequence=str(occurrence.sequence),
        previous=occurrence.previous_hash,
        sha256=occurrence.hash,
    )
    return P(
        "event",
        identifier("event", identity(occurrence)),
        _word("eventType", occurrence.type, occurrence.type_uri),
        P("eventDateTime", moment(occurrence.at)),
        P(
            "eventDetailInformation",
            P("eventDetail", canonical(dict(occurrence.detail))),
            P("eventDetailExtension", line),
        ),
        P(
            "eventOutcomeInformation",
            _word("eventOutcome", occurrence.outcome, occurrence.outcome_uri),
        ),
        *(
            identifier(
                "linkingAgent",
                actor.identity,
                *(controlled("linkingAgentRole", role) for role in roles),
            )
            for actor, roles in _acting(dossier, occurrence)
        ),
        *_concerned(dossier, occurrence, mask),
    )


def _word(name: str, word: str, uri: str) -> Any:  # noqa: ANN401
    """A word of a vocabulary that has the element's own name."""
    return P(name, word, authority=name, authorityURI=f"{BASE}/{name}", valueURI=uri)


def _acting(dossier: Dossier, occurrence: Occurrence) -> Iterator[tuple[Actor, list[Term]]]:
    """Who did it, in which roles."""
    actor = Actor(occurrence.agent_kind, occurrence.agent, occurrence.agent_version)
    if occurrence.agent_kind == "software":
        yield actor, [terms.EXECUTING_PROGRAM]
    else:
        signed = (
            occurrence.agent == dossier.signing.approver
            and occurrence.restoration == dossier.identifier
        )
        yield actor, [terms.IMPLEMENTER, *([terms.AUTHORIZER] if signed else [])]
    if occurrence.on_behalf_of:
        yield Actor("person", occurrence.on_behalf_of), [terms.IMPLEMENTER]


def _concerned(dossier: Dossier, occurrence: Occurrence, mask: Identity | None) -> Iterator[Any]:
    """Links to the objects of this document that it was about."""
    ours = occurrence.restoration == dossier.identifier
    source = [controlled("linkingObjectRole", terms.SOURCE)]
    makes = ours and occurrence.type in MAKES
    if occurrence.master_sha256 == dossier.original.sha256:
        yield identifier("linkingObject", master(dossier), *(source if makes else ()))
    if mask is not None:
        yield identifier("linkingObject", mask)
    if ours:
        outcome = [controlled("linkingObjectRole", terms.OUTCOME)] if makes else []
        yield identifier("linkingObject", restoration(dossier), *outcome)
