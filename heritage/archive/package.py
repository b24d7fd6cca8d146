"""A package for the archive: all that proves a signed restoration, in one BagIt bag.

It is built beside its place and moved there when it is whole and proven; whatever stops that, the
same call makes it again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import heritage
from heritage.archive.access.copies import AccessOptions, write_cog, write_jpeg
from heritage.archive.access.iiif import Link, write_manifest, write_tiles
from heritage.archive.bags.making import make_bag
from heritage.archive.bags.manifests import PROOF
from heritage.archive.credentials.certificates import Signer
from heritage.archive.credentials.signing import sign_embedded, sign_sidecar
from heritage.archive.dossier import Dossier
from heritage.archive.embedded.packet import packet as xmp_packet
from heritage.archive.layout import Layout
from heritage.archive.premis.document import premis
from heritage.archive.premis.listing import PackagedFile, list_files
from heritage.archive.premis.mets import mets
from heritage.archive.proof import prove
from heritage.archive.provenance.graph import prov_graph
from heritage.archive.provenance.lido import lido
from heritage.archive.provenance.linked_art import linked_art
from heritage.archive.provenance.linked_data import json_ld, turtle
from heritage.archive.quality.gate import QualityReport, gate
from heritage.archive.rules.checking import check_tiff, load_rules
from heritage.archive.rules.fields import Rules
from heritage.archive.telling import dossier_json, read_dossier
from heritage.errors import OutputInTheWay, VerificationFailed
from heritage.restore.lock import RestorationLock
from heritage.restore.provenance import file_names, read_provenance, write_provenance
from heritage.restore.storage import (
    remove_folder,
    require_space,
    storage,
    sync,
    sync_folder,
)
from heritage.tiff import sha256_file
from heritage.tiff.tagging import embed_xmp, read_xmp

SPARE: Final = 1.5
"""Access copies and metadata take less than half of what the pictures take."""

SEE_ALSO: Final = (
    Link("../../metadata/prov.jsonld", "Provenance of every region", "application/ld+json"),
    Link("../../metadata/premis.xml", "What was done to the files", "application/xml"),
)
RENDERING: Final = (Link("../../report/condition.html", "Condition report", "text/html"),)
"""What a manifest leads to besides the pictures, from where it lies."""

Reporter = Callable[[Path], None]
Spreader = Callable[[Path, Path, Path], dict[str, Any]]
"""Of master, mask and target."""


@dataclass(frozen=True)
class Wishes:
    """What a site wants in its packages.

    Args:
        rules: That the published picture must keep; None: it must have no fault of structure that
            its master has not.
        copy_original: Whether the master lies in the package; otherwise it is named.
        signer: Who signs Content Credentials; None: there are none.
        access: How access copies look.
        url: Where packages are published on the web; None: no IIIF.
        spread: Writes the map of uncertainty of what a mask holds, and returns what it says over
            all; None: there is no map.
    """

    rules: Rules | None = None
    copy_original: bool = False
    signer: Signer | None = None
    access: AccessOptions = field(default_factory=AccessOptions)
    url: str | None = None
    spread: Spreader | None = None


@dataclass(frozen=True)
class Package:
    """A package that is there.

    Args:
        folder: The bag.
        sha256: Of its ``PROOF``.
        skipped: Whether it lay there before.
    """

    folder: Path
    sha256: str
    skipped: bool = False


def package_name(dossier: Dossier) -> str:
    """What a package is called: each signed restoration has its own."""
    return f"{dossier.name}-{dossier.identifier}"


def pack(
    dossier: Dossier,
    signed: Path,
    master: Path,
    output: Path,
    wishes: Wishes,
    report: Reporter,
    created: datetime,
) -> Package:
    """Write the package of a signed restoration; killed at any moment, the same call succeeds.

    Args:
        dossier: All that is told of it.
        signed: Its files, ``OUTPUT-signed/NAME``.
        master: Where its master lies now; it is only read.
        output: The folder that receives the package.
        wishes: What the site wants in it.
        report: Writes the condition report into a folder.
        created: What time it is.

    Raises:
        OutputInTheWay: If something else has the package's name.
        VerificationFailed: If the picture does not keep the site's rules, or anything in the
            finished package cannot be proven.
        HeritageError: If a file cannot be read or written, or the credentials cannot be signed.
    """
    output = output.resolve()
    with storage(output):
        output.mkdir(parents=True, exist_ok=True)
    name = package_name(dossier)
    with RestorationLock(output, name), storage(output):
        target = output / name
        if target.exists():
            return _already_there(target, dossier)
        work = output / f".{name}.packing"
        remove_folder(work)
        pictures = sum(path.stat().st_size for path in signed.iterdir())
        copied = master.stat().st_size if wishes.copy_original else 0
        require_space(output, int(SPARE * pictures) + copied)
        layout = Layout(work, dossier.name)
        _fill(layout, target, dossier, signed, master, wishes, report, created)
        _sync(work)
        prove(work, master).require()
        work.rename(target)
        sync_folder(output)
        return Package(target, sha256_file(target / PROOF))


def _already_there(target: Path, dossier: Dossier) -> Package:
    try:
        same = read_dossier(Layout(target, dossier.name).dossier).identifier == dossier.identifier
    except VerificationFailed:
        same = False
    if not same or not (target / PROOF).is_file():
        raise OutputInTheWay("is not the package of this restoration; move it away", target)
    return Package(target, sha256_file(target / PROOF), skipped=True)


def _fill(
    layout: Layout,
    target: Path,
    dossier: Dossier,
    signed: Path,
    master: Path,
    wishes: Wishes,
    report: Reporter,
    created: datetime,
) -> None:
    """Write everything into the folder that becomes the package."""
    for folder in (layout.restoration, layout.access, layout.metadata, layout.report):
        folder.mkdir(parents=True)
    quality = _hold_against_master(dossier, signed, master).to_json()
    if wishes.copy_original:
        layout.original.mkdir()
        shutil.copyfile(master, layout.original / dossier.original.file)
        master = layout.original / dossier.original.file
    final = Layout(target, dossier.name).restoration
    place = (target / layout.place(master)) if wishes.copy_original else master.resolve()
    _write_restoration(layout, dossier, signed, master, os.path.relpath(place, final))
    if wishes.spread is not None:
        layout.uncertainty.parent.mkdir()
        quality["uncertainty"] = wishes.spread(master, layout.mask, layout.uncertainty)
        if not layout.uncertainty.exists():
            layout.uncertainty.parent.rmdir()
    quality["rules"] = _hold_against_rules(layout.restored, master, wishes.rules)
    told = json.dumps(quality, indent=1, ensure_ascii=False)
    (layout.metadata / "quality.json").write_text(told, "utf-8")
    report(layout.report)
    _write_access(layout, dossier, master, wishes)
    if wishes.signer is not None:
        layout.credentials.parent.mkdir()
        sign_sidecar(dossier, layout.restored, master, layout.credentials, wishes.signer)
    hashes = _write_metadata(layout, dossier, created)
    make_bag(layout.root, _info(dossier, created), hashes)


def _hold_against_master(dossier: Dossier, signed: Path, master: Path) -> QualityReport:
    """See that what cannot be raised is unchanged."""
    names = file_names(dossier.name)
    restored = signed / names["restored"]
    found = gate(master, restored, signed / names["mask"], dossier.original.page)
    if not found.ok:
        faults = "; ".join(item.sentence for item in found.items if item.proven is False)
        raise VerificationFailed(f"cannot be published: {faults}", restored)
    return found


def _hold_against_rules(restored: Path, master: Path, rules: Rules | None) -> dict[str, Any]:
    """See that the published picture keeps the site's rules; what there is to say about it."""
    wanted = load_rules("tiff") if rules is None else rules
    found = check_tiff(restored, wanted)
    inherited = [] if rules is not None else [str(fault) for fault in check_tiff(master, wanted)]
    new = [fault for fault in found if fault.refuses and str(fault) not in inherited]
    if new:
        faults = "; ".join(fault.sentence for fault in new)
        raise VerificationFailed(f"does not keep the rules {wanted.name}: {faults}", restored)
    return {"name": wanted.name, "faults": [fault.to_json() for fault in found]}


