"""From a signature to the archive: the signed files are composed, then the package is made.

What is signed and not published yet stands in the catalogue: whatever stops a process, the next one
goes on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from heritage.archive.access.copies import AccessOptions
from heritage.archive.credentials.certificates import Signer
from heritage.archive.dossier import Dossier
from heritage.archive.gathering import gather
from heritage.archive.ocfl.objects import store_version
from heritage.archive.package import Package, Wishes, pack
from heritage.archive.rules.checking import load_rules
from heritage.archive.uncertainty.file import summary
from heritage.archive.uncertainty.map import recorded_inpainter, write_uncertainty
from heritage.care.stages import stage
from heritage.errors import BadSetting, HeritageError, NotEnoughMemory, UnknownModel
from heritage.logs import concerning
from heritage.restore.options import Options
from heritage.restore.provenance import file_names, read_provenance
from heritage.restore.recompose import recompose
from heritage.restore.storage import storage
from heritage.review.desk import Desk
from heritage.review.pictures import Scene
from heritage.review.report import report_html, report_pdf
from heritage.review.report.gathering import facts_of
from heritage.settings import Settings

SIGNED: Final = "-signed"
"""What is signed lies beside what was proposed: OUTPUT/NAME becomes OUTPUT-signed/NAME."""

TURNS: Final = 8
"""Times that a place is filled again to see how the answers scatter."""

PATIENCE: Final = 900.0
"""Seconds that the map of uncertainty may be expected to take, unless it is asked for always."""

LANGUAGE: Final = "en"
"""Of the condition report in a package."""


def publishing(identifier: str) -> str:
    """What a lease on publishing a restoration is about."""
    return f"publish {identifier}"


def publish(desk: Desk, identifier: str, settings: Settings) -> Package:
    """Write the files of a signed restoration and its package; what is there already stays.

    Args:
        desk: The open catalogue.
        identifier: The restoration's.
        settings: Of the site.

    Returns:
        The package, which is on record.

    Raises:
        HeritageError: If the master or the files are gone, the disk is full, a certificate does not
            fit, or something cannot be proven.
    """
    wishes = wishes_of(settings)
    row, _ = desk.restoration(identifier)
    master = Path(row.master.path)
    with concerning(restoration=identifier), stage("publish", row.master.path):
        signed = compose_signed(desk, identifier)
        dossier = gather(desk, identifier, settings)
        report = partial(write_report, desk, identifier, settings)
        if settings.archive_uncertainty != "never":
            record = read_provenance(signed / file_names(signed.name)["provenance"])
            wishes = replace(wishes, spread=partial(write_spread, dossier, record, settings))
        made = pack(
            dossier, signed, master, settings.archive_folder, wishes, report, datetime.now(UTC)
        )
        if settings.archive_ocfl is not None:
            store_version(dossier, made.folder, master, settings.archive_ocfl)
        desk.record_package(identifier, str(made.folder), made.sha256)
    return made


def compose_signed(desk: Desk, identifier: str) -> Path:
    """Write the files of a signed restoration: without the fills that were taken back.

    Args:
        desk: The open catalogue.
        identifier: The restoration's.

    Returns:
        The folder, ``OUTPUT-signed/NAME``.

    Raises:
        HeritageError: If the master or the files are gone, or the disk is full.
    """
    row, sign_off = desk.restoration(identifier)
    if sign_off is None or sign_off.approved_at is None:
        raise HeritageError(f"restoration {identifier} is not signed: sign it in the review room")
    folder = Path(row.output)
    decisions = {
        "restoration": row.identifier,
        "statement": sign_off.statement.value,
        "remark": sign_off.remark,
        "author": sign_off.author,
        "authored_at": sign_off.authored_at.isoformat(),
        "approver": sign_off.approver,
        "approved_at": sign_off.approved_at.isoformat(),
    }
    made = recompose(
        folder,
        Path(row.master.path),
        desk.taken_back(identifier),
        folder.parent.with_name(folder.parent.name + SIGNED),
        decisions,
    )
    digest = str(read_provenance(made.provenance)["restored"]["sha256"])
    desk.record_composed(identifier, str(made.folder), digest)
    return made.folder


def write_report(desk: Desk, identifier: str, settings: Settings, folder: Path) -> None:
    """Write the condition report as a page that stands alone, and as PDF where that can be made.

    Args:
        desk: The open catalogue.
        identifier: The restoration's.
        settings: Of the site.
        folder: Receives the files.
    """
    row, _ = desk.restoration(identifier)
    cache = settings.home / "review-cache"
    with Scene(Path(row.master.path), Path(row.output), cache, row.master.page) as scene:
        facts = facts_of(desk, identifier, scene)
    with storage(folder):
        (folder / "condition.html").write_text(report_html(facts, LANGUAGE), "utf-8")
        try:
            pdf = report_pdf(facts, LANGUAGE)
        except HeritageError:
            return  # the page says the same
        (folder / "condition.pdf").write_bytes(pdf)


def write_spread(
    dossier: Dossier,
    record: dict[str, Any],
    settings: Settings,
    master: Path,
    mask: Path,
    target: Path,
) -> dict[str, Any]:
    """Write the map of uncertainty, where there is time and the inpainter is still at hand.

    Args:
        dossier: About the restoration.
        record: The provenance of its files.
        settings: Of the site.
        master: The master.
        mask: What was filled and kept.
        target: The file to write.

    Returns:
        What the map says over all, or why there is none.
    """
    expected = TURNS * record["times"]["seconds"]
    if settings.archive_uncertainty == "auto" and expected > PATIENCE:
        minutes = f"it would take about {expected / 60:.0f} minutes"
        return {"missing": f"{minutes}; archive_uncertainty=always has it made"}
    said = dossier.method.parameters
    known = {name: said[name] for name in ("window", "context", "overlap") if name in said}
    page = dossier.original.page
    try:
        inpainter = recorded_inpainter(dossier.method, settings.device)
    except UnknownModel as error:
        return {"missing": str(error)}
    options = Options(memory=settings.memory, page=page, **known)
    limits = record.get("working_space", {}).get("value_range")
    try:
        write_uncertainty(
            master, mask, page, inpainter, target, memory=settings.memory, options=options,
            limits=None if limits is None else (limits[0], limits[1]),
        )  # fmt: skip
    except NotEnoughMemory as error:
        return {"missing": str(error)}
    return summary(target)


def wishes_of(settings: Settings) -> Wishes:
    """What a site wants in its packages.

    Raises:
        BadSetting: If only one of certificate and key is set, or the rules are not known.
    """
    certificate, key = settings.c2pa_certificate, settings.c2pa_key
    if (certificate is None) != (key is None):
        raise BadSetting("c2pa_certificate and c2pa_key belong together: set both, or none")
    signer = None
    if certificate is not None and key is not None:
        signer = Signer(certificate, key, timestamp_url=settings.c2pa_timestamp)
    return Wishes(
        rules=None if settings.archive_rules is None else load_rules(settings.archive_rules),
        copy_original=settings.archive_original == "copy",
        signer=signer,
        access=AccessOptions(settings.archive_caption, settings.archive_tratteggio),
        url=settings.archive_url,
    )
