"""A signed picture says of itself what a machine made; what the master said stays."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from heritage.archive.dossier import Dossier
from heritage.archive.embedded.loss import added_only
from heritage.archive.embedded.packet import packet
from heritage.archive.embedded.statement import parse, read_embedded
from heritage.archive.premis.markup import clean
from heritage.errors import MasterRefused
from heritage.tiff.tagging import embed_xmp, read_xmp

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
NAMESPACES = """xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:mm="http://ns.adobe.com/xap/1.0/mm/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
 xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
 xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:museum="urn:museum:scans:" """
RICH = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>
<!-- scanned in the tower -->
<rdf:Description rdf:about="uuid:mill" xmp:CreatorTool="Scan &amp; Co" museum:shelf="B 7"
  ext:DigitalSourceType="{TERMS}positiveFilm" mm:InstanceID="xmp.iid:11"/>
<rdf:Description rdf:about="uuid:mill">
  <dc:description><rdf:Alt><rdf:li xml:lang="x-default">The Mill</rdf:li>
    <rdf:li xml:lang="nl">De Molen</rdf:li></rdf:Alt></dc:description>
  <dc:subject><rdf:Bag><rdf:li>mill</rdf:li><rdf:li>river</rdf:li></rdf:Bag></dc:subject>
  <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">Museum of Tests</rdf:li></rdf:Alt></dc:rights>
  <photoshop:Instructions>Do not crop.</photoshop:Instructions>
  <mm:DocumentID>xmp.did:10</mm:DocumentID>
  <mm:DerivedFrom stRef:documentID="xmp.did:9" stRef:filePath="film.dng"/>
  <mm:History><rdf:Seq>
    <rdf:li stEvt:action="created" stEvt:when="2011-01-01T00:00:00Z"/>
    <rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action></rdf:li>
  </rdf:Seq></mm:History>
  <museum:lamp rdf:parseType="Resource"><museum:kelvin>5000</museum:kelvin></museum:lamp>
  <museum:see rdf:resource="https://museum.test/1923.7"/>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def wrapped(inside: str, about: str = "") -> bytes:
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>
        <rdf:Description rdf:about="{about}">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>
        """.encode()


@pytest.fixture
def learned(dossier) -> Dossier:
    """As if a network had filled."""
    method = replace(dossier.method, name="gan-512", kind="gan", weights_sha256="ab" * 32)
    return replace(dossier, method=method)


