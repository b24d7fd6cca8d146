"""A master and its signed restorations as one OCFL object: the original first, and it stays."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from heritage.archive.dossier import Dossier
from heritage.archive.ocfl.store import object_folder
from heritage.archive.ocfl.versions import add_version
from heritage.archive.provenance.names import file_iri
from heritage.restore.storage import remove_folder, storage

FIRST: Final = "The original scan, as it was received"


def object_name(dossier: Dossier) -> str:
    """What the object of a master is called: the SHA-256 of its file, as RFC 6920 writes it."""
    return str(file_iri(dossier.original.sha256))


def store_version(dossier: Dossier, package: Path, master: Path, root: Path) -> str:
    """Store a package as the next version of its master's object; what is stored already stays.

    Version 1 holds the master alone. Each later one holds the master and the payload of one
    package; what they have in common is stored once.

    Args:
        dossier: About the restoration.
        package: Its finished package.
        master: Where its master lies; it is only read.
        root: The OCFL storage root; made if there is none.

    Returns:
        The version, such as ``v2``.

    Raises:
        HeritageError: As ``add_version`` does.
    """
    name = object_name(dossier)
    message = f"Signed restoration {dossier.urn}: {dossier.signing.statement}"
    known = _versions(object_folder(root, name))
    if message in known:
        return known[message]
    who = (dossier.work.institution or dossier.operator, None)
    with _gathered(root, dossier.identifier) as tree:
        original = tree / "original" / dossier.original.file
        original.parent.mkdir()
        shutil.copyfile(master, original)
        if not known:
            add_version(root, name, tree, FIRST, who, dossier.original.recorded_at)
        for path in sorted((package / "data").rglob("*")):
            target = tree / path.relative_to(package / "data")
            if path.is_dir():
                target.mkdir(exist_ok=True)
            elif target != original:
                _link(path, target)
        signing = dossier.signing
        return add_version(root, name, tree, message, (signing.approver, None), signing.approved_at)


def _versions(folder: Path) -> dict[str, str]:
    """The versions of an object by their messages; none where there is no object."""
    try:
        inventory = json.loads((folder / "inventory.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {said["message"]: number for number, said in inventory["versions"].items()}


@contextmanager
def _gathered(root: Path, identifier: str) -> Iterator[Path]:
    """A folder beside the store for the files of one version; gone afterwards."""
    folder = root.parent / f".storing-{identifier}"
    with storage(root.parent):
        remove_folder(folder)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            remove_folder(folder)


def _link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where that is not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
