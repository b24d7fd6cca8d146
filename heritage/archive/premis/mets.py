"""The wrapper that preservation systems open first, in METS 1.12.

https://www.loc.gov/standards/mets/ . It says what the package is (Dublin Core), where its history
stands (PREMIS), which files there are with what checksums, and what each is for.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import heritage
from heritage.archive.dossier import Dossier
from heritage.archive.premis.listing import PackagedFile
from heritage.archive.premis.markup import Vocabulary, written
from heritage.archive.xml import parse

NAMESPACE = "http://www.loc.gov/METS/"
XLINK = "http://www.w3.org/1999/xlink"
HREF = f"{{{XLINK}}}href"
DC = "http://purl.org/dc/elements/1.1/"

M = Vocabulary(NAMESPACE, {"mets": NAMESPACE, "xlink": XLINK, "dc": DC})
D = Vocabulary(DC, {"dc": DC})

DESCRIPTION = "description"
HISTORY = "history"


def mets(
    dossier: Dossier, files: Sequence[PackagedFile], premis_path: str, created: datetime
) -> bytes:
    """The METS document of a package, to be put beside the PREMIS document.

    Args:
        dossier: Of the restoration.
        files: Of the package, without this document; the PREMIS document may be among them.
        premis_path: Of the PREMIS document, from the bag's root. All links are relative to its
            folder, because this document lies there too.
        created: When this document is written; aware of its time zone.

    Returns:
        XML in UTF-8, valid against the schema of METS 1.12.1.
    """
    home = posixpath.dirname(premis_path)
    groups: dict[str, dict[str, PackagedFile]] = {}
    for number, file in enumerate(files, 1):
        groups.setdefault(file.role, {})[f"file-{number}"] = file
    root = M(
        "mets",
        _header(dossier, created),
        M("dmdSec", _description(dossier), ID=DESCRIPTION),
        _history(files, premis_path, home),
        M("fileSec", *_inventory(groups, home)) if groups else None,
        _structure(dossier, groups),
        OBJID=dossier.urn,
        LABEL=dossier.work.title,
        TYPE="virtual restoration",
    )
    return written(root)


def linked_files(document: bytes, path: str) -> dict[str, str]:
    """SHA-256 of every file that a METS document lists, by path from the bag's root.

    Args:
        document: Which is valid, from wherever.
        path: Where it lies, from the bag's root.
    """
    root = parse(document)
    home = posixpath.dirname(path)
    return {
        posixpath.normpath(posixpath.join(home, unquote(place.get(HREF, "")))): file.get(
            "CHECKSUM", ""
        )
        for file in root.iter(f"{{{NAMESPACE}}}file")
        for place in file.iter(f"{{{NAMESPACE}}}FLocat")
    }


def _header(dossier: Dossier, created: datetime) -> Any:  # noqa: ANN401
    signing = dossier.signing
    return M(
        "metsHdr",
        M(
            "agent",
            M("name", "heritage"),
            M("note", f"version {heritage.__version__}"),
            ROLE="CREATOR",
            TYPE="OTHER",
            OTHERTYPE="SOFTWARE",
        ),
        _person(signing.author, "AUTHOR", "handed the restoration in"),
        _person(signing.approver, "APPROVER", f"signed it as {signing.statement}"),
        M("agent", M("name", dossier.work.institution), ROLE="CUSTODIAN", TYPE="ORGANIZATION")
        if dossier.work.institution
        else None,
        M("altRecordID", dossier.work.accession, TYPE="accession number"),
        CREATEDATE=created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _person(name: str, role: str, note: str) -> Any:  # noqa: ANN401
    return M(
        "agent",
        M("name", name),
        M("note", note),
        ROLE="OTHER",
        OTHERROLE=role,
        TYPE="INDIVIDUAL",
    )


def _description(dossier: Dossier) -> Any:  # noqa: ANN401
    """Simple Dublin Core: of the picture, and of what this package makes of it."""
    work, original, signing = dossier.work, dossier.original, dossier.signing
    told = (
        ("title", work.title),
        ("creator", work.maker),
        ("contributor", signing.author),
        ("contributor", signing.approver),
        ("publisher", work.institution),
        ("date", work.date),
        ("type", "StillImage"),
        ("type", "virtual restoration"),
        ("description", dossier.statement),
        ("description", signing.remark),
        ("identifier", work.accession),
        ("identifier", dossier.urn),
        ("source", f"{original.file}, sha256 {original.sha256}"),
        ("rights", work.rights),
    )
    elements = [D(name, text) for name, text in told if text]
    return M("mdWrap", M("xmlData", *elements), MDTYPE="DC", MIMETYPE="text/xml")


def _history(files: Sequence[PackagedFile], path: str, home: str) -> Any:  # noqa: ANN401
    listed = next((file for file in files if file.path == path), None)
    reference = M(
        "mdRef",
        LOCTYPE="URL",
        MDTYPE="PREMIS",
        MDTYPEVERSION="3.0",
        MIMETYPE="application/xml",
        SIZE=str(listed.bytes) if listed else None,
        CHECKSUM=listed.sha256 if listed else None,
        CHECKSUMTYPE="SHA-256" if listed else None,
    )
    return M("amdSec", M("digiprovMD", _linked(reference, path, home), ID=HISTORY))


def _inventory(groups: dict[str, dict[str, PackagedFile]], home: str) -> Iterator[Any]:
    for role, members in groups.items():
        yield M(
            "fileGrp",
            *(
                M(
                    "file",
                    _linked(M("FLocat", LOCTYPE="URL"), file.path, home),
                    ID=name,
                    ADMID=HISTORY,
                    MIMETYPE=file.media_type,
                    SIZE=str(file.bytes),
                    CHECKSUM=file.sha256,
                    CHECKSUMTYPE="SHA-256",
                )
                for name, file in members.items()
            ),
            USE=role,
        )


def _structure(dossier: Dossier, groups: dict[str, dict[str, PackagedFile]]) -> Any:  # noqa: ANN401
    return M(
        "structMap",
        M(
            "div",
            *(
                M("div", *(M("fptr", FILEID=name) for name in members), TYPE=role)
                for role, members in groups.items()
            ),
            TYPE="virtual restoration",
            LABEL=dossier.work.title,
            DMDID=DESCRIPTION,
            ADMID=HISTORY,
        ),
        TYPE="physical",
    )


def _linked(element: Any, path: str, home: str) -> Any:  # noqa: ANN401
    """The element with a link to a file of the package."""
    element.set(f"{{{XLINK}}}type", "simple")
    element.set(HREF, quote(posixpath.relpath(path, home or ".")))
    return element
