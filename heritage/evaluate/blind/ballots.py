"""Votes into the catalogue and out of it, and what a voter may be called."""

from __future__ import annotations

import unicodedata

from db import votes
from db.votes import Ballot
from heritage.catalogue import Catalogue
from heritage.enquiries import Enquiries

NAME_LIMIT = 100
"""Characters of a voter's name."""


def cast_ballot(catalogue: Catalogue, ballot: Ballot) -> bool:
    """Store a vote at once; False if this person judged this pair before.

    Raises:
        CatalogueRefused: If it cannot be stored.
    """
    with catalogue._writing() as session:
        return votes.cast(session, ballot)


def read_ballots(catalogue: Enquiries, evaluation: str | None = None) -> list[Ballot]:
    """All votes in the order they were cast, of one evaluation or of all.

    Raises:
        CatalogueRefused: If they cannot be read.
    """
    with catalogue._reading() as session:
        return votes.ballots(session, evaluation)


def voter_name(said: str) -> str:
    """A name as it goes on record, so that who comes again is known again; empty if it is none.

    Spaces are made single, letters composed, and what cannot be seen is left out.
    """
    composed = unicodedata.normalize("NFC", said)
    visible = "".join(
        letter if letter.isprintable() else " "
        for letter in composed
        if unicodedata.category(letter) not in ("Cf", "Cs")
    )
    return " ".join(visible.split())[:NAME_LIMIT].strip()
