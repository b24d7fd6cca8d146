"""What the whole application shares: the catalogue, open pictures, what was set at the start."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from heritage.errors import HeritageError
from heritage.review.desk import Desk, Person
from heritage.review.errors import NotThere
from heritage.review.pictures import Scene, SceneClosed
from heritage.settings import Settings

Seen = TypeVar("Seen")

OPEN_SCENES = 8
"""Pictures that stay open; each keeps a bounded cache of its own."""


JUST_NOW = 2.0
"""Seconds for which somebody who was let in is shown tiles without asking the catalogue again."""

A_WHILE = 60.0
"""Seconds after which it is looked up anew where a master lies."""

KEPT = 1000
"""Answers of the catalogue that are kept, for tiles that ask the same again and again."""


@dataclass(frozen=True)
class Place:
    """Where the pictures of a restoration lie."""

    master: Path
    folder: Path | None
    page: int


@dataclass
class Room:
    """The application's state.

    Args:
        settings: The site's.
        desk: The open catalogue.
    """

    settings: Settings
    desk: Desk
    _scenes: OrderedDict[Place, Scene] = field(default_factory=OrderedDict)
    _people: dict[str, tuple[Person, float]] = field(default_factory=dict)
    _places: dict[str, tuple[Place, float]] = field(default_factory=dict)
    _undone: dict[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cache(self) -> Path:
        """Folder of what can be made again."""
        return self.settings.home / "review-cache"

    def saw(self, token: str, person: Person) -> None:
        """Somebody was let in just now."""
        if len(self._people) > KEPT:
            self._people.clear()
        self._people[token] = (person, time.monotonic() + JUST_NOW)

    def seen_just_now(self, token: str) -> Person | None:
        """Who was let in with this token a moment ago, for tiles that come by the hundred."""
        person, until = self._people.get(token, (None, 0.0))
        return person if until > time.monotonic() else None

    def place(self, identifier: str) -> Place:
        """Where the pictures of a restoration, or of a master by its hash, lie.

        Raises:
            NotThere: If it is not on record, or has no files.
        """
        place, until = self._places.get(identifier, (None, 0.0))
        if place is None or until < time.monotonic():
            place = self._look_up(identifier)
            if len(self._places) > KEPT:
                self._places.clear()
            self._places[identifier] = (place, time.monotonic() + A_WHILE)
        return place

    def _look_up(self, identifier: str) -> Place:
        if len(identifier) == 64:
            row = self.desk.master(identifier)
            return Place(Path(row.path), None, row.page)
        restoration, _ = self.desk.restoration(identifier)
        if not restoration.status.finished:
            raise NotThere(f"restoration {identifier} has no files yet")
        master = restoration.master
        return Place(Path(master.path), Path(restoration.output), master.page)

    def undone(self, identifier: str, revision: str | None) -> frozenset[int]:
        """Regions of a restoration that show the master: at a revision, or as decided now.

        Tiles come by the hundred at one revision, so that what is known of it is kept.
        """
        key = (identifier, revision or "")
        known = self._undone.get(key)
        if known is None:
            row, _ = self.desk.restoration(identifier)
            known = self.desk.taken_back(identifier)
            if revision == str(row.revision):
                if len(self._undone) > KEPT:
                    self._undone.clear()
                self._undone[key] = known
        return known

    def scene(self, place: Place) -> Scene:
        """The picture, opened once however many ask for it.

        Raises:
            HeritageError: If its files are gone or cannot be read.
        """
        with self._lock:
            if place in self._scenes:
                self._scenes.move_to_end(place)
                return self._scenes[place]
        try:
            scene = Scene(place.master, place.folder, self.cache, place.page)
        except OSError as error:
            raise HeritageError(f"cannot be read: {error.strerror}", place.master) from None
        with self._lock:
            known = self._scenes.setdefault(place, scene)
            gone = [] if len(self._scenes) <= OPEN_SCENES else [self._scenes.popitem(last=False)[1]]
        for one in gone if known is scene else [*gone, scene]:
            one.close()
        return known

    def looking(self, place: Place, look: Callable[[Scene], Seen]) -> Seen:
        """What ``look`` makes of a picture, opened anew if it was let go of just now."""
        while True:
            with suppress(SceneClosed):
                return look(self.scene(place))

    def close(self) -> None:
        """Let go of all pictures."""
        with self._lock:
            scenes = list(self._scenes.values())
            self._scenes.clear()
        for scene in scenes:
            with suppress(OSError):
                scene.close()
