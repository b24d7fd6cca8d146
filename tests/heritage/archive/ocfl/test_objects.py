"""A master and its signed restorations in an OCFL store."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from heritage.archive.ocfl.checking import check_object
from heritage.archive.ocfl.objects import FIRST, object_name, store_version
from heritage.archive.ocfl.store import object_folder


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "mill-1"
    (folder / "data" / "restoration" / "mill").mkdir(parents=True)
    (folder / "data" / "restoration" / "mill" / "mill.restored.tif").write_bytes(b"first")
    return folder


def test_the_original_is_the_first_version_and_each_restoration_the_next(
    dossier, signed, package, tmp_path
):
    root = tmp_path / "store"
    assert store_version(dossier, package, signed.master, root) == "v2"
    assert store_version(dossier, package, signed.master, root) == "v2"
    (package / "data" / "restoration" / "mill" / "mill.restored.tif").write_bytes(b"second")
    signing = replace(dossier.signing, approved_at=dossier.signing.approved_at + timedelta(days=1))
    later = replace(dossier, identifier="1" * 8 + dossier.identifier[8:], signing=signing)
    assert store_version(later, package, signed.master, root) == "v3"
    assert store_version(dossier, package, signed.master, root) == "v2"
    folder = object_folder(root, object_name(dossier))
    assert check_object(folder) == []
    inventory = json.loads((folder / "inventory.json").read_bytes())
    assert inventory["versions"]["v1"]["message"] == FIRST
    validator = Path(sys.executable).with_name("ocfl-validate.py")
    subprocess.run([validator, str(root)], check=True, capture_output=True, timeout=120)
    held = [path for path in folder.rglob("mill.tif") if path.is_file()]
    assert [path.read_bytes() for path in held] == [signed.master.read_bytes()]
    assert not list(tmp_path.glob(".storing-*"))
