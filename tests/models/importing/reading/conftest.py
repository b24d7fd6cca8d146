"""Archives to take apart and put together again."""

import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def rewrite():
    """A copy of a zip archive with some members replaced, added or (None) left out."""

    def copy(source: Path, target: Path, changes: dict[str, bytes | None], **how) -> Path:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **how) as new:
            root = old.namelist()[0].split("/")[0]
            parts = {name.removeprefix(f"{root}/"): old.read(name) for name in old.namelist()}
            for name, content in (parts | changes).items():
                if content is not None:
                    new.writestr(f"{root}/{name}", content)
        return target

    return copy


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def trap(tmp_path):
    """Something to pickle, and the file that appears if anybody unpickles it."""
    path = tmp_path / "sprung"
    return Trap(path), path
