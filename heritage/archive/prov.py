"""Where every filled pixel comes from, in W3C PROV-O: one graph for one signed restoration.

What thousands of regions share is said once: one activity filled them all, and decisions of one
person at one moment are one activity. No node is anonymous, so that equal graphs are equal
sets and give equal bytes. Terms of our own are in ``vocabulary.ttl``, what must be there is in
``shapes.ttl``, and ``docs/provenance.md`` explains both.

Source: W3C PROV-O (2013), Web Annotation (2017), Media Fragments 1.0, RFC 6920 for names of files.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from urllib.parse import quote

from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, PROV, RDF, RDFS, XSD
from rdflib.term import BNode, Node

from heritage.archive.dossier import Dossier, Judged
from heritage.errors import VerificationFailed

HR = Namespace("urn:heritage:restoration:1.0:")
"""Our own terms, the same as in the XMP of the signed file."""

OA = Namespace("http://www.w3.org/ns/oa#")
"""Web Annotation."""

PREFIXES = {
    "dcterms": str(DCTERMS), "hr": str(HR), "oa": str(OA), "prov": str(PROV), "rdf": str(RDF),
    "rdfs": str(RDFS), "xsd": str(XSD),
}  # fmt: skip
MEDIA_FRAGMENTS = URIRef("http://www.w3.org/TR/media-frags/")
NEEDED = ("restored", "mask")
COMPOSED = ("restored", "mask", "layer")

Triple = tuple[Node, Node, Node]
_FOUND = ("areaPixels", "damage", "confidence", "detector")
Bound = list[tuple[str, str]]
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")


def file_iri(sha256: str) -> URIRef:
    """The name of a file by its content, as RFC 6920 has it.

    Args:
        sha256: 64 small hexadecimal digits.

    Raises:
        VerificationFailed: If it is no SHA-256.

    >>> print(file_iri("00" * 32))
    ni:///sha-256;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    """
    if not _SHA256.fullmatch(sha256):
        raise VerificationFailed(
            f"{sha256!r} is no SHA-256: 64 small hexadecimal digits are needed"
        )
    digest = urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return URIRef(f"ni:///sha-256;{digest}")


def part_iri(dossier: Dossier, name: str) -> URIRef:
    """The name of something that exists in this restoration only.

    Args:
        dossier: Of the restoration.
        name: What it is; anything that an IRI may not hold is escaped.
    """
    return URIRef(f"{dossier.urn}#{quote(name, safe='')}")


def check_files(dossier: Dossier, files: Mapping[str, str]) -> None:
    """Refuse files that cannot be those of this restoration.

    Args:
        dossier: Of the restoration.
        files: SHA-256 by role.

    Raises:
        VerificationFailed: If a needed file is missing, a hash is none, or ``original`` is not the
            master that the dossier tells of.
    """
    for role in NEEDED:
        if role not in files:
            raise VerificationFailed(f"provenance needs the SHA-256 of the {role} file: pass it")
    for sha256 in (*files.values(), dossier.original.sha256):
        file_iri(sha256)
    if files.get("original", dossier.original.sha256) != dossier.original.sha256:
        raise VerificationFailed("the original in the package is not the master that was restored")


def prov_graph(dossier: Dossier, files: Mapping[str, str]) -> Graph:
    """The provenance of a signed restoration.

    Args:
        dossier: All that is known of it.
        files: SHA-256 by role: ``restored`` and ``mask`` are needed; ``layer``, ``original`` and
            any other that the package holds.

    Returns:
        A graph without anonymous nodes, its prefixes bound.

    Raises:
        VerificationFailed: If a needed file is missing, a hash is none, or ``original`` is not the
            master that the dossier tells of.
    """
    check_files(dossier, files)
    graph = Graph(bind_namespaces="none")
    for prefix, iri in PREFIXES.items():
        graph.bind(prefix, iri)
    graph.bind("this", f"{dossier.urn}#")
    graph.addN((*triple, graph) for triple in _Telling(dossier, files).all())
    return graph


