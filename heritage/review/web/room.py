"""What the whole application shares: the catalogue, open pictures, what was set at the start."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from heritage.errors import HeritageError
from heritage.review.desk import Desk
from heritage.review.errors import NotThere
from heritage.review.pictures import Scene, SceneClosed
from heritage.settings import Settings

Seen = TypeVar("Seen")

OPEN_SCENES = 8
"""Pictures that stay open; each keeps a bounded cache of its own."""


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
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cache(self) -> Path:
        """Folder of what can be made again."""
        return self.settings.home / "review-cache"

    def place(self, identifier: str) -> Place:
        """Where the pictures of a restoration, or of a master by its hash, lie.

        Raises:
            NotThere: If it is not on record, or has no files.
        """
        if len(identifier) == 64:
            story = self.desk.story(identifier)
            return Place(Path(story.path), None, 0)
        row, _ = self.desk.restoration(identifier)
        if not row.status.finished:
            raise NotThere(f"restoration {identifier} has no files yet")
        return Place(Path(row.master.path), Path(row.output), row.master.page)

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
