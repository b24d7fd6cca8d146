import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage.accession import Finding, artefact_of, hash_outputs, plain, region_row
from heritage.errors import StorageFailed
from heritage.geometry import Box


@given(st.text(st.characters()))
def test_any_file_name_becomes_text_that_databases_take(name):
    written = plain(name)
    assert "\0" not in written
    written.encode("utf-8")


def test_ordinary_names_stay_as_they_are():
    assert plain(Path("/archive/Künstler/№ 7 (日本).tif")) == "/archive/Künstler/№ 7 (日本).tif"


def test_names_that_are_no_utf8_can_still_be_told_apart():
    assert plain("a\udcff.tif") == "a\\udcff.tif" != plain("a\udcfe.tif")


def test_a_file_name_stands_in_for_an_accession_number():
    guessed = artefact_of(Path("/x/SK-C-5.tif"), None, None, None, None)
    assert (guessed.accession, guessed.title, guessed.provisional) == ("SK-C-5", "SK-C-5", True)
    given_ = artefact_of(Path("/x/scan.tif"), "SK-C-5", "Night Watch", None, "1642")
    assert (given_.accession, given_.title, given_.provisional) == ("SK-C-5", "Night Watch", False)


def test_numpys_numbers_become_pythons():
    region = SimpleNamespace(
        number=np.int64(1), box=Box(0, 0, 4, 5), area=np.int64(7), radius=np.float32(2.5)
    )
    row = region_row(region)
    assert row == (1, 0, 0, 4, 5, 7, 2.5, None, None, None, False)
    assert [type(value) for value in row[:7]] == [int] * 6 + [float]
    found = region_row(region, Finding("CRACKS", np.float32(0.5), "learned"))
    assert found[7:] == ("CRACKS", 0.5, "learned", False)
    assert type(found[8]) is float


def test_only_files_of_unknown_hash_are_read(tmp_path):
    (tmp_path / "p.json").write_bytes(b"{}")
    result = SimpleNamespace(provenance=tmp_path / "p.json")
    known = {"restored": "a" * 64, "mask": "b" * 64, "layer": "c" * 64}
    assert hash_outputs(result, known) == {
        "restored_sha256": "a" * 64,
        "mask_sha256": "b" * 64,
        "layer_sha256": "c" * 64,
        "provenance_sha256": hashlib.sha256(b"{}").hexdigest(),
    }


def test_an_output_that_is_gone_is_named(tmp_path):
    result = SimpleNamespace(restored=tmp_path / "gone.tif")
    with pytest.raises(StorageFailed, match=r"gone\.tif: cannot be read"):
        hash_outputs(result, {})