class _Telling:
    """Turns one dossier into triples; holds the names that they share."""

    def __init__(self, dossier: Dossier, files: Mapping[str, str]) -> None:
        self.dossier = dossier
        self.files = files
        self.whole = URIRef(dossier.urn)
        self.master = file_iri(dossier.original.sha256)
        self.signed = file_iri(files["restored"])
        self.taken_back = len(dossier.kept) < len(dossier.regions)
        self.mask = self.part("mask") if self.taken_back else file_iri(files["mask"])

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

    def all(self) -> Iterator[Triple]:
        """Every statement, once."""
        yield from self.restoration()
        yield from self.artefact()
        yield from self.held_files()
        yield from self.fill()
        yield from self.composing()
        yield from self.signing()
        yield from self.regions()
        yield from self.decisions()
        yield from self.agents()

    def restoration(self) -> Iterator[Triple]:
        dossier = self.dossier
        yield from _told(self.whole, (HR.Restoration, PROV.Entity), dossier.name, {
            HR.identifier: dossier.identifier,
            HR.statement: dossier.statement,
            HR.certainty: dossier.signing.statement,
            HR.filledPixels: dossier.filled,
            HR.filledShare: dossier.share,
            HR.masterSHA256: dossier.original.sha256,
            HR.approver: dossier.signing.approver,
        })  # fmt: skip

    def artefact(self) -> Iterator[Triple]:
        work = self.dossier.work
        artefact = self.part("artefact")
        yield from _told(artefact, (HR.Artefact, PROV.Entity), work.title, {
            DCTERMS.identifier: work.accession,
            DCTERMS.title: work.title,
            DCTERMS.creator: work.maker,
            DCTERMS.created: work.date,
            DCTERMS.rights: _iri_or_text(work.rights),
        })  # fmt: skip
        if work.institution:
            yield artefact, PROV.wasAttributedTo, self.part("institution")
        yield self.master, PROV.wasDerivedFrom, artefact

    def held_files(self) -> Iterator[Triple]:
        original = self.dossier.original
        yield from _told(self.master, (HR.Master, HR.File, PROV.Entity), original.file, {
            HR.sha256: original.sha256,
            HR.role: "original",
            HR.bytes: original.bytes,
            HR.page: original.page,
            HR.width: original.width,
            HR.height: original.height,
        })  # fmt: skip
        for role, sha256 in self.files.items():
            file = file_iri(sha256)
            if file == self.master:
                continue
            label = f"{self.dossier.name}: {role}"
            said = {HR.sha256: sha256, HR.role: role}
            yield from _told(file, (HR.File, PROV.Entity), label, said)
            if role in COMPOSED and not (role == "mask" and file == self.mask):
                yield file, PROV.wasGeneratedBy, self.part("composing")
        if self.taken_back:
            yield from _told(self.mask, (HR.Mask, PROV.Entity), "the mask as proposed", {})
            yield file_iri(self.files["mask"]), PROV.wasRevisionOf, self.mask

    def fill(self) -> Iterator[Triple]:
        dossier, method, fill = self.dossier, self.dossier.method, self.part("fill")
        kinds = (HR.Fill, PROV.Activity, *([HR.NetworkFill] if method.generated else []))
        yield from _told(fill, kinds, f"filling by {method.name}", {
            HR.model: method.name,
            HR.kind: method.kind,
            HR.weightsSHA256: method.weights_sha256,
            HR.weightsLicence: method.licence,
            HR.parameters: Literal(_json(method.parameters), datatype=RDF.JSON),
            HR.seed: method.parameters.get("seed"),
            HR.device: method.device,
            PROV.startedAtTime: dossier.started_at,
            PROV.endedAtTime: dossier.finished_at,
        })  # fmt: skip
        used = {"master": self.master, "mask": self.mask}
        if method.weights_sha256:
            used["weights"] = file_iri(method.weights_sha256)
            said = {HR.sha256: method.weights_sha256, HR.role: "weights"}
            label = f"weights of {method.name}"
            yield from _told(used["weights"], (HR.Weights, HR.File, PROV.Entity), label, said)
        for role, entity in used.items():
            usage = self.part(f"fill-{role}")
            yield fill, PROV.used, entity
            yield fill, PROV.qualifiedUsage, usage
            yield usage, RDF.type, PROV.Usage
            yield usage, PROV.entity, entity
            yield usage, PROV.hadRole, HR[f"role-{role}"]
        for name in method.software:
            yield fill, PROV.wasAssociatedWith, self.software(name)
        yield from self.acting(fill, dossier.operator, "operator")
        proposal = self.part("proposal")
        yield from _told(proposal, (HR.Proposal, PROV.Entity), "the picture as proposed", {})
        yield proposal, PROV.wasGeneratedBy, fill
        yield proposal, PROV.wasDerivedFrom, self.master

    def composing(self) -> Iterator[Triple]:
        composing, derivation = self.part("composing"), self.part("derivation")
        kept = self.part("kept")
        done = [
            event.at
            for event in self.dossier.events
            if event.type == "modification" and event.restoration == self.dossier.identifier
        ]
        yield from _told(composing, (HR.Composing, PROV.Activity), "composing of the signed file", {
            PROV.endedAtTime: done[-1] if done else None,
        })  # fmt: skip
        yield from _told(kept, (PROV.Collection, PROV.Entity), "the fills that were kept", {})
        for entity in (self.master, kept):
            yield composing, PROV.used, entity
        yield composing, PROV.wasInformedBy, self.part("approval")
        if "heritage" in self.dossier.method.software:
            yield composing, PROV.wasAssociatedWith, self.software("heritage")
        yield self.signed, RDF.type, HR.SignedFile
        yield self.signed, PROV.specializationOf, self.whole
        yield self.signed, PROV.wasDerivedFrom, self.master
        yield self.signed, PROV.wasAttributedTo, self.person(self.dossier.signing.approver)
        yield self.signed, PROV.qualifiedDerivation, derivation
        yield derivation, RDF.type, PROV.Derivation
        yield derivation, PROV.entity, self.master
        yield derivation, PROV.hadActivity, composing

    def signing(self) -> Iterator[Triple]:
        signing = self.dossier.signing
        author, approval = self.part("handing-in"), self.part("approval")
        yield from _told(author, (HR.HandingIn, HR.Decision, PROV.Activity), "handing in", {
            HR.decision: signing.statement,
            HR.note: signing.remark or None,
            PROV.startedAtTime: signing.authored_at,
            PROV.endedAtTime: signing.authored_at,
        })  # fmt: skip
        yield from self.acting(author, signing.author, "author")
        yield from _told(approval, (HR.Approval, HR.Decision, PROV.Activity), "approval", {
            HR.decision: "approved",
            PROV.startedAtTime: signing.approved_at,
            PROV.endedAtTime: signing.approved_at,
        })  # fmt: skip
        yield approval, PROV.wasInformedBy, author
        yield approval, PROV.used, self.part("proposal")
        yield from self.acting(approval, signing.approver, "approver")

    def regions(self) -> Iterator[Triple]:
        text = lru_cache(maxsize=None, typed=True)(Literal)
        area, damage, confidence, detector = (HR[word] for word in _FOUND)
        selects, source, fragment = OA.hasSelector, OA.hasSource, OA.FragmentSelector
        kind, generated, member = RDF.type, PROV.wasGeneratedBy, PROV.hadMember
        kept, proposal, fill = self.part("kept"), self.part("proposal"), self.part("fill")
        kinds = {True: HR.KeptRegion, False: HR.TakenBackRegion}
        shared = ((kind, PROV.Entity), (kind, OA.SpecificResource), (generated, fill))
        fixed = ((kind, fragment), (DCTERMS.conformsTo, MEDIA_FRAGMENTS))
        for region in self.dossier.regions:
            entity, selector = self.region(region), self.part(f"selector-{region.number}")
            found = ((damage, region.kind), (detector, region.detector), (area, region.area))
            yield from ((entity, word, text(said)) for word, said in found if said is not None)
            if region.confidence is not None:
                yield entity, confidence, text(float(region.confidence))
            yield from ((entity, word, node) for word, node in shared)
            yield entity, kind, kinds[region.kept]
            yield entity, source, self.signed if region.kept else proposal
            yield entity, selects, selector
            if region.kept:
                yield kept, member, entity
            box = region.box
            yield from ((selector, word, node) for word, node in fixed)
            yield selector, RDF.value, Literal(f"xywh={box.x0},{box.y0},{box.width},{box.height}")

    def region(self, region: Judged) -> URIRef:
        """Its name, by its number in the mask of the proposal."""
        return self.part(f"region-{region.number}")

    def decisions(self) -> Iterator[Triple]:
        def same(region: Judged) -> tuple[str, str, str, str]:
            at = region.at.isoformat() if region.at else ""
            return region.by or "", at, region.decision, region.note

        together = groupby(sorted(self.dossier.regions, key=same), key=same)
        for number, (_, group) in enumerate(together, 1):
            yield from self.decided(f"decision-{number}", list(group))

    def decided(self, name: str, regions: list[Judged]) -> Iterator[Triple]:
        first, decision = regions[0], self.part(name)
        if first.by is None:
            decision = self.part("handing-in")
        else:
            yield from _told(decision, (HR.Decision, PROV.Activity), first.decision, {
                HR.decision: first.decision,
                HR.note: first.note or None,
                PROV.startedAtTime: first.at,
                PROV.endedAtTime: first.at,
            })  # fmt: skip
            yield from self.acting(decision, first.by, "reviewer")
        for region in regions:
            yield decision, PROV.used, self.region(region)
            if not region.kept:
                yield self.region(region), PROV.wasInvalidatedBy, decision

    def acting(self, activity: URIRef, name: str, role: str) -> Iterator[Triple]:
        """A person acted, in a role."""
        person, association = self.person(name), URIRef(f"{activity}-{role}")
        yield activity, PROV.wasAssociatedWith, person
        yield activity, PROV.qualifiedAssociation, association
        yield association, RDF.type, PROV.Association
        yield association, PROV.agent, person
        yield association, PROV.hadRole, HR[f"role-{role}"]
        yield from _told(person, (PROV.Person, PROV.Agent), name, {})
        if self.dossier.work.institution:
            yield person, PROV.actedOnBehalfOf, self.part("institution")

    def agents(self) -> Iterator[Triple]:
        dossier, house = self.dossier, self.dossier.work.institution
        kinds = (PROV.SoftwareAgent, PROV.Agent)
        for name, version in dossier.method.software.items():
            software = self.software(name)
            yield from _told(software, kinds, name, {HR.version: version})
            yield software, PROV.actedOnBehalfOf, self.person(dossier.operator)
        if house:
            institution = self.part("institution")
            yield from _told(institution, (PROV.Organization, PROV.Agent), house, {})


