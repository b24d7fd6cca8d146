"""An OCFL object of ours checked: every byte of content, every inventory, nothing added."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from heritage.archive.bags.digests import read_digest, walk
from heritage.archive.bags.paths import shown
from heritage.archive.ocfl.inventory import (
    INVENTORY,
    OBJECT,
    SIDECAR,
    Inventory,
    read_pair,
    sidecar_text,
)


def check_object(folder: Path) -> list[str]:
    """Check an object of ours: every byte of content, every inventory, nothing missing or added.

    Args:
        folder: The object's folder.

    Returns:
        One sentence for each thing that is wrong, beginning with the file; empty where all is well.
    """
    try:
        paths, findings = walk(folder)
        inventory = json.loads((folder / INVENTORY).read_bytes())
        return findings + list(_differences(folder, set(paths), inventory))
    except OSError as error:
        return [f"{Path(error.filename or folder).name}: cannot be read ({error.strerror})"]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return [f"{INVENTORY}: was changed: it is no inventory"]


def _differences(folder: Path, paths: set[str], inventory: Inventory) -> Iterator[str]:
    """Sentences about where files and inventories do not agree.

    Raises:
        OSError: If a file cannot be read.
        KeyError: If the inventory is none; also TypeError, ValueError, AttributeError.
    """
    versions, manifest = inventory["versions"], inventory["manifest"]
    names = [f"v{number}" for number in range(1, len(versions) + 1)]
    if list(versions) != names or inventory["head"] != names[-1]:
        yield f"{INVENTORY}: was changed: its versions are not {', '.join(names)}"
    content = {path: digest for digest, those in manifest.items() for path in those}
    administrative = {f"{it}{file}" for it in ("", *(f"{name}/" for name in names))
                      for file in (INVENTORY, SIDECAR)}  # fmt: skip
    expected = {OBJECT, *administrative, *content}
    yield from (f"{shown(path)}: is missing" for path in sorted(expected - paths))
    yield from (f"{shown(path)}: does not belong here" for path in sorted(paths - expected))
    if OBJECT in paths and (folder / OBJECT).read_bytes() != f"{OBJECT[2:]}\n".encode():
        yield f"{OBJECT}: was changed: it does not declare an object of OCFL 1.1"
    if administrative <= paths:
        yield from _disagreeing(folder, names, inventory)
    for path in sorted(content.keys() & paths):
        if read_digest(f"{folder}/{path}", ["sha512"]).hashes["sha512"] != content[path]:
            yield f"{shown(path)}: was changed: its checksum is not the one in the inventory"


def _disagreeing(folder: Path, names: list[str], inventory: Inventory) -> Iterator[str]:
    """Sentences about inventories that do not fit their digest, or one another."""
    own, newest = read_pair(folder), read_pair(folder / names[-1])
    for place, file in enumerate((INVENTORY, SIDECAR)):
        if own[place] != newest[place]:
            good = sidecar_text(own[0]) in (own[1], newest[1])
            sound = own[place] == sidecar_text(own[0]) if place else good
            yield f"{f'{names[-1]}/' if sound else ''}{file}: was changed: its twin differs"
    for name in names:
        data, sidecar = read_pair(folder / name)
        if sidecar != sidecar_text(data) and (name != names[-1] or own == newest):
            yield f"{name}/{INVENTORY}: does not fit {name}/{SIDECAR}: one of them was changed"
            continue
        if name != names[-1]:
            earlier = json.loads(data)
            for version, said in earlier["versions"].items():
                if inventory["versions"].get(version) != said:
                    yield f"{name}/{INVENTORY}: tells otherwise of {version} than {INVENTORY}"
    for name, version in inventory["versions"].items():
        for digest in version["state"].keys() - inventory["manifest"].keys():
            yield f"{INVENTORY}: has files in {name} without content, {digest[:16]}"
