"""What staff decide about a restoration: region by region, undone, signed off, or rejected whole.

All functions expect a session of ``Database.writing``. Nobody overwrites a decision that he has not
seen: a region carries a version, and another person's decision must be confirmed to be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db.chain import Happening, append
from db.errors import Contradiction
from db.ingest import Origin
from db.restorations import Region, Restoration
from db.reviews import SignOff, Step
from db.vocabulary import Decision, EventType, Outcome, Statement, Status

CHUNK = 500
"""Regions looked up in one query."""


class Frozen(Contradiction):
    """The restoration is signed off, or there is nothing to decide about it."""


@dataclass(frozen=True)
class Choice:
    """What a person says of one region, having seen it at ``version``.

    ``confirmed`` says that the person knows it was somebody else's decision.
    """

    number: int
    version: int
    decision: Decision
    note: str | None = None
    confirmed: bool = False


@dataclass(frozen=True)
class Decided:
    """What became of choices.

    Attributes:
        changed: Regions as they are now.
        refused: Regions that somebody else had decided meanwhile, as they are.
        revision: Of the restoration's decisions, now.
    """

    changed: list[Region]
    refused: list[Region]
    revision: int


def decide(
    session: Session, restoration_id: int, choices: Sequence[Choice], origin: Origin
) -> Decided:
    """Decide on regions; those that changed meanwhile are left and returned as refused.

    Raises:
        Frozen: If the restoration does not await review.
        Contradiction: If it has no such region.
    """
    row = _open(session, restoration_id)
    regions = _regions(session, row.id, [choice.number for choice in choices])
    changed, refused, steps = [], [], []
    for choice in choices:
        region = regions[choice.number]
        if region.version != choice.version or not _may(region, choice, origin.agent.name):
            refused.append(region)
            continue
        steps.append(_step(row, region, origin))
        _count(row, region.decision, choice.decision)
        pending = choice.decision is Decision.PENDING
        region.decision = choice.decision
        region.note = region.note if choice.note is None else choice.note
        region.decided_by = None if pending else origin.agent.name
        region.decided_at = None if pending else origin.at
        region.version += 1
        changed.append(region)
    if changed:
        row.revision += 1
        session.execute(insert(Step), steps)
        _tell(session, row, changed, origin)
    session.flush()
    return Decided(changed, refused, row.revision)


def undo(session: Session, restoration_id: int, origin: Origin) -> Decided | None:
    """Take back the person's last decision that still stands; ``None`` if there is none.

    Regions that somebody else has decided since are left as they are and returned as refused.

    Raises:
        Frozen: If the restoration does not await review.
    """
    row = _open(session, restoration_id)
    mine = (
        Step.restoration_id == row.id,
        Step.taken_by == origin.agent.name,
        Step.undone.is_(False),
    )
    last = session.scalar(select(func.max(Step.revision)).where(*mine))
    if last is None:
        return None
    steps = session.scalars(select(Step).where(*mine, Step.revision == last)).all()
    regions = _regions(session, row.id, [step.number for step in steps])
    changed, refused = [], []
    for step in steps:
        region = regions[step.number]
        step.undone = True
        if region.version != step.left_version:
            refused.append(region)
            continue
        _count(row, region.decision, step.decision)
        region.decision, region.note = step.decision, step.note
        region.decided_by, region.decided_at = step.decided_by, step.decided_at
        region.version += 1
        _let_undo_go_on(session, step, region.version)
        changed.append(region)
    row.revision += 1
    _tell(session, row, changed, origin, undone=last)
    session.flush()
    return Decided(changed, refused, row.revision)


def hand_in(
    session: Session, restoration_id: int, statement: Statement, remark: str, origin: Origin
) -> None:
    """Say that all is decided and what the picture shows; from now on nothing changes.

    Raises:
        Frozen: If it does not await review.
        Contradiction: If regions are undecided, or no fill is left.
    """
    row = _open(session, restoration_id)
    if row.pending:
        raise Contradiction(f"{row.pending} regions are not decided yet")
    if row.taken_back == row.region_count:
        raise Contradiction("every fill was taken back: reject the restoration instead")
    session.add(
        SignOff(
            restoration_id=row.id,
            statement=statement,
            remark=remark,
            author=origin.agent.name,
            authored_at=origin.at,
        )
    )
    detail = {"handed in": statement.value, "remark": remark, "revision": row.revision}
    _append(session, row, detail, origin)


def approve(session: Session, restoration_id: int, two_people: bool, origin: Origin) -> None:
    """Sign a restoration that was handed in.

    Args:
        session: Of ``Database.writing``.
        restoration_id: Its row.
        two_people: Whether the approver must not be the author.
        origin: The approver.

    Raises:
        Frozen: If it was not handed in, or is signed already.
        Contradiction: If the author signs and may not.
    """
    row = session.get_one(Restoration, restoration_id)
    sign_off = session.get(SignOff, row.id)
    if (
        sign_off is None
        or sign_off.approver is not None
        or row.status is not Status.AWAITING_REVIEW
    ):
        raise Frozen("is not waiting for a signature")
    if two_people and sign_off.author == origin.agent.name:
        raise Contradiction("somebody else than the author has to sign")
    sign_off.approver, sign_off.approved_at = origin.agent.name, origin.at
    row.status = Status.APPROVED
    detail = {
        "signed off": sign_off.statement.value,
        "author": sign_off.author,
        "revision": row.revision,
        "taken back": row.taken_back,
    }
    _append(session, row, detail, origin)


def send_back(session: Session, restoration_id: int, reason: str, origin: Origin) -> None:
    """Give a restoration that was handed in back to the reviewers.

    Raises:
        Frozen: If it was not handed in, or is signed.
    """
    row = session.get_one(Restoration, restoration_id)
    sign_off = session.get(SignOff, row.id)
    if sign_off is None or sign_off.approver is not None:
        raise Frozen("is not waiting for a signature")
    session.delete(sign_off)
    _append(session, row, {"sent back": reason, "author": sign_off.author}, origin)


def reject(session: Session, restoration_id: int, reason: str, origin: Origin) -> None:
    """Reject a restoration as a whole, with the reason.

    Raises:
        Frozen: If it does not await review.
    """
    row = _open(session, restoration_id)
    row.status, row.verdict = Status.REJECTED, reason
    _append(session, row, {"rejected": reason}, origin, Outcome.FAILURE)


def record_composed(
    session: Session, restoration_id: int, folder: str, sha256: str, origin: Origin
) -> None:
    """Record the files that the decisions of a signed restoration became; once.

    Args:
        session: Of ``Database.writing``.
        restoration_id: Its row.
        folder: Where they lie.
        sha256: Of the restored file.
        origin: Who and when.
    """
    row = session.get_one(Restoration, restoration_id)
    sign_off = session.get_one(SignOff, row.id)
    if sign_off.composed is not None:
        if sign_off.composed_sha256 != sha256:
            raise Contradiction(f"restoration {row.identifier} was composed with other files")
        return
    sign_off.composed, sign_off.composed_sha256 = folder, sha256
    detail = {"composed": folder, "digest": sha256, "taken back": row.taken_back}
    _append(session, row, detail, origin, kind=EventType.MODIFICATION)


def _open(session: Session, restoration_id: int) -> Restoration:
    row = session.get_one(Restoration, restoration_id)
    if row.status is not Status.AWAITING_REVIEW:
        raise Frozen(f"is {row.status}: nothing can be decided about it")
    if session.get(SignOff, row.id) is not None:
        raise Frozen("was handed in for signing: its decisions are frozen")
    return row


def _may(region: Region, choice: Choice, person: str) -> bool:
    return choice.confirmed or region.decided_by in (None, person)


def _regions(session: Session, restoration_id: int, numbers: Sequence[int]) -> dict[int, Region]:
    found: dict[int, Region] = {}
    for first in range(0, len(numbers), CHUNK):
        query = select(Region).where(
            Region.restoration_id == restoration_id,
            Region.number.in_(numbers[first : first + CHUNK]),
        )
        found |= {region.number: region for region in session.scalars(query)}
    missing = sorted(set(numbers) - found.keys())
    if missing:
        raise Contradiction(f"there is no region {missing[0]}")
    return found


def _step(row: Restoration, region: Region, origin: Origin) -> dict[str, object]:
    return {
        "restoration_id": row.id,
        "revision": row.revision + 1,
        "number": region.number,
        "taken_by": origin.agent.name,
        "taken_at": origin.at,
        "left_version": region.version + 1,
        "undone": False,
        "decision": region.decision,
        "note": region.note,
        "decided_by": region.decided_by,
        "decided_at": region.decided_at,
    }


def _let_undo_go_on(session: Session, undone: Step, version: int) -> None:
    """The step before the one that was undone led to what the region is again: it knows so now."""
    before = session.scalar(
        select(Step)
        .where(
            Step.restoration_id == undone.restoration_id,
            Step.number == undone.number,
            Step.revision < undone.revision,
            Step.undone.is_(False),
        )
        .order_by(Step.revision.desc())
        .limit(1)
    )
    if before is not None:
        before.left_version = version


def _count(row: Restoration, before: Decision, after: Decision) -> None:
    row.pending += (after is Decision.PENDING) - (before is Decision.PENDING)
    row.taken_back += (not after.keeps_fill) - (not before.keeps_fill)


def _tell(
    session: Session,
    row: Restoration,
    regions: Sequence[Region],
    origin: Origin,
    undone: int | None = None,
) -> None:
    groups: dict[tuple[str, str], list[int]] = {}
    for region in regions:
        groups.setdefault((region.decision.value, region.note), []).append(region.number)
    said = [
        {"decision": decision, "note": note, "regions": _ranges(numbers)}
        for (decision, note), numbers in groups.items()
    ]
    detail: dict[str, object] = {"revision": row.revision, "decided": said}
    if undone is not None:
        detail["undone"] = undone
    _append(session, row, detail, origin)


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Numbers as first and last of each run, so that thousands at once stay a short line."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def _append(
    session: Session,
    row: Restoration,
    detail: Mapping[str, object],
    origin: Origin,
    outcome: Outcome = Outcome.SUCCESS,
    kind: EventType = EventType.APPRAISAL,
) -> None:
    happening = Happening(
        kind,
        outcome,
        origin.at,
        origin.agent,
        dict(detail),
        master=row.master.sha256,
        mask=row.mask.sha256,
        restoration=row.identifier,
    )
    append(session, happening)