def turtle(graph: Graph) -> bytes:
    """The graph as Turtle: sorted, so that the same graph gives the same bytes."""
    bound = sorted((prefix, str(iri)) for prefix, iri in graph.namespaces())
    lines = [f"@prefix {prefix}: <{iri}> ." for prefix, iri in bound]
    for subject, said in _ordered(graph):
        lines.append("")
        lines.append(_term(subject, bound))
        pairs = [
            f"    {'a' if predicate == RDF.type else _term(predicate, bound)} "
            + ", ".join(_term(value, bound) for value in values)
            for predicate, values in said
        ]
        lines.append(" ;\n".join(pairs) + " .")
    return ("\n".join(lines) + "\n").encode()


def json_ld(graph: Graph) -> bytes:
    """The graph as JSON-LD 1.1 that needs nothing from the network; sorted like the Turtle."""
    bound = sorted((prefix, str(iri)) for prefix, iri in graph.namespaces())
    nodes = []
    for subject, said in _ordered(graph):
        node: dict[str, object] = {"@id": _id(subject, bound)}
        for predicate, values in said:
            if predicate == RDF.type:
                node["@type"] = [_id(value, bound) for value in values]
            else:
                node[_id(predicate, bound)] = [_value(value, bound) for value in values]
        nodes.append(node)
    said_once = {"@context": {"@version": 1.1, **dict(bound)}, "@graph": nodes}
    return (json.dumps(said_once, ensure_ascii=False, indent=1) + "\n").encode()


