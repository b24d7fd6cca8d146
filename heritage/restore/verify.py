"""Prove from the files alone that a restoration is what it says, or say what is not so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heritage.damage.masks import MaskReader, open_mask
from heritage.errors import HeritageError, MasterRefused, VerificationFailed
from heritage.restore.comparison import Comparison, compare
from heritage.restore.layer import LayerReader, gdal_environment, layer_dtype
from heritage.restore.provenance import EVIDENCE, file_names, read_provenance
from heritage.tiff import (
    Master,
    level_differences,
    open_master,
    sha256_file,
    structure_differences,
)
from heritage.tiff.tagging import read_xmp


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


@dataclass(frozen=True)
class Verification:
    """What a check of one restoration found.

    Args:
        folder: The restoration.
        findings: Everything that is not as it must be; empty where all is proven.
        pixels: Pixels compared one by one.
    """

    folder: Path
    findings: tuple[Finding, ...]
    pixels: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything is proven."""
        return not self.findings

    def require(self) -> None:
        """Raise unless all is proven.

        Raises:
            VerificationFailed: With every finding.
        """
        if self.findings:
            raise VerificationFailed("; ".join(map(str, self.findings)), self.folder)


def verify(folder: Path | str, master: Path | str | None = None) -> Verification:
    """Check a restoration: hashes, pixels outside the mask, layer, tags and the record itself.

    Args:
        folder: ``OUTPUT/NAME``.
        master: Where the master lies now; None: where the record says.

    Returns:
        What was found. Nothing is raised for files that are missing, damaged or changed: those are
        findings.
    """
    folder = Path(folder).resolve()
    files = {kind: folder / name for kind, name in file_names(folder.name).items()}
    missing = [path for path in files.values() if not path.is_file()]
    if missing:
        return Verification(folder, tuple(Finding(path, "is missing") for path in missing))
    try:
        record = read_provenance(files["provenance"])
    except (OSError, ValueError) as error:
        return Verification(folder, (Finding(files["provenance"], f"is unusable: {error}"),))
    source = Path(master) if master is not None else (folder / record["master"]["place"])
    if not source.is_file():
        lost = Finding(
            files["provenance"],
            f"the master {record['master']['file']} is not at {source}; say where it is now",
        )
        return Verification(folder, (lost,))
    files["master"] = source.resolve()
    findings = [*_record_findings(folder, files, record), *_hash_findings(files, record)]
    findings += _evidence_findings(folder, record)
    pixels = 0
    try:
        with gdal_environment():
            comparison, sizes = _compare_files(files, record)
        findings += sizes
        if comparison is not None:
            findings += _pixel_findings(files, comparison)
            pixels = comparison.pixels
        reencoded = record["restored"]["reencoded"] is not None
        page = record["master"]["page"]
        embedded = record.get("embedded") is not None
        words = structure_differences(files["master"], files["restored"], page, reencoded, embedded)
        words += _packet_words(files["restored"], record)
        with open_mask(files["mask"]) as mask:
            words += level_differences(files["master"], files["restored"], page, mask.read)
        findings += [Finding(files["restored"], word) for word in words]
    except HeritageError as error:
        findings.append(Finding(error.path or folder, error.reason))
    except OSError as error:
        findings.append(Finding(folder, f"cannot be read to the end: {error}"))
    return Verification(folder, tuple(findings), pixels)


def _record_findings(
    folder: Path, files: dict[str, Path], record: dict[str, Any]
) -> Iterator[Finding]:
    """What the record contradicts without looking at a pixel."""
    if record["name"] != folder.name:
        yield Finding(
            files["provenance"], f"is the record of {record['name']!r}, not of this folder"
        )
    for kind in ("restored", "mask", "layer"):
        if record[kind]["file"] != files[kind].name:
            yield Finding(files["provenance"], f"names {record[kind]['file']!r} as the {kind}")
    area = sum(
        row[5] for row in record["regions"]["rows"] if isinstance(row, list) and len(row) == 7
    )
    complete = len(record["regions"]["rows"]) == record["regions"]["count"]
    if complete and area != record["mask"]["pixels"]:
        yield Finding(
            files["provenance"],
            f"its regions have {area} pixels and its mask {record['mask']['pixels']}",
        )


