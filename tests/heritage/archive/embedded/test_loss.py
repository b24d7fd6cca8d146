"""What a packet lost is found, however it is written down."""

from __future__ import annotations

import pytest

from heritage.archive.embedded.loss import added_only

NAMESPACES = """xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:mm="http://ns.adobe.com/xap/1.0/mm/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:museum="urn:museum:scans:" """


def wrapped(inside: str, attributes: str = "") -> bytes:
    return f"""<x:xmpmeta {NAMESPACES}><rdf:RDF><rdf:Description rdf:about="" {attributes}>{inside}
        </rdf:Description></rdf:RDF></x:xmpmeta>""".encode()


def test_how_a_property_is_written_down_does_not_matter():
    one = wrapped("<xmp:Label>red</xmp:Label>")
    other = wrapped("", 'xmp:Label="red"')
    assert added_only(one, other) == added_only(other, one) == []
    assert added_only(None, one) == added_only(b"\0", one) == []


LAMP = "<museum:kelvin>5000</museum:kelvin><!-- lit --><museum:maker>Osram</museum:maker>"
LAMPS = [
    f'<museum:lamp rdf:parseType="Resource">{LAMP}</museum:lamp>',
    f"<museum:lamp><rdf:Description>{LAMP}</rdf:Description></museum:lamp>",
    '<museum:lamp museum:maker="Osram" museum:kelvin="5000"/>',
    '<museum:lamp><rdf:Description museum:maker="Osram" museum:kelvin="5000"/></museum:lamp>',
]


@pytest.mark.parametrize("one", LAMPS)
@pytest.mark.parametrize("other", LAMPS)
def test_a_structure_is_the_same_in_every_notation_and_order(one, other):
    assert added_only(wrapped(one), wrapped(other)) == []
    assert added_only(wrapped(one), wrapped(other.replace("5000", "6500"))) == [
        "lamp (urn:museum:scans:) changed its value"
    ]


def test_of_a_thing_said_twice_neither_may_go():
    once = wrapped("<xmp:Label>b</xmp:Label>")
    twice = wrapped("<xmp:Label>a</xmp:Label><xmp:Label>b</xmp:Label>")
    assert len(added_only(twice, once)) == 1
    assert added_only(twice, twice) == []


def test_an_address_is_the_same_as_its_text():
    link = wrapped('<museum:see rdf:resource="https://museum.test/1"/>')
    assert added_only(link, wrapped("<museum:see>https://museum.test/1</museum:see>")) == []


SAVED = "<rdf:li>saved</rdf:li>"


def test_a_list_may_only_grow_at_its_end_and_stays_of_its_kind():
    def history(inside: str, kind: str = "Seq") -> str:
        return f"<mm:History><rdf:{kind}>{inside}</rdf:{kind}></mm:History>"

    lost = ["xmpMM:History lost or changed an entry"]
    one, more = wrapped(history(SAVED)), wrapped(history(SAVED + "<rdf:li>sent</rdf:li>"))
    assert added_only(one, more) == []
    assert added_only(more, one) == lost
    assert added_only(one, wrapped(history(SAVED, "Bag"))) == lost
    twice = wrapped(history(SAVED) + history(SAVED))
    assert added_only(twice, wrapped(history(SAVED) + history("<rdf:li>lost</rdf:li>"))) == lost
