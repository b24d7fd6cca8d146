"""The table of votes: which of two fills a person would rather accept; never changed or removed.

The database itself refuses updates, deletions, votes out of order and a second vote of one person
on the same pair, by triggers that the migrations create (``db/migrations``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Double, Index, Select, String, and_, func, insert, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.columns import Base, UtcDateTime, check, is_hash, one_of, sha256_column

TRUTH = "truth"
"""What stands for the undamaged picture where a model's name is expected."""


class Answer(StrEnum):
    """What a person says of two fills seen side by side."""

    LEFT = "left"
    RIGHT = "right"
    NO_DIFFERENCE = "no difference"
    BOTH_UNACCEPTABLE = "both unacceptable"


class VoterRole(StrEnum):
    """What the voter does in the house; nobody has to say."""

    CONSERVATOR = "conservator"
    CURATOR = "curator"
    PHOTOGRAPHER = "photographer"
    OTHER = "other"
    UNSTATED = "unstated"


class Vote(Base):
    """One answer of one person to one pair of fills.

    An evaluation is named by the SHA-256 of its pictures and holes, a model by its name and the
    SHA-256 of its weights, so that a vote can be read outside this database and for as long as
    somebody keeps the pictures.
    """

    __tablename__ = "vote"
    __table_args__ = (
        Index("ix_vote_evaluation_sha256_voter", "evaluation_sha256", "voter"),
        *map(is_hash, ("evaluation_sha256", "left_weights_sha256", "right_weights_sha256")),
        check("sequence_from_one", "sequence >= 1"),
        check("has_voter", "length(voter) > 0"),
        check("has_place", "length(family) > 0 AND length(picture) > 0"),
        check("has_models", "length(left_model) > 0 AND length(right_model) > 0"),
        check(
            "two_contenders",
            "left_model <> right_model"
            " OR coalesce(left_weights_sha256, '') <> coalesce(right_weights_sha256, '')",
        ),
        check("time_passes", "seconds >= 0"),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    evaluation_sha256: Mapped[str] = mapped_column(sha256_column())
    voter: Mapped[str] = mapped_column(String(255))
    voter_role: Mapped[VoterRole] = mapped_column(one_of(VoterRole))
    family: Mapped[str] = mapped_column(String(255))
    picture: Mapped[str] = mapped_column(String(255))
    left_model: Mapped[str] = mapped_column(String(255))
    left_weights_sha256: Mapped[str | None] = mapped_column(sha256_column())
    right_model: Mapped[str] = mapped_column(String(255))
    right_weights_sha256: Mapped[str | None] = mapped_column(sha256_column())
    answer: Mapped[Answer] = mapped_column(one_of(Answer))
    seconds: Mapped[float] = mapped_column(Double)


@dataclass(frozen=True, order=True)
class Contender:
    """What made a fill: a model and its weights, or the truth.

    Attributes:
        name: The model's name; ``TRUTH`` for the undamaged picture.
        weights: SHA-256 of the weights; empty for what has none.
    """

    name: str
    weights: str = ""


@dataclass(frozen=True)
class Ballot:
    """A vote as it is cast and read.

    Attributes:
        evaluation: SHA-256 that names the evaluation the fills belong to.
        voter: The person's name.
        role: What the person does.
        family: The family of damage.
        picture: The picture's name, without its ending.
        left: What was shown as A.
        right: What was shown as B.
        answer: What the person said.
        seconds: How long the person looked.
        at: When, with time zone.
    """

    evaluation: str
    voter: str
    role: VoterRole
    family: str
    picture: str
    left: Contender
    right: Contender
    answer: Answer
    seconds: float
    at: datetime


def cast(session: Session, ballot: Ballot) -> bool:
    """Record a vote; whether it is new.

    Args:
        session: Of ``Database.writing``, so that nobody votes between looking and writing.
        ballot: The vote.

    Returns:
        False if this person has judged this pair before: then the first answer stays.
    """
    if session.scalar(_same_pair(ballot)) is not None:
        return False
    last = session.scalar(select(func.max(Vote.sequence))) or 0
    row = {
        "sequence": last + 1,
        "at": ballot.at,
        "evaluation_sha256": ballot.evaluation,
        "voter": ballot.voter,
        "voter_role": ballot.role,
        "family": ballot.family,
        "picture": ballot.picture,
        "left_model": ballot.left.name,
        "left_weights_sha256": ballot.left.weights or None,
        "right_model": ballot.right.name,
        "right_weights_sha256": ballot.right.weights or None,
        "answer": ballot.answer,
        "seconds": ballot.seconds,
    }
    session.execute(insert(Vote).values(row))
    return True


def ballots(session: Session, evaluation: str | None = None) -> list[Ballot]:
    """All votes in the order they were cast, of one evaluation or of all."""
    columns = Vote.__table__.columns
    query = select(*columns).order_by(columns.sequence)
    if evaluation is not None:
        query = query.where(columns.evaluation_sha256 == evaluation)
    return [
        Ballot(
            evaluation=row.evaluation_sha256,
            voter=row.voter,
            role=row.voter_role,
            family=row.family,
            picture=row.picture,
            left=Contender(row.left_model, row.left_weights_sha256 or ""),
            right=Contender(row.right_model, row.right_weights_sha256 or ""),
            answer=row.answer,
            seconds=row.seconds,
            at=row.at,
        )
        for row in session.execute(query)
    ]


def _same_pair(ballot: Ballot) -> Select[tuple[int]]:
    """This person's vote on this pair, whichever of the two was on the left."""
    sides = ((ballot.left, ballot.right), (ballot.right, ballot.left))
    return select(Vote.sequence).where(
        Vote.evaluation_sha256 == ballot.evaluation,
        Vote.voter == ballot.voter,
        Vote.family == ballot.family,
        Vote.picture == ballot.picture,
        or_(*(_shown(left, right) for left, right in sides)),
    )


def _shown(left: Contender, right: Contender) -> ColumnElement[bool]:
    return and_(
        Vote.left_model == left.name,
        func.coalesce(Vote.left_weights_sha256, "") == left.weights,
        Vote.right_model == right.name,
        func.coalesce(Vote.right_weights_sha256, "") == right.weights,
    )
