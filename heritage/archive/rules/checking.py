"""Hold a TIFF against rules: those that ship, or a house's own.

The rules look at structure and tags. Whether pixels can be decoded, ``heritage.tiff.inspect`` says.
"""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from heritage.archive.rules.fields import Rules
from heritage.archive.rules.metadata import metadata
from heritage.archive.rules.picture import picture
from heritage.archive.rules.skeleton import skeleton
from heritage.archive.rules.subject import Fault, Subject
from heritage.archive.rules.tags import tags
from heritage.errors import BadSetting, MasterRefused, StorageFailed
from heritage.tiff.parsing import StructureReader

__all__ = ["SHIPPED", "Fault", "Rules", "RulesRefused", "check_tiff", "load_rules"]

SHIPPED: Final = Path(__file__).parent / "shipped"
"""The rules that come with this program, from loose to strict: tiff, baseline, ti-a."""
DEEPEST: Final = 8
LARGEST: Final = 1 << 20
MERGED: Final = ("bits", "severity")


class RulesRefused(BadSetting):
    """A rules file that cannot be read, or says something unknown or impossible."""


def check_tiff(path: Path, rules: Rules) -> list[Fault]:
    """Everything in a file that is not as rules want it.

    Args:
        path: The file; only read.
        rules: From ``load_rules``.

    Returns:
        Errors first, then warnings; within each the file as a whole, then page by page. A file that
        is no TIFF, or whose structure is damaged, has a single fault: ``structure``.

    Raises:
        StorageFailed: If it cannot be read.
    """
    if not path.is_file():
        raise StorageFailed("there is no such file", path)
    try:
        with path.open("rb") as file:
            faults = _faults(StructureReader(file.fileno(), path), rules)
    except OSError as error:
        raise StorageFailed(f"cannot be read ({error.strerror})", path) from error
    except MasterRefused as error:
        severity = rules.severity_of("structure")
        # Of a file that is no TIFF nothing else can be said: this is never ignored.
        return [Fault("structure", "error" if severity == "ignore" else severity, error.reason)]
    return sorted(faults, key=lambda one: (one.severity, -1 if one.page is None else one.page))


def _faults(reader: StructureReader, rules: Rules) -> list[Fault]:
    subject = Subject(reader, reader.structure(), rules)
    remarks = chain(skeleton(subject), tags(subject), picture(subject), metadata(subject))
    found = (subject.fault(remark) for remark in remarks)
    return [fault for fault in found if fault is not None]


def load_rules(name_or_path: str | Path) -> Rules:
    """Read and check rules, with all that they extend.

    Args:
        name_or_path: A name of rules that ship, or a TOML file. A file wins over a shipped name.

    Raises:
        RulesRefused: Unreadable, an unknown field, a value that makes no sense, or a loop.
    """
    path = _find(name_or_path, Path())
    try:
        return Rules.model_validate(_merged(path, ()))
    except ValidationError as error:
        raise RulesRefused(_in_words(error), path) from error


def _find(name_or_path: str | Path, folder: Path) -> Path:
    path = folder / name_or_path
    if path.is_file():
        return path
    shipped = SHIPPED / f"{name_or_path}.toml"
    if Path(name_or_path).name == str(name_or_path) and shipped.is_file():
        return shipped
    names = ", ".join(sorted(one.stem for one in SHIPPED.glob("*.toml")))
    raise RulesRefused(f"there are no such rules; those that come with this are {names}", path)


def _merged(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """The fields of a file over those of the one it extends."""
    place = path.resolve()
    if place in above or len(above) >= DEEPEST:
        raise RulesRefused("extends itself, over one file or more", above[0] if above else path)
    own = _read(path)
    base = own.get("extends")
    if base is None:
        return own
    if not isinstance(base, str):
        raise RulesRefused(f"extends: must be a name or a file, not {base!r}", path)
    merged = _merged(_find(base, path.parent), (*above, place))
    for key in MERGED:
        if isinstance(own.get(key), dict) and isinstance(merged.get(key), dict):
            own[key] = merged[key] | own[key]
    return merged | own


def _read(path: Path) -> dict[str, Any]:
    """One file, checked by itself, so that a fault is told of the right file."""
    try:
        if path.stat().st_size > LARGEST:
            raise RulesRefused("is too large to be a rules file", path)
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulesRefused(f"cannot be read as rules: {error}", path) from error
    try:
        Rules.model_validate(table)
    except ValidationError as error:
        raise RulesRefused(_in_words(error), path) from error
    return table


def _in_words(error: ValidationError) -> str:
    """The first of pydantic's findings as one line."""
    first = error.errors()[0]
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"unknown field {field!r}; there are {', '.join(Rules.model_fields)}"
    if first["type"] == "value_error":
        return f"{field}: {first['ctx']['error']}"
    said = first["msg"][0].lower() + first["msg"][1:]
    return f"{field}: {said}, not {first['input']!r}"
