"""A dossier survives being written down."""

import pytest

from heritage.archive.telling import dossier_json, read_dossier
from heritage.errors import VerificationFailed


def test_what_was_written_is_read(dossier, tmp_path):
    path = tmp_path / "dossier.json"
    path.write_bytes(dossier_json(dossier))
    assert read_dossier(path) == dossier


@pytest.mark.parametrize("content", [b"", b"{}", b'{"name": 3}', b"\xff"])
def test_something_else_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "dossier.json"
    path.write_bytes(content)
    with pytest.raises(VerificationFailed, match=r"is no dossier"):
        read_dossier(path)


def test_one_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(VerificationFailed, match="cannot be read"):
        read_dossier(tmp_path / "nothing.json")
