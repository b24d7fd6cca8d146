"""The tables of a recipe's fields in the documentation, made from the fields themselves.

    python -m heritage.train.reference docs/train-your-own.md

writes them anew between their marks. A test sees to it that this changes nothing.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from heritage.train.augment import Augmentation
from heritage.train.schema import Recipe
from heritage.train.watch import Limits
from models.training.objectives import LossWeights

TABLES = {"recipe": Recipe, "augmentation": Augmentation, "losses": LossWeights, "watch": Limits}
_PLACE = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ATTRIBUTE = re.compile(r"^        (\w+): (.*?)(?=^        \w+: |\Z)", re.DOTALL | re.MULTILINE)


def rows(kind: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - a class of either sort
    """Key, default and description of every field of a table of a recipe.

    Args:
        kind: One of ``TABLES``: a pydantic model whose fields are described, or a dataclass whose
            docstring has a section ``Attributes``.
    """
    if issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            default = field.get_default(call_default_factory=True)
            yield field.alias or name, _toml(default), field.description or ""
        return
    attributes = (kind.__doc__ or "").partition("Attributes:\n")[2]
    described = {
        name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(_even(attributes))
    }
    for item in dataclasses.fields(kind):
        yield item.name, _toml(item.default), described[item.name].replace("``", "`")


def table(kind: type) -> str:
    """The fields as a table in Markdown."""
    lines = ["| key | default | |", "| --- | --- | --- |"]
    lines += [f"| `{key}` | {default} | {said} |" for key, default, said in rows(kind)]
    return "\n".join(lines) + "\n"


def renewed(text: str) -> str:
    """A page with its tables made anew."""
    return _PLACE.sub(lambda found: found[1] + table(TABLES[found[2]]) + found[3], text)


def _even(attributes: str) -> str:
    """Attributes indented by eight, as they are in the source, whatever Python made of it."""
    indent = len(attributes) - len(attributes.lstrip(" "))
    return "\n".join(" " * (8 - indent) + line for line in attributes.rstrip().splitlines())


def _toml(value: Any) -> str:  # noqa: ANN401 - whatever a field holds
    if value is PydanticUndefined:
        return "needed"
    if value is None or value == "" or isinstance(value, BaseModel) or _is_table(value):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`' if len(value) < 20 else "a reminder"
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {part}" for key, part in value.items())
        return f"`{{ {inside} }}`" if value else "-"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _is_table(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def main() -> None:
    """Renew the tables of a page."""
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