def _hash_findings(files: dict[str, Path], record: dict[str, Any]) -> Iterator[Finding]:
    for kind in ("master", "mask", "layer", "restored"):
        found = sha256_file(files[kind])
        if found != record[kind]["sha256"]:
            yield Finding(
                files[kind],
                f"is not the file of the record: its SHA-256 is {found}, "
                f"recorded is {record[kind]['sha256']}",
            )


def _evidence_findings(folder: Path, record: dict[str, Any]) -> Iterator[Finding]:
    """What was found and decided, where a machine proposed the mask."""
    proposal = record["mask"].get("proposal", {})
    for kind in EVIDENCE if proposal else ():
        said = proposal[kind]
        path = folder / Path(said["file"]).name
        if not path.is_file():
            yield Finding(path, "is missing")
        elif sha256_file(path) != said["sha256"]:
            yield Finding(path, "is not the file of the record: its SHA-256 differs")


def _packet_words(restored: Path, record: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the XMP packet that was put into the restored file, where one was."""
    said = record.get("embedded")
    if said is None:
        return
    packet = read_xmp(restored, record["master"]["page"])
    if packet is None:
        yield "has lost the XMP packet that was put into it"
    elif (found := hashlib.sha256(packet).hexdigest()) != said["xmp_sha256"]:
        yield (
            "does not carry the XMP packet of the record: its SHA-256 is "
            f"{found}, recorded is {said['xmp_sha256']}"
        )


def _compare_files(
    files: dict[str, Path], record: dict[str, Any]
) -> tuple[Comparison | None, list[Finding]]:
    """Walk over every pixel of master, restored file, mask and layer, if they are of one size."""
    page = record["master"]["page"]
    with (
        open_master(files["master"], page) as master,
        open_master(files["restored"], page) as restored,
        open_mask(files["mask"]) as mask,
    ):
        try:
            layer = LayerReader(files["layer"], master.info.dtype)
        except OSError as error:
            return None, [Finding(files["layer"], f"is no layer: {error}")]
        with layer:
            wrong = list(_shape_findings(files, master, restored, mask, layer))
            return (None if wrong else compare(master, restored, mask, layer)), wrong


def _shape_findings(
    files: dict[str, Path], master: Master, restored: Master, mask: MaskReader, layer: LayerReader
) -> Iterator[Finding]:
    wanted = (master.info.height, master.info.width)
    others = {
        "restored": (restored.info.height, restored.info.width),
        "mask": (mask.height, mask.width),
        "layer": (layer.height, layer.width),
    }
    for kind, size in others.items():
        if size != wanted:
            yield Finding(files[kind], f"has {_size(size)} pixels, the master {_size(wanted)}")
    samples = (master.info.samples, master.info.dtype)
    if (restored.info.samples, restored.info.dtype) != samples:
        yield Finding(files["restored"], "has other samples than the master")
    if (layer.samples, layer.stored_dtype) != (samples[0], layer_dtype(samples[1])):
        yield Finding(files["layer"], "has other samples than the master")


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _pixel_findings(files: dict[str, Path], found: Comparison) -> Iterator[Finding]:
    texts: list[tuple[str, Callable[[], Any], str]] = [
        ("restored", lambda: found.outside, "differ from the master outside the mask"),
        ("restored", lambda: found.inside, "differ from the layer inside the mask"),
        ("layer", lambda: found.alpha, "have an alpha that contradicts the mask"),
    ]
    for kind, difference, words in texts:
        count, first = difference().count, difference().first
        if count:
            verb = (
                words if count > 1 else words.replace("differ ", "differs ").replace("have", "has")
            )
            pixels = "pixels" if count > 1 else "pixel"
            where = f"at row {first[0]}, column {first[1]}"
            where = f"the first {where}" if count > 1 else where
            yield Finding(files[kind], f"{count} {pixels} {verb}, {where}")


__all__ = ["Finding", "MasterRefused", "Verification", "verify"]
