"""``heritage publish`` and what belongs to it: rules for TIFFs, certificates, audits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import HeritageError, StorageFailed


def publish(
    identifiers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID…]", help="Restorations; none: all that are signed and wait."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the package of each signed restoration, which the archive can check without us.

    A package that is there already stays as it is. The settings archive, archive_*, c2pa_*,
    institution and rights say where packages go and what is in them.
    """
    from heritage.archive import publishing
    from heritage.care.leases import TRIES, working_on
    from heritage.review.desk import open_desk
    from heritage.settings import load_settings

    settings = load_settings()
    publishing.wishes_of(settings)  # a setting that makes no sense is said once, not of each
    told: list[dict[str, Any]] = []
    with open_desk(settings) as desk:
        for identifier in identifiers or desk.unpublished():
            try:
                with working_on(publishing.publishing(identifier), settings, TRIES):
                    made = publishing.publish(desk, identifier, settings)
            except HeritageError as error:
                told.append({"restoration": identifier, "package": None, "reason": str(error)})
                continue
            told.append({"restoration": identifier, "package": str(made.folder), "reason": ""})
    if as_json:
        say_json(told)
    else:
        _tell_published(told)
    _leave([not one["reason"] for one in told])


def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="TIFFs.")],
    rules: Annotated[
        str, typer.Option(help="tiff, baseline, ti-a, or a TOML file of your own.")
    ] = "tiff",
    as_json: AsJson = False,
) -> None:
    """Check TIFFs against rules: any sound TIFF, baseline TIFF 6.0, TI/A-style, or your own."""
    from heritage.archive.rules.checking import check_tiff, load_rules

    wanted = load_rules(rules)
    told: list[dict[str, Any]] = []
    for file in files:
        try:
            faults = check_tiff(file, wanted)
        except HeritageError as error:
            told.append({"file": str(file), "ok": False, "faults": [error.reason], "notes": []})
            continue
        refused = [fault.sentence for fault in faults if fault.refuses]
        notes = [fault.sentence for fault in faults if not fault.refuses]
        told.append({"file": str(file), "ok": not refused, "faults": refused, "notes": notes})
    if as_json:
        say_json(told)
    else:
        for one in told:
            _tell_checked(one, wanted.name)
    _leave([one["ok"] for one in told])


def certificate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Receives certificate and key.")],
    name: Annotated[str, typer.Option(help="Who signs, as it is shown.")] = "heritage",
) -> None:
    """Make a certificate for trying out Content Credentials; nobody else trusts it."""
    from heritage.archive.credentials.certificates import make_test_certificate

    signer = make_test_certificate(folder, name)
    console().print(
        f"HERITAGE_C2PA_CERTIFICATE={signer.certificate}\nHERITAGE_C2PA_KEY={signer.key}\n"
        "For trying out only: readers will say that they do not know who signed."
    )


def reaudit(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Packages, at any depth.")],
    as_json: AsJson = False,
) -> None:
    """Read every file of all packages below a folder again, as fast as the disk is."""
    from heritage.archive.bags.reaudit import reaudit as audit

    found = audit(root)
    if not found.bags and not found.findings:
        raise StorageFailed("there is no package in this folder or below it", root)
    if as_json:
        findings = {folder: list(faults) for folder, faults in found.findings.items()}
        say_json(vars(found) | {"findings": findings, "strays": list(found.strays)})
    else:
        for folder, faults in found.findings.items():
            for fault in faults:
                console(stderr=True).print(f"heritage: {folder}: {fault}")
        for stray in found.strays:
            console().print(f"{stray}: belongs to no package")
        console().print(
            f"{found.bags:,} packages, {found.files:,} files, {found.bytes:,} bytes, "
            f"{found.bytes / 1e6 / max(found.seconds, 1e-9):,.0f} MB/s: "
            + ("all as they were" if not found.findings else f"{len(found.findings)} are not")
        )
    raise typer.Exit(NOTHING_DONE if found.findings else ALL_DONE)


def _tell_published(told: list[dict[str, Any]]) -> None:
    if not told:
        console().print("nothing that is signed waits to be published")
    for one in told:
        if one["reason"]:
            console(stderr=True).print(f"heritage: {one['restoration']}: {one['reason']}")
        else:
            console().print(f"{one['restoration']}: {one['package']}")


def _tell_checked(one: dict[str, Any], rules: str) -> None:
    for fault in one["faults"]:
        console(stderr=True).print(f"heritage: {one['file']}: {fault}")
    for note in one["notes"]:
        console().print(f"{one['file']}: note: {note}")
    if one["ok"]:
        console().print(f"{one['file']}: keeps the rules {rules}")


def _leave(done: list[bool]) -> None:
    raise typer.Exit(ALL_DONE if all(done) else SOME_FAILED if any(done) else NOTHING_DONE)