@pytest.fixture
def exiftool():
    """Everything that ExifTool reads, by group and name."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not here")

    def read(path: Path, *options: str) -> dict[str, object]:
        command = [program, "-json", "-a", "-G1", "-s", "-struct", "-e", *options, str(path)]
        done = subprocess.run(command, capture_output=True, check=True)
        return json.loads(done.stdout)[0]

    return read


@pytest.fixture
def written(signed, tmp_path):
    """The signed picture with a packet."""

    def write(raw: bytes) -> Path:
        embed_xmp(signed.made.restored, tmp_path / "signed.tif", raw)
        return tmp_path / "signed.tif"

    return write


def test_a_picture_found_alone_says_how_much_by_what_and_from_what(written, dossier):
    said = read_embedded(written(packet(dossier, None)))
    assert said.statement == dossier.statement
    assert said.filled == dossier.filled == 10_800
    assert said.share == pytest.approx(10_800 / 480_000)
    assert (said.model, said.weights_sha256) == ("telea", None)
    assert said.source_type == TERMS + "algorithmicallyEnhanced"
    assert said.identifier == dossier.identifier
    assert said.master_sha256 == dossier.original.sha256
    assert said.approver == "Ava Approver"


def test_the_weights_of_a_network_are_told(learned):
    assert parse(packet(learned, None)).weights_sha256 == "ab" * 32


def test_a_picture_without_a_packet_says_nothing(signed):
    assert read_embedded(signed.made.restored) is None
    assert parse(RICH) is None


def test_exiftool_reads_every_property(written, learned, exiftool):
    read = exiftool(written(packet(learned, None)), "-XMP:all")
    assert read["XMP-iptcExt:DigitalSourceType"] == TERMS + "compositeWithTrainedAlgorithmicMedia"
    assert read["XMP-iptcExt:AISystemUsed"] == "gan-512"
    assert read["XMP-iptcExt:AISystemVersionUsed"] == "weights SHA-256 " + "ab" * 32
    assert read["XMP-photoshop:Instructions"] == learned.statement
    assert read["XMP-xmpRights:WebStatement"] == learned.work.rights
    (event,) = read["XMP-xmpMM:History"]
    assert event["Action"] == "edited"
    assert event["SoftwareAgent"] == "heritage 0.1.0"
    assert event["Parameters"] == learned.statement
    assert event["When"].startswith("2026:11:24 11:40:00")
    assert event["InstanceID"] == read["XMP-xmpMM:InstanceID"]
    assert read["XMP-xmpMM:DerivedFrom"] == {"FilePath": "mill.tif"}
    (told,) = read["XMP-restoration:Completions"]
    assert told["MasterSHA256"] == learned.original.sha256
    assert told["FilledPixels"] == 10_800
    assert told["Kind"] == "gan"


def test_a_classical_method_is_no_ai_system(dossier):
    raw = packet(dossier, None)
    assert b"algorithmicallyEnhanced" in raw
    assert b"AISystem" not in raw


def test_the_same_question_has_the_same_bytes(dossier):
    assert packet(dossier, RICH) == packet(dossier, RICH)


def test_exiftool_finds_only_additions(signed, tmp_path, learned, exiftool):
    master, restored = tmp_path / "master.tif", tmp_path / "restored.tif"
    embed_xmp(signed.made.restored, master, RICH)
    embed_xmp(master, restored, packet(learned, RICH))
    before, after = exiftool(master), exiftool(restored)
    about_the_file = {"SourceFile", *(name for name in after if name.startswith("System:"))}
    renewed = {"XMP-xmpMM:InstanceID", "XMP-iptcExt:DigitalSourceType"}
    grown = {"XMP-xmpMM:History"}
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed - about_the_file == renewed | grown
    assert after["XMP-xmpMM:History"][:2] == before["XMP-xmpMM:History"]
    assert len(after["XMP-xmpMM:History"]) == 3
    assert after.keys() - before.keys() == {
        "XMP-restoration:Completions", "XMP-iptcExt:AISystemUsed",
        "XMP-iptcExt:AISystemVersionUsed",
    }  # fmt: skip
    (told,) = after["XMP-restoration:Completions"]
    assert told["FormerDigitalSourceType"] == TERMS + "positiveFilm"


def test_all_that_the_master_said_is_kept(learned):
    raw = packet(learned, RICH)
    assert added_only(RICH, raw) == []
    assert parse(raw).statement == learned.statement
    root = etree.fromstring(raw)
    abouts = {node.get(RDF + "about") for node in root.iter(RDF + "Description")}
    assert abouts == {"uuid:mill"}
    assert b"scanned in the tower" in raw


def test_what_the_master_has_is_not_overwritten(learned):
    raw = packet(learned, RICH)
    assert raw.count(b"Instructions>") == 2
    assert b"Do not crop." in raw
    assert b"WebStatement" not in raw  # its rights are told, in words
    assert raw.count(b"DerivedFrom") == 1


PROPERTIES = [
    ("xmp:CreatorTool=", "CreatorTool"), ("museum:shelf=", "shelf (urn:museum:scans:)"),
    ("dc:description", "dc:description"), ("dc:subject", "dc:subject"), ("dc:rights", "dc:rights"),
    ("photoshop:Instructions", "photoshop:Instructions"), ("mm:DocumentID", "xmpMM:DocumentID"),
    ("mm:DerivedFrom", "xmpMM:DerivedFrom"), ("mm:History", "xmpMM:History"),
    ("museum:lamp", "lamp (urn:museum:scans:)"), ("museum:see", "see (urn:museum:scans:)"),
    ("mm:InstanceID=", "xmpMM:InstanceID"),
    ("ext:DigitalSourceType=", "Iptc4xmpExt:DigitalSourceType"),
]  # fmt: skip


@pytest.mark.parametrize(("written_as", "label"), PROPERTIES)
def test_every_lost_property_is_named(learned, written_as, label):
    raw = packet(learned, RICH)
    lost = raw.replace(written_as.encode(), written_as.replace(":", ":lost").encode())
    assert lost != raw
    (only,) = added_only(RICH, lost)
    assert only.endswith("is gone")
    assert label in only


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("De Molen", "De Mole", "dc:description changed its value"),
        ('xml:lang="nl"', 'xml:lang="de"', "dc:description changed its value"),
        ("5000", "6500", "lamp (urn:museum:scans:) changed its value"),
        (">saved<", ">printed<", "xmpMM:History lost or changed an entry"),
        ("museum.test", "museum.example", "see (urn:museum:scans:) changed its value"),
        ("<rdf:li>river</rdf:li>", "", "dc:subject changed its value"),
    ],
)
def test_every_changed_value_is_named(learned, was, now, said):
    raw = packet(learned, RICH)
    assert added_only(RICH, raw.replace(was.encode(), now.encode())) == [said]


def test_a_source_type_may_change_to_ours_only_and_only_noted(learned):
    raw = packet(learned, RICH)
    complaint = ["Iptc4xmpExt:DigitalSourceType changed its value"]
    ours = (TERMS + "compositeWithTrainedAlgorithmicMedia").encode()
    assert added_only(RICH, raw.replace(ours, (TERMS + "digitalArt").encode())) == complaint
    assert added_only(RICH, raw.replace(b"formerDigital", b"formDigital")) == complaint


def test_an_empty_list_gets_its_first_entry(dossier):
    before = wrapped("<mm:History/>")
    assert added_only(before, packet(dossier, before)) == []


def test_a_source_type_given_as_an_address_is_renewed(dossier):
    before = wrapped(f'<ext:DigitalSourceType rdf:resource="{TERMS}positiveFilm"/>')
    raw = packet(dossier, before)
    assert parse(raw).source_type == TERMS + "algorithmicallyEnhanced"
    assert added_only(before, raw) == []


@pytest.mark.parametrize("former", ["trainedAlgorithmicMedia", "compositeSynthetic"])
def test_no_master_is_made_to_say_less_of_machines(dossier, former):
    before = wrapped(f"<ext:DigitalSourceType>{TERMS}{former}</ext:DigitalSourceType>")
    raw = packet(dossier, before)
    assert parse(raw).source_type == TERMS + former
    assert added_only(before, raw) == []
    less = raw.replace((TERMS + former).encode(), (TERMS + "algorithmicallyEnhanced").encode(), 1)
    assert added_only(before, less) == ["Iptc4xmpExt:DigitalSourceType changed its value"]


def test_what_a_machine_made_as_a_whole_is_not_called_a_composite(learned):
    whole = f"{TERMS}trainedAlgorithmicMedia"
    before = wrapped(f"<ext:DigitalSourceType>{whole}</ext:DigitalSourceType>")
    assert parse(packet(learned, before)).source_type == whole


def test_a_signed_picture_can_be_restored_again(dossier, learned):
    first = packet(dossier, RICH)
    again = replace(learned, identifier="7c9e6679-7425-40de-944b-e07fc1f90ae7", filled=5)
    second = packet(again, first)
    assert added_only(first, second) == added_only(RICH, second) == []
    assert parse(second).filled == 5
    assert second.count(b"stEvt:parameters>") == 4
    assert dossier.statement.encode() in second
    assert set(added_only(second, first)) == {
        "Iptc4xmpExt:DigitalSourceType changed its value",
        "xmpMM:History lost or changed an entry",
        "Iptc4xmpExt:AISystemUsed is gone",
        "Iptc4xmpExt:AISystemVersionUsed is gone",
        "restoration:Completions lost or changed an entry",
    }


def test_it_still_says_so_after_another_program_wrote_the_packet(written, learned, exiftool):
    path = written(packet(learned, RICH))
    before = read_embedded(path)
    exiftool(path)  # is here
    subprocess.run(
        ["exiftool", "-q", "-overwrite_original", "-XMP-dc:Title=A mill", str(path)], check=True
    )
    assert b"A mill" in read_xmp(path)
    assert read_embedded(path) == before
    assert added_only(RICH, read_xmp(path)) == []


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (b"<x:xmpmeta", "no well-formed XML"),
        (RICH[:-400], "no well-formed XML"),
        (b"\xff\xfe\xfd scrambled", "no well-formed XML"),
        (BOMB + wrapped("<xmp:Label>&b;</xmp:Label>"), "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + wrapped(""), "document type"),
        (b"<html/>", "no RDF"),
        (wrapped("<xmp:a rdf:parseType='Resource'>" * 99 + "</xmp:a>" * 99), "nested more than"),
        (wrapped("<mm:History>long ago</mm:History>"), "xmpMM:History is no list"),
    ],
)
def test_a_packet_that_cannot_be_kept_is_refused_in_one_line(dossier, before, said):
    with pytest.raises(MasterRefused, match=said) as caught:
        packet(dossier, before)
    assert str(caught.value).startswith("mill.tif: ")
    assert "\n" not in str(caught.value)


def test_a_completion_told_by_halves_is_refused(dossier):
    raw = packet(dossier, None).replace(b"filledPixels", b"filledPixel")
    with pytest.raises(MasterRefused, match="not all that belongs to it"):
        parse(raw)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_packets_of_every_encoding_are_kept(dossier, encoding):
    inside = "<xmp:Label>Grün, 緑</xmp:Label>"
    before = b'<?xpacket begin=""?>'.decode() + wrapped("").decode().replace(
        "</rdf:Desc", inside + "</rdf:Desc"
    )
    raw = packet(dossier, before.encode(encoding))
    assert inside in raw.decode()
    assert added_only(before.encode(encoding), raw) == []


@pytest.mark.parametrize(
    "before", [None, b"", b"\0\0 \n", b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>']
)
def test_nothing_before_is_no_obstacle(dossier, before):
    assert parse(packet(dossier, before)).statement == dossier.statement


@given(name=st.text(st.characters(codec="utf-8"), min_size=1), label=st.text("ab <&'\"\t\nß画"))
def test_whatever_staff_are_called_the_packet_is_sound(signed, name, label):
    signing = replace(signed.dossier.signing, approver=name)
    element = etree.Element("{http://ns.adobe.com/xap/1.0/}Label")
    element.text = label
    before = wrapped(etree.tostring(element, encoding="unicode"))
    raw = packet(replace(signed.dossier, signing=signing), before)
    assert parse(raw).approver == clean(name)
    assert added_only(before, raw) == []


def test_a_scan_with_a_rich_packet_keeps_it(shared, tmp_path, learned, exiftool):
    master = shared / "data/tiff/valid/TwelveMonkeys__cmyk_jpeg.tif"
    before = read_xmp(master)
    embed_xmp(master, tmp_path / "r.tif", packet(learned, before))
    assert added_only(before, read_xmp(tmp_path / "r.tif")) == []
    old, new = exiftool(master), exiftool(tmp_path / "r.tif")
    changed = {name for name in old if old[name] != new.get(name)}
    assert {name for name in changed if not name.startswith("System:")} == {
        "SourceFile", "XMP-xmpMM:InstanceID", "XMP-xmpMM:History",
    }  # fmt: skip
    assert (tifffile.imread(master) == tifffile.imread(tmp_path / "r.tif")).all()
