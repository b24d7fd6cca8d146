"""Whether a package proves what it says: every part against every other, from the files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from db.chain import hash_of
from heritage.archive.bags.checking import check_bag
from heritage.archive.bags.manifests import parse_manifest
from heritage.archive.credentials.reading import check_credentials, read_credentials
from heritage.archive.dossier import Dossier, Occurrence
from heritage.archive.embedded.loss import added_only
from heritage.archive.embedded.statement import read_embedded
from heritage.archive.layout import Layout, found_in
from heritage.archive.premis.mets import linked_files
from heritage.archive.premis.validity import validate_mets, validate_premis
from heritage.archive.telling import read_dossier
from heritage.archive.xml import parse
from heritage.damage.masks import open_mask
from heritage.damage.regions import find_regions
from heritage.errors import HeritageError, VerificationFailed
from heritage.restore.provenance import read_provenance
from heritage.restore.verify import verify
from heritage.tiff.tagging import read_xmp

MANIFEST: Final = "manifest-sha256.txt"

PREMIS: Final = "{http://www.loc.gov/premis/v3}"
"""Its namespace."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        about: What.
        findings: What is not as it must be.
        note: What could not be looked at, or is worth knowing; empty otherwise.
    """

    about: str
    findings: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Proof:
    """All that was looked at in one package.

    Args:
        folder: The package.
        checks: In the order in which they were made.
    """

    folder: Path
    checks: tuple[Check, ...]

    @property
    def findings(self) -> list[str]:
        """Everything that is not as it must be."""
        return [f"{check.about}: {said}" for check in self.checks for said in check.findings]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def require(self) -> None:
        """Raise unless nothing is wrong.

        Raises:
            VerificationFailed: With every finding.
        """
        if self.findings:
            raise VerificationFailed("; ".join(self.findings), self.folder)

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "folder": str(self.folder),
            "ok": self.ok,
            "findings": self.findings,
            "checks": [
                {"about": check.about, "findings": list(check.findings), "note": check.note}
                for check in self.checks
            ],
        }


def prove(folder: Path, master: Path | None = None) -> Proof:
    """Check a package: fixity, pixels, decisions, metadata against files, credentials, record.

    Args:
        folder: The bag.
        master: Where its master lies now, if it is not in the package; None: where the record says.

    Returns:
        What was found. Nothing is raised for what is missing, damaged or changed.
    """
    folder = folder.resolve()
    layout = found_in(folder)
    if layout is None:
        return Proof(folder, (Check("package", ("is no package of this system",)),))
    checks = [Check("fixity", tuple(check_bag(folder)))]
    try:
        dossier = read_dossier(layout.dossier)
    except VerificationFailed as error:
        return Proof(folder, (*checks, Check("dossier", (str(error),))))
    inside = layout.original / dossier.original.file
    if inside.is_file():
        master = inside
    looks: list[tuple[str, Callable[[], Check]]] = [
        ("pixels", lambda: _pixels(layout, master)),
        ("decisions", lambda: _decisions(layout, dossier)),
        ("embedded metadata", lambda: _embedded(layout, dossier, master)),
        ("PREMIS", lambda: _premis(layout)),
        ("METS", lambda: _mets(layout)),
        ("record of events", lambda: _events(dossier)),
        ("content credentials", lambda: _credentials(layout, dossier)),
    ]
    for about, look in looks:
        try:
            checks.append(look())
        except HeritageError as error:
            checks.append(Check(about, (str(error),)))
        except ValueError as error:
            checks.append(Check(about, (f"{layout.provenance.name} is unusable: {error}",)))
        except OSError as error:
            checks.append(Check(about, (f"cannot be read to the end: {error}",)))
    return Proof(folder, tuple(checks))


def _pixels(layout: Layout, master: Path | None) -> Check:
    """Master + layer = output, all tags kept, from the restoration's own record."""
    record = read_provenance(layout.provenance)
    place = master or (layout.restoration / record["master"]["place"])
    if not place.is_file():
        note = (
            f"the master {record['master']['file']} is not in the package and not at {place}: "
            "say where it is with --master, and every pixel is compared"
        )
        return Check("pixels", (), note)
    found = verify(layout.restoration, place)
    return Check("pixels", tuple(map(str, found.findings)), f"{found.pixels:,} pixels compared")


def _decisions(layout: Layout, dossier: Dossier) -> Check:
    """The fills in the file are those that staff kept."""
    with open_mask(layout.mask) as mask:
        there = sorted((one.box, one.area) for one in find_regions(mask))
    said = sorted((region.box, region.area) for region in dossier.kept)
    faults = []
    if there != said:
        faults.append(
            f"the mask has {len(there)} regions, and {len(said)} were kept"
            if len(there) != len(said)
            else "the regions of the mask are others than those that were kept"
        )
    if sum(area for _, area in there) != dossier.filled:
        faults.append(f"the mask does not have the {dossier.filled} pixels that are told")
    review = read_provenance(layout.provenance).get("review", {})
    gone = [region.number for region in dossier.regions if not region.kept]
    if review.get("rejected") != gone:
        faults.append("the record of the files names other fills as taken back")
    kept = f"{len(dossier.kept)} of {len(dossier.regions)} fills kept"
    return Check("decisions", tuple(faults), kept)


