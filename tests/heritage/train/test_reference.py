"""What docs/train-your-own.md says of recipes."""

import re
from pathlib import Path

import pytest

from heritage.train.recipe import SHIPPED
from heritage.train.reference import TABLES, renewed, rows, table

PAGE = Path(__file__).parents[3] / "docs" / "train-your-own.md"


def test_the_tables_are_those_of_the_fields():
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text


@pytest.mark.parametrize("name", TABLES)
def test_every_field_is_there_with_its_default_and_a_description(name):
    text = PAGE.read_text(encoding="utf-8")
    assert table(TABLES[name]) in text
    for key, default, said in rows(TABLES[name]):
        assert default, key
        assert said, key
        assert "\n" not in said


def test_every_recipe_that_ships_is_named():
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition("## The recipes that come with it")[2].partition("\n## ")[0]
    assert {path.stem for path in SHIPPED.glob("*.toml")} <= set(re.findall(r"`([\w-]+)`", section))
