"""The pieces that every statement about a restoration's provenance is made of.

Source: W3C PROV-O (2013).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from rdflib import Literal, URIRef
from rdflib.namespace import PROV, RDF, RDFS, XSD
from rdflib.term import Node

from heritage.archive.dossier import Dossier, Judged
from heritage.archive.provenance.names import HR, file_iri, part_iri

Triple = tuple[Node, Node, Node]
"""One statement: subject, predicate, value."""


@dataclass(frozen=True)
class Telling:
    """What there is to tell, and the names that its statements share.

    Args:
        dossier: All that is known of the restoration.
        files: SHA-256 by role; ``restored`` and ``mask`` are among them.
    """

    dossier: Dossier
    files: Mapping[str, str]

    @cached_property
    def whole(self) -> URIRef:
        """The restoration."""
        return URIRef(self.dossier.urn)

    @cached_property
    def master(self) -> URIRef:
        """The file that was restored."""
        return file_iri(self.dossier.original.sha256)

    @cached_property
    def signed(self) -> URIRef:
        """The file that was signed."""
        return file_iri(self.files["restored"])

    @cached_property
    def taken_back(self) -> bool:
        """Whether the fill of any region was."""
        return len(self.dossier.kept) < len(self.dossier.regions)

    @cached_property
    def mask(self) -> URIRef:
        """Of the proposal; the file in the package where nothing was taken back."""
        return self.part("mask") if self.taken_back else file_iri(self.files["mask"])

    def part(self, name: str) -> URIRef:
        """Something that exists in this restoration only."""
        return part_iri(self.dossier, name)

    def person(self, name: str) -> URIRef:
        """Named by what the catalogue calls them."""
        return self.part(f"person-{name}")

    def software(self, name: str) -> URIRef:
        """In the version that ran."""
        version = self.dossier.method.software[name]
        return self.part(f"software-{name}-{version}")

    def region(self, region: Judged) -> URIRef:
        """Its name, by its number in the mask of the proposal."""
        return self.part(f"region-{region.number}")

    def acting(self, activity: URIRef, name: str, role: str) -> Iterator[Triple]:
        """A person acted, in a role.

        Args:
            activity: What the person did.
            name: Of the person.
            role: ``operator``, ``author``, ``approver`` or ``reviewer``.
        """
        person, association = self.person(name), URIRef(f"{activity}-{role}")
        yield activity, PROV.wasAssociatedWith, person
        yield activity, PROV.qualifiedAssociation, association
        yield association, RDF.type, PROV.Association
        yield association, PROV.agent, person
        yield association, PROV.hadRole, HR[f"role-{role}"]
        yield from told(person, (PROV.Person, PROV.Agent), name, {})
        if self.dossier.work.institution:
            yield person, PROV.actedOnBehalfOf, self.part("institution")


def told(
    subject: URIRef, kinds: Iterable[URIRef], label: str, said: Mapping[URIRef, object]
) -> Iterator[Triple]:
    """Types, a label, and the values that are known.

    Args:
        subject: What they are told of.
        kinds: Its types.
        label: For people.
        said: Values by predicate; None where one is not known.
    """
    for kind in kinds:
        yield subject, RDF.type, kind
    yield subject, RDFS.label, Literal(label)
    for predicate, value in said.items():
        if value is not None:
            yield subject, predicate, value if isinstance(value, Node) else _literal(value)


def _literal(value: object) -> Literal:
    if isinstance(value, datetime):
        return Literal(value.isoformat(), datatype=XSD.dateTime)
    return Literal(value)