def _write_restoration(
    layout: Layout, dossier: Dossier, signed: Path, master: Path, place: str
) -> None:
    """Copy the signed files; the picture says in its own metadata what it is."""
    names = file_names(dossier.name)
    for path in signed.iterdir():
        if path.name not in (names["restored"], names["provenance"]):
            shutil.copyfile(path, layout.restoration / path.name)
    page = dossier.original.page
    packet = xmp_packet(dossier, read_xmp(master, page))
    embedded = embed_xmp(signed / names["restored"], layout.restored, packet, page)
    record = read_provenance(signed / names["provenance"])
    was = record["restored"]
    record["restored"] = {**was, "sha256": embedded.sha256, "bytes": embedded.bytes}
    record["master"] = {**record["master"], "place": Path(place).as_posix()}
    record["embedded"] = {"xmp_sha256": embedded.xmp_sha256, "of": was["sha256"]}
    for member in ("format", "version", "statement"):
        record.pop(member)
    write_provenance(layout.provenance, record)


def _write_access(layout: Layout, dossier: Dossier, master: Path, wishes: Wishes) -> None:
    """What is made to be looked at: a pyramid, a picture that any program opens, and IIIF."""
    page, mask, options = dossier.original.page, layout.mask, wishes.access
    packet = xmp_packet(dossier, None)
    pyramid = layout.access / f"{dossier.name}.tif"
    write_cog(layout.restored, pyramid, dossier, mask, page, options, packet)
    picture = layout.access / f"{dossier.name}.jpg"
    write_jpeg(layout.restored, picture, dossier, mask, page, options, packet)
    if wishes.signer is not None:
        unsigned = picture.with_suffix(".unsigned.jpg")
        picture.rename(unsigned)
        sign_embedded(dossier, unsigned, master, picture, wishes.signer, "image/jpeg")
        unsigned.unlink()
    if wishes.url is not None:
        base = f"{wishes.url.rstrip('/')}/{package_name(dossier)}/data/access/iiif"
        folder = layout.access / "iiif"
        rights = dossier.work.rights
        before = write_tiles(master, folder / "before", page, f"{base}/before", rights=rights)
        after = write_tiles(layout.restored, folder / "after", page, f"{base}/after", rights=rights)
        manifest = folder / "manifest.json"
        write_manifest(dossier, manifest, base, before, after, SEE_ALSO, RENDERING)


