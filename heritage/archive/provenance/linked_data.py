"""A graph as Turtle and as JSON-LD: sorted, so that equal graphs give equal bytes.

Source: W3C RDF 1.1 Turtle (2014), JSON-LD 1.1 (2020).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, XSD
from rdflib.term import BNode, Node

Bound = list[tuple[str, str]]
"""Prefixes, each with its namespace."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


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
