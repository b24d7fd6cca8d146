"""Read a recipe, what a training does, from a TOML file; what is wrong with it is said in words."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from heritage.errors import HeritageError
from heritage.train.schema import Recipe

__all__ = ["SHIPPED", "Recipe", "RecipeRefused", "find_recipe", "keys_of", "read_recipe"]

SHIPPED = Path(__file__).parent / "recipes"
"""The recipes that come with this program."""


class RecipeRefused(HeritageError):
    """A training recipe that says something unknown or impossible."""


def find_recipe(name: str | Path) -> Path:
    """The file of a recipe: a path, or the bare name of one that comes with this program.

    A file wins over a shipped recipe of the same name.

    Raises:
        RecipeRefused: If there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = SHIPPED / f"{name}.toml"
    if path.name == str(name) and shipped.is_file():
        return shipped
    names = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.toml")))
    raise RecipeRefused(f"there is no such recipe; those that come with this are {names}", path)


def read_recipe(path: Path, places: Mapping[str, Path | None] | None = None) -> Recipe:
    """Read and check a recipe; folders and files in it are relative to the recipe's own folder.

    Args:
        path: The TOML file.
        places: Other folders for ``pictures``, ``validation`` and ``masks``, relative to where the
            program runs; None leaves the recipe's. Where the pictures are others, masks of the
            recipe that are not there are done without.

    Raises:
        RecipeRefused: Unreadable, an unknown key, a missing one, a value that makes no sense, a
            folder or file that is not there, or terms that lack what they need.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeRefused(f"cannot be read as a recipe: {error}", path) from error
    _refuse_unknown(path, "", table, Recipe)
    _replace(path, table, {key: place for key, place in (places or {}).items() if place})
    _locate(path, table)
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        raise RecipeRefused(_in_words(error.errors()), path) from error


def keys_of(kind: Any) -> dict[str, type | None]:  # noqa: ANN401 - a class of either sort
    """The keys of a table of a recipe, each with the type of the table under it, if it is one.

    Args:
        kind: ``Recipe`` or the type of one of its tables: a pydantic model or a dataclass.
    """
    if issubclass(kind, BaseModel):
        return {
            field.alias or name: _table(field.annotation)
            for name, field in kind.model_fields.items()
        }
    return {field.name: None for field in dataclasses.fields(kind)}


def _table(kind: Any) -> type | None:  # noqa: ANN401 - whatever stands in an annotation
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return kind if is_model or dataclasses.is_dataclass(kind) else None


def _refuse_unknown(path: Path, prefix: str, table: dict[str, Any], kind: type) -> None:
    known = keys_of(kind)
    for key, value in table.items():
        if key not in known:
            options = ", ".join(sorted(known))
            raise RecipeRefused(f"unknown key {prefix}{key}; there are {options}", path)
        inner = known[key]
        if inner is not None and isinstance(value, dict):
            _refuse_unknown(path, f"{prefix}{key}.", value, inner)


def _replace(path: Path, table: dict[str, Any], places: Mapping[str, Path]) -> None:
    table |= {key: str(place.absolute()) for key, place in places.items()}
    if "pictures" in places and not (path.parent / str(table.get("masks", ""))).is_dir():
        table.pop("masks", None)


def _locate(path: Path, table: dict[str, Any]) -> None:
    """Make paths absolute, in place, and refuse those that lead nowhere."""
    for key in ("pictures", "validation", "masks"):
        if key in table:
            table[key] = (path.parent / str(table[key])).resolve()
            if not table[key].is_dir():
                raise RecipeRefused(f"{key}: there is no folder {table[key]}", path)
    if "segmentation" in table:
        table["segmentation"] = _file(path, "segmentation", table["segmentation"])
    kind, colon, place = str(table.get("features", "")).partition(":")
    if colon:
        table["features"] = f"{kind}:{_file(path, 'features', place)}"
    if str(table.get("teacher", "")).endswith(".safetensors"):
        table["teacher"] = str(_file(path, "teacher", table["teacher"]))


def _file(path: Path, key: str, name: str) -> Path:
    found = (path.parent / name).resolve()
    if not found.is_file():
        raise RecipeRefused(f"{key}: there is no file {found}", path)
    return found


def _in_words(errors: list[ErrorDetails]) -> str:
    """The first of pydantic's findings as one line; all the missing keys together."""
    missing = [_place(error) for error in errors if error["type"] == "missing"]
    if missing:
        return f"is incomplete: it must say {', '.join(missing)}"
    first = errors[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    said = first["msg"][0].lower() + first["msg"][1:]
    return f"{_place(first)}: {said}, not {first['input']!r}"


def _place(error: ErrorDetails) -> str:
    # Of a choice pydantic also names the branch (as "int" or "literal[...]"): no key of a recipe.
    keys = [str(part) for part in error["loc"]]
    return ".".join(keys[:2] if keys[0] in ("losses", "watch", "augmentation") else keys[:1])
