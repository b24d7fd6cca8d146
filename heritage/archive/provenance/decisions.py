"""What provenance tells of people: regions, what was decided on them, by whom, and for whom.

Decisions of one person at one moment are one activity.

Source: Web Annotation (2017) and Media Fragments 1.0 for where a region lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from rdflib import Literal, URIRef
from rdflib.namespace import DCTERMS, PROV, RDF

from heritage.archive.dossier import Judged
from heritage.archive.provenance.names import HR, OA
from heritage.archive.provenance.parts import Telling, Triple, told

MEDIA_FRAGMENTS = URIRef("http://www.w3.org/TR/media-frags/")

_FOUND = ("areaPixels", "damage", "confidence", "detector")


def signing(telling: Telling) -> Iterator[Triple]:
    """The handing in and the approval."""
    said = telling.dossier.signing
    author, approval = telling.part("handing-in"), telling.part("approval")
    yield from told(author, (HR.HandingIn, HR.Decision, PROV.Activity), "handing in", {
        HR.decision: said.statement,
        HR.note: said.remark or None,
        PROV.startedAtTime: said.authored_at,
        PROV.endedAtTime: said.authored_at,
    })  # fmt: skip
    yield from telling.acting(author, said.author, "author")
    yield from told(approval, (HR.Approval, HR.Decision, PROV.Activity), "approval", {
        HR.decision: "approved",
        PROV.startedAtTime: said.approved_at,
        PROV.endedAtTime: said.approved_at,
    })  # fmt: skip
    yield approval, PROV.wasInformedBy, author
    yield approval, PROV.used, telling.part("proposal")
    yield from telling.acting(approval, said.approver, "approver")


def regions(telling: Telling) -> Iterator[Triple]:
    """Where each region lies, what was found there, and what became of it."""
    text = lru_cache(maxsize=None, typed=True)(Literal)
    area, damage, confidence, detector = (HR[word] for word in _FOUND)
    selects, source, fragment = OA.hasSelector, OA.hasSource, OA.FragmentSelector
    kind, generated, member = RDF.type, PROV.wasGeneratedBy, PROV.hadMember
    kept, proposal, fill = telling.part("kept"), telling.part("proposal"), telling.part("fill")
    kinds = {True: HR.KeptRegion, False: HR.TakenBackRegion}
    shared = ((kind, PROV.Entity), (kind, OA.SpecificResource), (generated, fill))
    fixed = ((kind, fragment), (DCTERMS.conformsTo, MEDIA_FRAGMENTS))
    for region in telling.dossier.regions:
        entity, selector = telling.region(region), telling.part(f"selector-{region.number}")
        found = ((damage, region.kind), (detector, region.detector), (area, region.area))
        yield from ((entity, word, text(said)) for word, said in found if said is not None)
        if region.confidence is not None:
            yield entity, confidence, text(float(region.confidence))
        yield from ((entity, word, node) for word, node in shared)
        yield entity, kind, kinds[region.kept]
        yield entity, source, telling.signed if region.kept else proposal
        yield entity, selects, selector
        if region.kept:
            yield kept, member, entity
        box = region.box
        yield from ((selector, word, node) for word, node in fixed)
        yield selector, RDF.value, Literal(f"xywh={box.x0},{box.y0},{box.width},{box.height}")


def decisions(telling: Telling) -> Iterator[Triple]:
    """What was decided on regions; those decided together share an activity."""

    def same(region: Judged) -> tuple[str, str, str, str]:
        at = region.at.isoformat() if region.at else ""
        return region.by or "", at, region.decision, region.note

    together = groupby(sorted(telling.dossier.regions, key=same), key=same)
    for number, (_, group) in enumerate(together, 1):
        yield from _decided(telling, f"decision-{number}", list(group))


def _decided(telling: Telling, name: str, regions: list[Judged]) -> Iterator[Triple]:
    first, decision = regions[0], telling.part(name)
    if first.by is None:
        decision = telling.part("handing-in")
    else:
        yield from told(decision, (HR.Decision, PROV.Activity), first.decision, {
            HR.decision: first.decision,
            HR.note: first.note or None,
            PROV.startedAtTime: first.at,
            PROV.endedAtTime: first.at,
        })  # fmt: skip
        yield from telling.acting(decision, first.by, "reviewer")
    for region in regions:
        yield decision, PROV.used, telling.region(region)
        if not region.kept:
            yield telling.region(region), PROV.wasInvalidatedBy, decision


def agents(telling: Telling) -> Iterator[Triple]:
    """The software, and the institution that people act for."""
    dossier, house = telling.dossier, telling.dossier.work.institution
    kinds = (PROV.SoftwareAgent, PROV.Agent)
    for name, version in dossier.method.software.items():
        software = telling.software(name)
        yield from told(software, kinds, name, {HR.version: version})
        yield software, PROV.actedOnBehalfOf, telling.person(dossier.operator)
    if house:
        institution = telling.part("institution")
        yield from told(institution, (PROV.Organization, PROV.Agent), house, {})
