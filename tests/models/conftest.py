"""What tests of several networks share."""

import importlib
import sys

import pytest


@pytest.fixture(scope="session")
def golden(shared):
    """The checker of the official networks' outputs, where it lies beside the checkout."""
    folder = shared / "golden"
    if not folder.is_dir():
        pytest.skip("the golden outputs are not here")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("check")
    sys.path.remove(str(folder))
