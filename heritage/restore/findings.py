"""What the files of a restoration contradict, before a single pixel is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heritage.restore.provenance import EVIDENCE, file_names, identity_of_review
from heritage.tiff import sha256_file


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be.

    Args:
        file: The file it was found in.
        sentence: What differs, precisely.
    """

    file: Path
    sentence: str

    def __str__(self) -> str:
        return f"{self.file.name}: {self.sentence}"


def record_findings(folder: Path, record: Mapping[str, Any]) -> Iterator[Finding]:
    """What the record contradicts by itself.

    Args:
        folder: ``OUTPUT/NAME``.
        record: Its provenance, as ``read_provenance`` gives it.
    """
    names = file_names(folder.name)
    provenance = folder / names["provenance"]
    if record["name"] != folder.name:
        yield Finding(provenance, f"is the record of {record['name']!r}, not of this folder")
    for kind in ("restored", "mask", "layer"):
        if record[kind]["file"] != names[kind]:
            yield Finding(provenance, f"names {record[kind]['file']!r} as the {kind}")
    area = sum(
        row[5] for row in record["regions"]["rows"] if isinstance(row, list) and len(row) == 7
    )
    complete = len(record["regions"]["rows"]) == record["regions"]["count"]
    if complete and area != record["mask"]["pixels"]:
        yield Finding(
            provenance, f"its regions have {area} pixels and its mask {record['mask']['pixels']}"
        )
    review = record.get("review")
    if review is not None and record["identity"] != identity_of_review(review):
        yield Finding(provenance, "its decisions are not those that its identity stands for")


def hash_findings(files: Mapping[str, Path], record: Mapping[str, Any]) -> Iterator[Finding]:
    """Which files are not those of the record.

    Args:
        files: Where they lie, by what they are: any of master, mask, layer and restored.
        record: The provenance.

    Raises:
        StorageFailed: If a file cannot be read.
    """
    for kind in ("master", "mask", "layer", "restored"):
        found = sha256_file(files[kind]) if kind in files else record[kind]["sha256"]
        if found != record[kind]["sha256"]:
            yield Finding(
                files[kind],
                f"is not the file of the record: its SHA-256 is {found}, "
                f"recorded is {record[kind]['sha256']}",
            )


def evidence_findings(folder: Path, record: Mapping[str, Any]) -> Iterator[Finding]:
    """What was found and decided, where a machine proposed the mask: whether it is still so."""
    for path, sha256 in evidence(folder, record):
        if not path.is_file():
            yield Finding(path, "is missing")
        elif sha256_file(path) != sha256:
            yield Finding(path, "is not the file of the record: its SHA-256 differs")


def evidence(folder: Path, record: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The files that tell why a machine proposed the mask, and the hashes recorded of them."""
    proposal = record["mask"].get("proposal", {})
    for kind in EVIDENCE if proposal else ():
        said = proposal[kind]
        yield folder / Path(said["file"]).name, said["sha256"]
