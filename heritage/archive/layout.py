"""Where everything lies in a package.

All of it is payload, below ``data/``, so that both manifests name every byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heritage.restore.provenance import file_names


@dataclass(frozen=True)
class Layout:
    """The places in one package.

    Args:
        root: The bag's folder.
        name: ``NAME``, from which the files of the restoration have their names.
    """

    root: Path
    name: str

    @property
    def restoration(self) -> Path:
        """A folder that ``heritage verify`` takes as it takes any restoration."""
        return self.root / "data" / "restoration" / self.name

    @property
    def restored(self) -> Path:
        """The signed picture, with what it is in its own metadata."""
        return self.restoration / file_names(self.name)["restored"]

    @property
    def mask(self) -> Path:
        """Which pixels a machine filled."""
        return self.restoration / file_names(self.name)["mask"]

    @property
    def provenance(self) -> Path:
        """The record beside every restoration."""
        return self.restoration / file_names(self.name)["provenance"]

    @property
    def original(self) -> Path:
        """Folder of the master, where the package holds a copy."""
        return self.root / "data" / "original"

    @property
    def access(self) -> Path:
        """Folder of what is made to be looked at."""
        return self.root / "data" / "access"

    @property
    def report(self) -> Path:
        """Folder of the condition report."""
        return self.root / "data" / "report"

    @property
    def metadata(self) -> Path:
        """Folder of what other systems read."""
        return self.root / "data" / "metadata"

    @property
    def uncertainty(self) -> Path:
        """How far the fills can be trusted, pixel by pixel."""
        return self.root / "data" / "uncertainty" / f"{self.name}.uncertainty.tif"

    @property
    def credentials(self) -> Path:
        """The Content Credentials of the signed picture, beside it because its bytes stay."""
        return self.root / "data" / "credentials" / f"{self.name}.restored.c2pa"

    @property
    def dossier(self) -> Path:
        """All that the package tells, in one file."""
        return self.metadata / "dossier.json"

    def place(self, path: Path) -> str:
        """A file's place in the bag, with slashes."""
        return path.relative_to(self.root).as_posix()

    def role(self, path: Path) -> str:
        """What a file of the payload is for."""
        if path.parent == self.restoration:
            kinds = {name: kind for kind, name in file_names(self.name).items()}
            return kinds.get(path.name, "evidence")
        folder = path.relative_to(self.root).parts[1]
        if folder == "access" and path.name == "manifest.json":
            return "manifest"
        return folder


def found_in(root: Path) -> Layout | None:
    """The layout of a package; None where the folder is none."""
    folders = sorted((root / "data" / "restoration").glob("*/"))
    if not (root / "bagit.txt").is_file() or len(folders) != 1:
        return None
    return Layout(root, folders[0].name)