def _told(
    subject: URIRef, kinds: Iterable[URIRef], label: str, said: Mapping[URIRef, object]
) -> Iterator[Triple]:
    """Types, a label, and the values that are known."""
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


def _iri_or_text(value: str | None) -> Node | None:
    if value is None:
        return None
    return URIRef(value) if _IRI.fullmatch(value) else Literal(value)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def _ordered(graph: Graph) -> Iterator[tuple[Node, list[tuple[Node, list[Node]]]]]:
    """Subjects in order, each with its predicates in order, each with its values in order."""
    told: dict[Node, dict[Node, list[Node]]] = {}
    for subject, predicate, value in graph:
        told.setdefault(subject, {}).setdefault(predicate, []).append(value)
    for subject in sorted(told, key=_order):
        said = told[subject]
        yield subject, [(each, sorted(said[each], key=_order)) for each in sorted(said, key=_order)]


def _order(term: Node) -> tuple[bool, str, str, str]:
    if isinstance(term, Literal):
        return True, str(term), str(term.datatype or ""), term.language or ""
    return False, _reference(term), "", ""


def _reference(term: Node) -> str:
    return f"_:{term}" if isinstance(term, BNode) else str(term)


def _short(iri: str, bound: Bound) -> str | None:
    """With a prefix, where what follows it is a plain word."""
    for prefix, namespace in bound:
        if iri.startswith(namespace) and _WORD.fullmatch(iri, len(namespace)):
            return f"{prefix}:{iri[len(namespace) :]}"
    return None


def _term(term: Node, bound: Bound) -> str:
    """As Turtle writes it."""
    if isinstance(term, Literal):
        text = json.dumps(str(term), ensure_ascii=False).replace("\x7f", "\\u007F")
        if term.language:
            return f"{text}@{term.language}"
        kind = term.datatype
        return text if kind in (None, XSD.string) else f"{text}^^{_term(URIRef(str(kind)), bound)}"
    if isinstance(term, BNode):
        return _reference(term)
    return _short(str(term), bound) or f"<{term}>"


def _id(term: Node, bound: Bound) -> str:
    """As JSON-LD names a node."""
    return (_short(str(term), bound) if isinstance(term, URIRef) else None) or _reference(term)


def _value(term: Node, bound: Bound) -> object:
    """As JSON-LD writes it: no value is converted, so that none is rounded."""
    if not isinstance(term, Literal):
        return {"@id": _id(term, bound)}
    if term.language:
        return {"@value": str(term), "@language": term.language}
    if term.datatype in (None, XSD.string):
        return str(term)
    kind = str(term.datatype)
    return {"@value": str(term), "@type": _short(kind, bound) or kind}
