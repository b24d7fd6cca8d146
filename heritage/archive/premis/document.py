"""What an archive is to know in fifty years, in the words of PREMIS 3.0.

https://www.loc.gov/standards/premis/v3/ . One document tells of the artefact, the master, the
virtual restoration with all its files, everything that happened, who did it, and the rights.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from heritage.archive.dossier import Dossier
from heritage.archive.premis import terms
from heritage.archive.premis.events import agents, events, maker
from heritage.archive.premis.listing import PackagedFile
from heritage.archive.premis.markup import written
from heritage.archive.premis.objects import RIGHTS, SCAN, objects, restoration
from heritage.archive.premis.parts import Identity, P, controlled, identifier

VERSION = "3.0"

LICENCES = re.compile(r"https?://creativecommons\.org/(licenses|publicdomain/zero)/")
"""Addresses that grant something; other addresses state what is so."""


def premis(dossier: Dossier, files: Sequence[PackagedFile]) -> bytes:
    """The PREMIS document of a package.

    Args:
        dossier: Of the restoration.
        files: Of the package, without this document. Where one of them is a copy of the master, it
            is described as such; else the master is described at the place where it lay.

    Returns:
        XML in UTF-8, valid against the schema of PREMIS 3.0.
    """
    root = P("premis", version=VERSION)
    root.extend(objects(dossier, files, maker(dossier)))
    root.extend(events(dossier, files))
    root.extend(agents(dossier))
    if dossier.work.rights:
        root.append(_rights(dossier.work.rights, [SCAN, restoration(dossier)]))
    return written(root)


def _rights(address: str, concerned: Sequence[Identity]) -> Any:  # noqa: ANN401
    """A licence where the address is one, else another's statement about the rights."""
    where = Identity("URI", address)
    licence = LICENCES.match(address) is not None
    return P(
        "rights",
        P(
            "rightsStatement",
            identifier("rightsStatement", RIGHTS),
            controlled("rightsBasis", terms.LICENCE if licence else terms.OTHER_RIGHTS),
            P(
                "licenseInformation",
                identifier("licenseDocumentation", where),
                P("licenseTerms", address),
            )
            if licence
            else P(
                "otherRightsInformation",
                identifier("otherRightsDocumentation", where),
                P("otherRightsBasis", "rights statement"),
            ),
            *(identifier("linkingObject", identity) for identity in concerned),
        ),
    )
