"""A TIFF under examination: its structure, its tags as plain values, and what is found wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from heritage.archive.rules.fields import Rules, tag_name
from heritage.tiff.parsing import StructureReader
from heritage.tiff.structure import INTEGER_TYPES, SUB_IFDS, Directory, Structure, Tag

MOST_VALUES: Final = 1 << 24
"""Values of one tag that are looked at; a picture with more tiles or strips is nobody's scan."""


@dataclass(frozen=True)
class Fault:
    """One thing in a file that is not as rules want it.

    Args:
        rule: Its name, as in ``heritage.archive.rules.fields.RULES``.
        severity: ``error``, or ``warning`` for what is merely better avoided.
        sentence: What is wrong, and where.
        page: The page it belongs to, from 0; None: the file as a whole.
        tag: The tag concerned.
        offset: Where in the file to look, in bytes.
    """

    rule: str
    severity: Literal["error", "warning"]
    sentence: str
    page: int | None = None
    tag: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.severity}: {self.sentence} [{self.rule}]"

    @property
    def refuses(self) -> bool:
        """Whether an archive must not take the file for it."""
        return self.severity == "error"

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "sentence": self.sentence,
            "page": self.page,
            "tag": self.tag,
            "offset": self.offset,
        }


@dataclass(frozen=True)
class Remark:
    """What a check noticed, before the rules have said how grave that is.

    Args:
        rule: Broken.
        sentence: Without the place.
        directory: The place; None: the file.
        tag: The tag concerned.
        offset: Where to look; by default where the tag's entry or the directory lies.
    """

    rule: str
    sentence: str
    directory: Directory | None = None
    tag: int | None = None
    offset: int | None = None


Remarks = Iterator[Remark]


@dataclass(frozen=True)
class Subject:
    """An open file and the rules that it is held against."""

    reader: StructureReader
    structure: Structure
    rules: Rules

    def pictures(self) -> Iterator[Directory]:
        """Every directory that holds a picture, once: pages, and sub-images at any depth."""
        seen = set[int]()
        for page in self.structure.pages:
            for one in _pictures(page):
                if one.at not in seen:
                    seen.add(one.at)
                    yield one

    def full_size(self, directory: Directory) -> bool:
        """Whether it is a page of its own, neither a smaller version of another nor a mask."""
        if all(directory is not page for page in self.structure.pages):
            return False
        kind, old = self.first(directory, 254, 0), self.first(directory, 255, 1)
        return not (kind or 0) & 0b101 and old != 2

    def numbers(
        self, directory: Directory, code: int, default: list[int] | None = None
    ) -> list[int] | None:
        """The whole numbers of a tag.

        Returns:
            ``default`` where it is absent; None where it is there and holds no usable ones: that is
            told of its type, once.
        """
        tag = directory.tags.get(code)
        if tag is None:
            return default
        if tag.type not in INTEGER_TYPES or not 0 < tag.count <= MOST_VALUES:
            return None
        return [int(value) for value in self.reader.values(tag).tolist()]

    def first(self, directory: Directory, code: int, default: int | None = None) -> int | None:
        """The first number of a tag, likewise."""
        found = self.numbers(directory, code, None if default is None else [default])
        return found[0] if found else None

    def raw(self, tag: Tag) -> bytes:
        """The bytes of a tag's value."""
        return self.reader.read(tag.value_at, tag.size)

    def samples(self, directory: Directory) -> int | None:
        """Samples of a pixel; where nothing says so, as many as there are depths of them."""
        depths = directory.tags.get(258)
        return self.first(directory, 277, 1 if depths is None else depths.count)

    def fault(self, remark: Remark) -> Fault | None:
        """The fault that a remark is by the rules; None where they do not mind."""
        severity = self.rules.severity_of(remark.rule)
        if severity == "ignore":
            return None
        place, offset = remark.directory, remark.offset
        if offset is None and place is not None:
            tag = place.tags.get(remark.tag or -1)
            offset = place.at if tag is None else tag.at
        name = "" if place is None else f"{place.name}: "
        about = "" if remark.tag is None else f"{tag_name(remark.tag)} "
        page = None if place is None else self._page(place)
        return Fault(
            remark.rule, severity, f"{name}{about}{remark.sentence}", page, remark.tag, offset
        )

    def _page(self, directory: Directory) -> int | None:
        for index, page in enumerate(self.structure.pages):
            if any(one is directory for one in page.walk()):
                return index
        return None


def _pictures(directory: Directory) -> Iterator[Directory]:
    yield directory
    for code, child in directory.children:
        if code == SUB_IFDS:
            yield from _pictures(child)
