"""What a restoration is called: the master's file name, made safe, and unique in its batch."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LONGEST = 200  # bytes; leaves room for ".provenance.json" below the usual limit of 255
_FORBIDDEN = frozenset('/\\:*?"<>|')


@dataclass(frozen=True)
class NamedSource:
    """A master and the name of its restoration, or why it cannot have one.

    Args:
        source: The master's path.
        name: ``NAME`` in ``OUTPUT/NAME/NAME.restored.tif``; None if refused.
        reason: Why it was refused, as one sentence; None otherwise.
    """

    source: Path
    name: str | None
    reason: str | None = None


def restoration_name(source: Path) -> str:
    """The file name without its extension, fit for every file system."""
    stem = source.name
    for ending in (".tiff", ".tif", ".btf", ".tf8"):
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            stem = stem[: -len(ending)]
            break
    stem = unicodedata.normalize("NFC", stem)
    safe = "".join(
        "_" if sign in _FORBIDDEN or unicodedata.category(sign)[0] == "C" else sign for sign in stem
    )
    safe = safe.strip(" ").rstrip(".").lstrip(".") or "master"
    while len(safe.encode()) > LONGEST:
        safe = safe[:-1]
    return safe.rstrip(" .")


def plan_names(sources: Iterable[Path], output: Path) -> list[NamedSource]:
    """Name every master of a batch; those that would land in one folder are refused.

    Args:
        sources: Masters, in order.
        output: The folder that will hold the restorations.

    Returns:
        One entry per source, in order. All masters of one name are refused, because which of
        them came first says nothing about which was meant; a path given twice is refused the
        second time.
    """
    listed = [Path(source) for source in sources]
    by_name: dict[str, list[Path]] = defaultdict(list)
    for source in dict.fromkeys(path.resolve() for path in listed):
        # Some file systems take "A" and "a" for one name.
        by_name[restoration_name(source).casefold()].append(source)
    named, seen = [], set()
    for source in listed:
        full, name = source.resolve(), restoration_name(source.resolve())
        rivals = [other for other in by_name[name.casefold()] if other != full]
        if full in seen:
            named.append(NamedSource(source, None, "given twice; it is restored once"))
        elif rivals:
            named.append(NamedSource(source, None, _collision(output / name, rivals[0])))
        else:
            named.append(NamedSource(source, name))
        seen.add(full)
    return named


def _collision(folder: Path, rival: Path) -> str:
    return (
        f"would be restored into {folder}, and so would {rival}: "
        "rename one of them or restore them into different output folders"
    )
