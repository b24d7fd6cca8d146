"""Where every filled pixel comes from, in W3C PROV-O: one graph for one signed restoration.

What thousands of regions share is said once: one activity filled them all, and decisions of one
person at one moment are one activity. No node is anonymous, so that equal graphs are equal
sets and give equal bytes. Terms of our own are in ``vocabulary.ttl``, what must be there is in
``shapes.ttl``, and ``docs/provenance.md`` explains both.

Source: W3C PROV-O (2013), Web Annotation (2017), Media Fragments 1.0, RFC 6920 for names of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rdflib import Graph
from rdflib.namespace import DCTERMS, PROV, RDF, RDFS, XSD

from heritage.archive.dossier import Dossier
from heritage.archive.provenance.decisions import agents, decisions, regions, signing
from heritage.archive.provenance.files import artefact, composing, fill, held_files, restoration
from heritage.archive.provenance.names import HR, OA, file_iri
from heritage.archive.provenance.parts import Telling, Triple
from heritage.errors import VerificationFailed

PREFIXES = {
    "dcterms": str(DCTERMS), "hr": str(HR), "oa": str(OA), "prov": str(PROV), "rdf": str(RDF),
    "rdfs": str(RDFS), "xsd": str(XSD),
}  # fmt: skip
NEEDED = ("restored", "mask")


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
    graph.addN((*triple, graph) for triple in _all(Telling(dossier, files)))
    return graph


def _all(telling: Telling) -> Iterator[Triple]:
    """Every statement."""
    yield from restoration(telling)
    yield from artefact(telling)
    yield from held_files(telling)
    yield from fill(telling)
    yield from composing(telling)
    yield from signing(telling)
    yield from regions(telling)
    yield from decisions(telling)
    yield from agents(telling)
