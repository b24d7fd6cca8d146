"""Names: safe, stable, and unique in their batch."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.restore.names import LONGEST, plan_names, restoration_name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("SK-A-3137.tif", "SK-A-3137"),
        ("Nachtwacht.recto.TIFF", "Nachtwacht.recto"),
        ("a:b?.tif", "a_b_"),
        (".tif", "tif"),
        ("...tif", "master"),
        ("cafe\u0301.tif", "caf\u00e9"),
        ("敦煌 12.tif", "敦煌 12"),
        ("no extension", "no extension"),
    ],
)
def test_a_name_is_the_file_name_made_safe(file, name):
    assert restoration_name(Path(file)) == name


@given(st.text(alphabet=st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1))
def test_every_name_is_fit_for_a_folder(stem):
    name = restoration_name(Path(f"x{stem}.tif").with_name(f"{stem}.tif"))
    assert name
    assert not name.startswith(".")
    assert len(name.encode()) <= LONGEST
    assert not any(sign in '/\\:*?"<>|' or unicodedata.category(sign)[0] == "C" for sign in name)


def test_masters_that_would_share_a_folder_are_all_refused(tmp_path):
    sources = [tmp_path / "recto/1.tif", tmp_path / "verso/1.TIF", tmp_path / "recto/2.tif"]
    named = plan_names(sources, tmp_path / "out")
    assert [entry.name for entry in named] == [None, None, "2"]
    assert "verso" in named[0].reason
    assert "recto" in named[1].reason


def test_names_that_differ_in_case_alone_collide(tmp_path):
    named = plan_names([tmp_path / "a.tif", tmp_path / "A.tif"], tmp_path)
    assert [entry.name for entry in named] == [None, None]


def test_a_path_given_twice_is_restored_once(tmp_path):
    named = plan_names([tmp_path / "a.tif", tmp_path / "b/../a.tif"], tmp_path)
    assert [entry.name for entry in named] == ["a", None]
    assert "twice" in named[1].reason
