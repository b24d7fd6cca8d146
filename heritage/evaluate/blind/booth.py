"""Who is voting in which browser, on what; the only place that knows what a token stands for.

The browser never sees a name of a model, a file or a side, only tokens drawn at random for each
turn, which mean nothing once it is over.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from db.votes import Answer, Ballot, VoterRole
from heritage.catalogue import Catalogue
from heritage.evaluate.blind.ballots import cast_ballot, read_ballots
from heritage.evaluate.blind.layout import DAMAGED, MASK, Evaluation
from heritage.evaluate.blind.pairs import TRUTH_SHARE, Comparison, Turn, comparisons, next_turn
from heritage.evaluate.blind.pictures import Pixels, centre, outline, png, read_hole, read_pixels

VISITORS = 64
"""Browsers remembered; the one that was longest away is forgotten and starts anew."""

SITTING = 50
"""Votes after which the page suggests a pause."""


@dataclass(frozen=True)
class Showing:
    """A turn as one browser sees it.

    Attributes:
        turn: What is compared.
        ticket: What an answer has to bring along.
        pictures: What the page shows, by token: ``damaged``, ``left``, ``right``, ``outline``.
        focus: Where the hole is, across and down, as shares of 0 to 1.
        size: Width and height in pixels.
        begun: When it was first shown, by a clock that only counts.
    """

    turn: Turn
    ticket: str
    pictures: dict[str, str]
    focus: tuple[float, float]
    size: tuple[int, int]
    begun: float


@dataclass
class Visitor:
    """One browser, and who sits before it."""

    form_token: str
    voter: str = ""
    role: VoterRole = VoterRole.UNSTATED
    showing: Showing | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Progress:
    """How far a voter is: votes stored, votes possible, and the next moment for a pause."""

    stored: int
    possible: int
    pause_at: int


class Booth:
    """Shows pairs to people and stores what they say; safe to use from several threads.

    Args:
        evaluation: What is judged.
        catalogue: Where votes go.
        suggested: The name that the first page suggests.
        truth_share: Part of the turns in which one side is the truth.
        clock: Seconds that only count up.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        catalogue: Catalogue,
        suggested: str = "",
        truth_share: float = TRUTH_SHARE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.suggested = suggested
        self._evaluation = evaluation
        self._catalogue = catalogue
        self._truth_share = truth_share
        self._clock = clock
        self._offered = comparisons(evaluation, truth=truth_share > 0)
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()
        self._lock = threading.Lock()

    def welcome(self, key: str | None) -> tuple[str, Visitor]:
        """The visitor with this key, or a new one with a new key."""
        with self._lock:
            if key is None or key not in self._visitors:
                key = secrets.token_urlsafe(32)
                self._visitors[key] = Visitor(secrets.token_urlsafe(32))
            self._visitors.move_to_end(key)
            while len(self._visitors) > VISITORS:
                self._visitors.popitem(last=False)
            return key, self._visitors[key]

    def known(self, key: str | None) -> Visitor | None:
        """The visitor with this key."""
        with self._lock:
            return None if key is None else self._visitors.get(key)

    def show(self, visitor: Visitor) -> tuple[Showing | None, Progress]:
        """What this voter sees now; None when everything has been judged."""
        with visitor.lock:
            cast = read_ballots(self._catalogue, self._evaluation.identifier)
            stored = sum(ballot.voter == visitor.voter for ballot in cast)
            if visitor.showing is None:
                visitor.showing = self._next(visitor.voter, cast)
            possible = len(self._offered)
            pause_at = min((stored // SITTING + 1) * SITTING, max(possible, stored))
            return visitor.showing, Progress(stored, possible, pause_at)

    def answer(self, visitor: Visitor, ticket: str, answer: Answer) -> bool:
        """Store an answer to what is shown; False if it answers something else by now."""
        with visitor.lock:
            showing = visitor.showing
            if showing is None or not secrets.compare_digest(showing.ticket, ticket):
                return False
            case = showing.turn.comparison.case
            ballot = Ballot(
                evaluation=self._evaluation.identifier,
                voter=visitor.voter,
                role=visitor.role,
                family=case.family,
                picture=case.picture,
                left=showing.turn.left,
                right=showing.turn.right,
                answer=answer,
                seconds=round(max(0.0, self._clock() - showing.begun), 2),
                at=datetime.now(UTC),
            )
            cast_ballot(self._catalogue, ballot)
            visitor.showing = None
            return True

    def picture(self, visitor: Visitor, token: str) -> bytes | None:
        """The PNG that a token of the present turn stands for."""
        showing = visitor.showing
        if showing is None:
            return None
        case = showing.turn.comparison.case
        meaning = {token: part for part, token in showing.pictures.items()}.get(token)
        if meaning is None:
            return None
        if meaning == "outline":
            return png(outline(read_hole(case.folder / f"{MASK}.png")))
        files = {
            "damaged": case.folder / f"{DAMAGED}.png",
            "left": case.file(showing.turn.left),
            "right": case.file(showing.turn.right),
        }
        return png(read_pixels(files[meaning]))

    def _next(self, voter: str, cast: list[Ballot]) -> Showing | None:
        while turn := next_turn(self._offered, cast, voter, self._truth_share):
            first, second = map(turn.comparison.case.file, turn.comparison.pair)
            pixels = read_pixels(first)
            if (pixels != read_pixels(second)).any():
                return self._showing(turn, pixels)
            self._withdraw(turn.comparison)
        return None

    def _withdraw(self, comparison: Comparison) -> None:
        """Two fills that are the same to the last bit are nothing to ask people about."""
        self._offered = [other for other in self._offered if other != comparison]

    def _showing(self, turn: Turn, pixels: Pixels) -> Showing:
        hole = read_hole(turn.comparison.case.folder / f"{MASK}.png")
        parts = ("damaged", "left", "right", "outline")
        return Showing(
            turn=turn,
            ticket=secrets.token_urlsafe(32),
            pictures={part: secrets.token_urlsafe(24) for part in parts},
            focus=centre(hole),
            size=(pixels.shape[1], pixels.shape[0]),
            begun=self._clock(),
        )
