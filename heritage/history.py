"""The history of one master, as staff read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from db import queries
from db.queries import EventLine, RestorationLine
from heritage.errors import CatalogueRefused

Say = Callable[[str], str]


@dataclass(frozen=True)
class History:
    """All that is on record of one master."""

    sha256: str
    path: str
    accession: str
    title: str
    events: list[EventLine]
    restorations: list[RestorationLine]

    @classmethod
    def of(cls, session: Session, name: str, path: str) -> History:
        """The history of the master that ``name``, or else ``path``, means.

        Raises:
            CatalogueRefused: If it means none, or several.
        """
        found = queries.find_master(session, name) or queries.find_master(session, path)
        if not found:
            raise CatalogueRefused(f"no master is on record as {name!r}")
        if len(found) > 1:
            hashes = ", ".join(master.sha256[:12] for master in found[:5])
            raise CatalogueRefused(f"{name!r} means several masters; say which one: {hashes} …")
        master = found[0]
        return cls(
            sha256=master.sha256,
            path=master.path,
            accession=master.artefact.accession,
            title=master.artefact.title,
            events=queries.events_of(session, master.sha256),
            restorations=queries.restorations(session, None, master.sha256, limit=1000, offset=0),
        )

    def lines(self) -> list[str]:
        """One line per event, oldest first, then the restorations that are still open."""
        told = [_tell(event) for event in self.events]
        waiting = [_tell_open(line) for line in reversed(self.restorations)]
        return told + [line for line in waiting if line]

    def what(self, event: EventLine, say: Say = str) -> str:
        """What an event of it says, in a few words.

        Args:
            event: One of ``events``.
            say: Gives a sentence in the reader's language; its gaps are filled afterwards.
        """
        return _what(event, say)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        record = asdict(self)
        for lines in (record["events"], record["restorations"]):
            for line in lines:
                for name in ("at", "started_at", "finished_at"):
                    if line.get(name) is not None:
                        line[name] = line[name].isoformat()
        return record


def _tell(event: EventLine) -> str:
    who = event.agent if event.on_behalf_of is None else f"{event.on_behalf_of} ({event.agent})"
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.type}: {_what(event)}  — {who}"


def _what(event: EventLine, _: Say = str) -> str:
    """What an event says, in a few words."""
    detail = event.detail
    if "reason" in detail:
        return _("failed, {reason}").format(reason=detail["reason"])
    if "abandoned" in detail:
        return _("abandoned, {reason}").format(reason=detail["abandoned"])
    match event.type:
        case "modification" if "composed" in detail:
            return _("composed as it was signed, in {folder}").format(folder=detail["composed"])
        case "modification":
            return _(
                "{regions} regions, {pixels} pixels filled with {model}, awaiting review,"
                " in {folder}"
            ).format(
                regions=detail["regions"],
                pixels=detail["damaged_pixels"],
                model=detail["model"][0],
                folder=detail["output"],
            )
        case "information package creation":
            return _("packed for the archive, in {folder}").format(folder=detail["package"])
        case "message digest calculation":
            return f"{detail['algorithm']} {detail['digest'][:12]}…"
        case "ingestion" if "pixels" in detail:
            return _("mask of {pixels} pixels, {origin}: {source}").format(
                pixels=detail["pixels"], origin=_(detail["origin"]), source=detail["source"]
            )
        case "ingestion":
            return _("{path} ({bytes} bytes) as {accession}").format_map(detail)
        case "forensic feature analysis":
            return _("damage detected, {pixels} pixels proposed").format_map(detail)
        case "appraisal":
            return _appraised(detail, _)
        case "fixity check" if event.outcome == "success":
            return _("all files sound")
        case "fixity check":
            return _("failed: {findings}").format(findings="; ".join(detail["findings"]))
    return event.outcome


def _appraised(detail: dict[str, Any], _: Say) -> str:
    """What somebody decided, in a few words."""
    match detail:
        case {"accepted": origin}:
            return _("the proposed mask was accepted ({origin})").format(origin=_(origin))
        case {"decided": said, "undone": revision}:
            words = _("decision {revision} undone: {decisions}")
            return words.format(revision=revision, decisions=_decisions(said, _))
        case {"decided": said}:
            return _decisions(said, _)
        case {"handed in": statement}:
            return _("handed in for signing as {statement}").format(statement=_(statement))
        case {"signed off": statement}:
            words = _("signed off as {statement}; {count} fills taken back")
            return words.format(statement=_(statement), count=detail["taken back"])
        case {"sent back": reason}:
            return _("sent back to the reviewers: {reason}").format(reason=reason)
        case {"rejected": reason}:
            return _("rejected as a whole: {reason}").format(reason=reason)
    return _("appraised")


def _decisions(said: list[dict[str, Any]], _: Say) -> str:
    return "; ".join(
        _("regions {numbers} {decision}").format(
            numbers=_numbers(one["regions"]), decision=_(one["decision"])
        )
        + (f" ({one['note']})" if one["note"] else "")
        for one in said
    )


def _numbers(ranges: list[list[int]]) -> str:
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in ranges[:10]]
    return ", ".join(shown) + (" …" if len(ranges) > 10 else "")


def _tell_open(line: RestorationLine) -> str | None:
    if line.finished_at is not None or line.started_at is None:
        return None
    started = f"{line.started_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{started}  {line.status}: with {line.model}, into {line.output}  — {line.operator}"
