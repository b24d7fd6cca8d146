"""``heritage verify``: proof from the files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.answers import AsJson, console, say_json
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import HeritageError

if TYPE_CHECKING:
    from heritage.restore.verify import Verification


def verify(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR/NAME…", help="Folders that restore has written.")
    ],
    master: Annotated[
        Path | None, typer.Option(help="The master, where it has moved since; for one folder only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that a restoration, or a package of one, is what it says; or say what differs.

    Pixels outside the mask equal the master's, master + layer = output, all tags are kept, and the
    hashes are those of the provenance. In a package also: every file has the hashes that the bag
    tells, metadata, decisions and credentials fit the files, and no event was changed.
    """
    if master is not None and len(folders) > 1:
        raise typer.BadParameter("--master goes with one folder only")
    answers = [_check(folder, master) for folder in folders]
    if as_json:
        say_json(answers)
    else:
        for answer in answers:
            _tell(answer)
    proven = sum(answer["ok"] for answer in answers)
    raise typer.Exit(
        ALL_DONE if proven == len(answers) else SOME_FAILED if proven else NOTHING_DONE
    )


def _check(folder: Path, master: Path | None) -> dict[str, Any]:
    """The verdict on one folder."""
    from heritage.restore.verify import verify as prove

    if (folder / "bagit.txt").is_file():
        from heritage.archive.proof import prove as prove_package

        return prove_package(folder, master).to_json()
    try:
        verification: Verification = prove(folder, master)
    except HeritageError as error:
        return {"folder": str(folder), "ok": False, "findings": [str(error)]}
    findings = [str(finding) for finding in verification.findings]
    return {"folder": str(folder), "ok": verification.ok, "findings": findings}


def _tell(answer: dict[str, Any]) -> None:
    for check in answer.get("checks", ()):
        verdict = "; ".join(check["findings"]) or "proven"
        console().print(
            f"{check['about']}: {verdict}" + (f" ({n})" if (n := check["note"]) else "")
        )
    if answer["ok"]:
        console().print(f"{answer['folder']}: proven")
        return
    for finding in answer["findings"]:
        console(stderr=True).print(f"heritage: {answer['folder']}: {finding}")
