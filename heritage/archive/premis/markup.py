"""Elements of XML, written so that whatever staff typed gives a well-formed document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no character of XML 1.0 (section 2.2), not even as a reference."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """The text with a visible mark in place of every character that XML cannot hold."""
    return UNWRITABLE.sub(REPLACEMENT, text)


@dataclass(frozen=True)
class Vocabulary:
    """The elements of one namespace, made by calling it.

    Args:
        namespace: Its name.
        prefixes: Namespaces by prefix, declared on the outermost element.
    """

    namespace: str
    prefixes: Mapping[str | None, str]

    def __call__(
        self,
        name: str,
        *content: Any,  # noqa: ANN401
        **attributes: str | None,
    ) -> Any:  # noqa: ANN401
        """An element.

        Args:
            name: Of the element, without prefix.
            content: Text or elements, in order, text first; ``None`` is left out.
            attributes: In no namespace; ``None`` is left out.
        """
        element = etree.Element(f"{{{self.namespace}}}{name}", nsmap=dict(self.prefixes))
        for key, value in attributes.items():
            if value is not None:
                element.set(key, clean(value))
        for part in content:
            if isinstance(part, str):
                element.text = clean(part)
            elif part is not None:
                element.append(part)
        return element


def written(root: Any) -> bytes:  # noqa: ANN401
    """The document of a root element: UTF-8, declared as such, indented."""
    etree.cleanup_namespaces(root, keep_ns_prefixes=["xlink", "xsi"])
    document: bytes = etree.tostring(
        root, xml_declaration=True, encoding="UTF-8", pretty_print=True
    )
    return document