def _embedded(layout: Layout, dossier: Dossier, master: Path | None) -> Check:
    """The picture says of itself what the package says of it, and lost nothing."""
    page = dossier.original.page
    said = read_embedded(layout.restored, page)
    if said is None:
        return Check("embedded metadata", ("the picture does not say what it is",))
    expected = {
        "identifier": dossier.identifier,
        "filled": dossier.filled,
        "model": dossier.method.name,
        "master_sha256": dossier.original.sha256,
        "statement": dossier.statement,
    }
    faults = [
        f"the picture's {name.replace('_', ' ')} is {getattr(said, name)!r} instead of {value!r}"
        for name, value in expected.items()
        if getattr(said, name) != value
    ]
    if master is not None and master.is_file():
        now = read_xmp(layout.restored, page)
        assert now is not None
        faults += added_only(read_xmp(master, page), now)
    return Check("embedded metadata", tuple(faults))


def _premis(layout: Layout) -> Check:
    path = layout.metadata / "premis.xml"
    content = path.read_bytes()
    faults = validate_premis(content)
    if faults:
        return Check("PREMIS", tuple(faults))
    told: dict[str, str] = {}
    for thing in parse(content).iter(f"{PREMIS}object"):
        digests = {
            _text(one, "messageDigestAlgorithm"): _text(one, "messageDigest")
            for one in thing.iter(f"{PREMIS}fixity")
        }
        place = _text(thing, "contentLocationValue")
        if place.startswith("data/"):
            told[unquote(place)] = digests.get("SHA-256", "")
    return Check("PREMIS", tuple(_against_files(layout, told, {path, _mets_path(layout)})))


def _mets(layout: Layout) -> Check:
    content = _mets_path(layout).read_bytes()
    faults = validate_mets(content)
    if faults:
        return Check("METS", tuple(faults))
    path = _mets_path(layout)
    told = linked_files(content, layout.place(path))
    return Check("METS", tuple(_against_files(layout, told, {path})))


def _mets_path(layout: Layout) -> Path:
    return layout.metadata / "mets.xml"


def _against_files(layout: Layout, told: dict[str, str], untold: set[Path]) -> Iterable[str]:
    """What is told of files against the bag's list, which ``fixity`` holds against the files."""
    manifest = (layout.root / MANIFEST).read_bytes()
    listed, faults = parse_manifest(manifest, "sha256", True, told.keys())
    yield from (f"{MANIFEST}: {fault}" for fault in faults)
    left_out = {layout.place(path) for path in untold}
    found = {place: digest for place, digest in listed.items() if place not in left_out}
    for place in sorted(told.keys() - found.keys()):
        yield f"{place} is told of and not there"
    for place in sorted(found.keys() - told.keys()):
        yield f"{place} is there and not told of"
    for place in sorted(found.keys() & told.keys()):
        if found[place] != told[place]:
            yield f"{place} has another SHA-256 than is told"


def _events(dossier: Dossier) -> Check:
    """Each line of the record has the hash of its content, and follows the one before it."""
    faults = []
    events = dossier.events
    for event in events:
        if hash_of(_row(event)) != event.hash:
            faults.append(f"event {event.sequence} was changed after it was recorded")
    for before, after in pairwise(events):
        if after.sequence <= before.sequence:
            faults.append(f"event {after.sequence} is out of order")
        elif after.sequence == before.sequence + 1 and after.previous_hash != before.hash:
            faults.append(f"event {after.sequence} does not follow event {before.sequence}")
    whole = "the catalogue can prove that none is left out"
    return Check("record of events", tuple(faults), f"{len(events)} events; {whole}")


def _row(event: Occurrence) -> dict[str, Any]:
    """An event as the catalogue hashes it."""
    left_out = ("type_uri", "outcome_uri")
    return {name: value for name, value in vars(event).items() if name not in left_out}


def _credentials(layout: Layout, dossier: Dossier) -> Check:
    if not layout.credentials.is_file():
        return Check("content credentials", (), "none: the site had no certificate")
    faults = check_credentials(layout.restored, layout.credentials)
    if faults:
        return Check("content credentials", tuple(faults))
    read = read_credentials(layout.restored, layout.credentials)
    if dossier.identifier not in read.raw:
        faults.append("the credentials are those of another restoration")
    return Check("content credentials", tuple(faults), f"signed by {read.signer}, {read.state}")


def _text(element: Any, name: str) -> str:  # noqa: ANN401
    found = element.find(f".//{PREMIS}{name}")
    return "" if found is None else (found.text or "")