def _write_metadata(
    layout: Layout, dossier: Dossier, created: datetime
) -> Mapping[str, tuple[str, str]]:
    """What other systems read; returns SHA-256 and SHA-512 of every file of the payload."""
    layout.dossier.write_bytes(dossier_json(dossier))
    names = file_names(dossier.name)
    by_role = {
        kind: sha256_file(layout.restoration / names[kind])
        for kind in ("restored", "mask", "layer")
    }
    by_role["original"] = dossier.original.sha256
    graph = prov_graph(dossier, by_role)
    (layout.metadata / "prov.ttl").write_bytes(turtle(graph))
    (layout.metadata / "prov.jsonld").write_bytes(json_ld(graph))
    (layout.metadata / "linked-art.json").write_bytes(linked_art(dossier, by_role))
    (layout.metadata / "lido.xml").write_bytes(lido(dossier))
    files = _list(layout)
    (layout.metadata / "premis.xml").write_bytes(premis(dossier, files))
    files = _list(layout, files)
    path = layout.place(layout.metadata / "premis.xml")
    (layout.metadata / "mets.xml").write_bytes(mets(dossier, files, path, created))
    return {file.path: (file.sha256, file.sha512) for file in _list(layout, files)}


def _list(layout: Layout, known: tuple[PackagedFile, ...] = ()) -> tuple[PackagedFile, ...]:
    """The files of the payload; those that are known are not read again."""
    there = [path for path in (layout.root / "data").rglob("*") if path.is_file()]
    roles = {layout.place(path): layout.role(path) for path in there}
    return list_files(layout.root, roles, {file.path: file for file in known})


def _info(dossier: Dossier, created: datetime) -> dict[str, str | list[str]]:
    """What stands in ``bag-info.txt``."""
    work, said = dossier.work, dossier.signing
    title = ", ".join(part for part in (work.title, work.maker, work.date) if part)
    told: dict[str, str | list[str]] = {
        "Source-Organization": work.institution,
        "Contact-Name": said.approver,
        "External-Identifier": [dossier.urn, work.accession],
        "External-Description": f"{title}. {dossier.statement}",
        "Bag-Group-Identifier": work.accession,
        "Bagging-Date": f"{created:%Y-%m-%d}",
        "Bag-Software-Agent": f"heritage {heritage.__version__}",
        "Internal-Sender-Identifier": dossier.identifier,
    }
    return {name: value for name, value in told.items() if value}


def _sync(folder: Path) -> None:
    """Wait until all of it is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync(path)
        else:
            sync_folder(path)
    sync_folder(folder)
