"""The objects of a PREMIS document: the artefact, its two representations, and all files.

The artefact is an intellectual entity. It is represented twice: by the original scan and by the
virtual restoration. The original scan consists of the master, which is described even where the
package does not hold it; the virtual restoration consists of everything else in the package.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from heritage.archive.dossier import Dossier, Original
from heritage.archive.premis import terms
from heritage.archive.premis.listing import PackagedFile
from heritage.archive.premis.parts import (
    Identity,
    P,
    file_format,
    fixity,
    identifier,
    local,
    packed,
    relation,
    significant,
    storage,
    thing,
)

SCAN = local("original scan")
RIGHTS = local("rights of the artefact")
ORIGINAL = "original"
INGREDIENTS = ("mask", "layer")
"""Roles of the files that make the restored file out of the master."""


def artefact(dossier: Dossier) -> Identity:
    """Of the intellectual entity."""
    return Identity("accession number", dossier.work.accession)


def restoration(dossier: Dossier) -> Identity:
    """Of the representation that was signed."""
    return Identity("URN", dossier.urn)


def master(dossier: Dossier) -> Identity:
    """Of the master, wherever it lies."""
    return Identity("SHA-256", dossier.original.sha256)


def objects(
    dossier: Dossier, files: Sequence[PackagedFile], made_by: Identity | None
) -> Iterator[Any]:
    """All objects.

    Args:
        dossier: Of the restoration.
        files: Of the package.
        made_by: The event that made the restored file, where one is on record.
    """
    copy = next((file for file in files if _is_master(dossier, file)), None)
    others = [file for file in files if file is not copy]
    yield _artefact(dossier)
    yield _scan(dossier, [file for file in others if file.role == ORIGINAL])
    yield _restoration(dossier, [file for file in others if file.role != ORIGINAL])
    yield _master(dossier, copy, _of_role(others, "restored"))
    for file in others:
        yield _file(dossier, file, others, made_by)


def _artefact(dossier: Dossier) -> Any:  # noqa: ANN401
    work = dossier.work
    return thing(
        "intellectualEntity",
        identifier("object", artefact(dossier)),
        *(
            significant(kind, value)
            for kind, value in (("title", work.title), ("maker", work.maker), ("date", work.date))
            if value
        ),
        relation(terms.STRUCTURAL, terms.REPRESENTED_BY, [SCAN, restoration(dossier)]),
    )


def _scan(dossier: Dossier, files: Sequence[PackagedFile]) -> Any:  # noqa: ANN401
    return thing(
        "representation",
        identifier("object", SCAN),
        P("originalName", dossier.original.file),
        relation(terms.STRUCTURAL, terms.REPRESENTS, [artefact(dossier)]),
        relation(
            terms.STRUCTURAL,
            terms.INCLUDES,
            [master(dossier), *(local(file.path) for file in files)],
        ),
        _rights(dossier),
    )


def _restoration(dossier: Dossier, files: Sequence[PackagedFile]) -> Any:  # noqa: ANN401
    signing = dossier.signing
    return thing(
        "representation",
        identifier("object", restoration(dossier)),
        significant("statement", dossier.statement),
        significant("signed as", signing.statement),
        significant("remark", signing.remark) if signing.remark else None,
        P("originalName", dossier.name),
        relation(terms.STRUCTURAL, terms.REPRESENTS, [artefact(dossier)]),
        relation(terms.STRUCTURAL, terms.INCLUDES, [local(file.path) for file in files]),
        relation(terms.DERIVATION, terms.HAS_SOURCE, [SCAN]),
        _rights(dossier),
    )


def _master(dossier: Dossier, copy: PackagedFile | None, restored: Sequence[PackagedFile]) -> Any:  # noqa: ANN401
    original = dossier.original
    return thing(
        "file",
        identifier("object", master(dossier)),
        identifier("object", local(copy.path)) if copy else None,
        P(
            "objectCharacteristics",
            P("compositionLevel", "0"),
            fixity(terms.SHA256, original.sha256),
            fixity(terms.SHA512, copy.sha512) if copy else None,
            P("size", str(original.bytes)),
            file_format(copy, _pixels(original)),
        ),
        P("originalName", original.file),
        packed(copy.path) if copy else None,
        storage(original.place),
        relation(terms.STRUCTURAL, terms.INCLUDED_IN, [SCAN]),
        relation(terms.DERIVATION, terms.IS_SOURCE_OF, [local(file.path) for file in restored]),
    )


def _file(
    dossier: Dossier,
    file: PackagedFile,
    others: Sequence[PackagedFile],
    made_by: Identity | None,
) -> Any:  # noqa: ANN401
    restored = file.role == "restored"
    return thing(
        "file",
        identifier("object", local(file.path)),
        significant("role in the package", file.role),
        significant("statement", dossier.statement) if restored else None,
        P(
            "objectCharacteristics",
            P("compositionLevel", "0"),
            fixity(terms.SHA256, file.sha256),
            fixity(terms.SHA512, file.sha512),
            P("size", str(file.bytes)),
            file_format(file),
            *(_applications(dossier) if restored else ()),
        ),
        P("originalName", file.path.rpartition("/")[2]),
        packed(file.path),
        relation(
            terms.STRUCTURAL,
            terms.INCLUDED_IN,
            [SCAN if file.role == ORIGINAL else restoration(dossier)],
        ),
        _derived(dossier, others, made_by) if restored else None,
    )


def _derived(dossier: Dossier, others: Sequence[PackagedFile], made_by: Identity | None) -> Any:  # noqa: ANN401
    """Master, mask and layer make the restored file."""
    parts = [local(file.path) for role in INGREDIENTS for file in _of_role(others, role)]
    return relation(terms.DERIVATION, terms.HAS_SOURCE, [master(dossier), *parts], made_by)


def _applications(dossier: Dossier) -> Iterator[Any]:
    method = dossier.method
    weights = method.weights_sha256
    for name, version in (
        ("heritage", method.software.get("heritage")),
        (method.name, f"weights sha256:{weights}" if weights else None),
    ):
        yield P(
            "creatingApplication",
            P("creatingApplicationName", name),
            P("creatingApplicationVersion", version) if version else None,
        )


def _pixels(original: Original) -> str:
    return (
        f"page {original.page + 1}: {original.width} x {original.height} pixels, "
        f"{original.samples} channels of {original.bits} bits ({original.dtype}), "
        f"{original.colour}, compression {original.compression}"
    )


def _rights(dossier: Dossier) -> Any:  # noqa: ANN401
    return identifier("linkingRightsStatement", RIGHTS) if dossier.work.rights else None


def _is_master(dossier: Dossier, file: PackagedFile) -> bool:
    return file.role == ORIGINAL and file.sha256 == dossier.original.sha256


def _of_role(files: Sequence[PackagedFile], role: str) -> list[PackagedFile]:
    return [file for file in files if file.role == role]
