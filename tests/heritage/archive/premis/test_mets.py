"""The METS document: valid, and true to the files it wraps."""

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote, urljoin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from heritage.archive.premis.document import premis
from heritage.archive.premis.listing import describe_file, list_files
from heritage.archive.premis.markup import clean
from heritage.archive.premis.mets import linked_files, mets
from heritage.archive.premis.validity import validate_mets, validate_premis

NS = {
    "m": "http://www.loc.gov/METS/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xlink": "http://www.w3.org/1999/xlink",
}
SIMPLE_DC = {
    "title", "creator", "subject", "description", "publisher", "contributor", "date", "type",
    "format", "identifier", "source", "language", "relation", "coverage", "rights",
}  # fmt: skip
CREATED = datetime(2026, 11, 29, 14, 0, tzinfo=timezone(timedelta(hours=2)))
PREMIS_PATH = "data/metadata/premis.xml"
HREF = f"{{{NS['xlink']}}}href"


@pytest.fixture(scope="module")
def bag(signed, tmp_path_factory):
    root = tmp_path_factory.mktemp("bag")
    shutil.copytree(signed.made.folder, root / "data" / "restoration" / "mill")
    (root / "data" / "metadata").mkdir()
    (root / "data" / "metadata" / "a b: 50% #1é?.json").write_text("{}")
    return root


@pytest.fixture(scope="module")
def files(signed, bag):
    first = list_files(bag, {"data/restoration": "provenance", "data/metadata": "metadata"})
    (bag / PREMIS_PATH).write_bytes(premis(signed.dossier, first))
    return (*first, describe_file(bag, PREMIS_PATH, "metadata"))


def parsed(document):
    assert validate_mets(document) == []
    return etree.fromstring(document)


def test_the_document_is_valid(dossier, files):
    root = parsed(mets(dossier, files, PREMIS_PATH, CREATED))
    assert root.get("OBJID") == dossier.urn
    assert root.find("m:metsHdr", NS).get("CREATEDATE") == "2026-11-29T12:00:00Z"


def test_the_same_moment_gives_the_same_bytes(dossier, files):
    utc = CREATED.astimezone(UTC)
    assert mets(dossier, files, PREMIS_PATH, CREATED) == mets(dossier, files, PREMIS_PATH, utc)


def test_every_link_leads_to_a_file_with_the_checksum_and_size_told(dossier, files, bag):
    root = parsed(mets(dossier, files, PREMIS_PATH, CREATED))
    base = "http://archive.example/bag/data/metadata/mets.xml"
    found = set()
    for file in root.iterfind(".//m:file", NS):
        (place,) = file.iterfind("m:FLocat", NS)
        url = urljoin(base, place.get(HREF))
        path = unquote(url.removeprefix("http://archive.example/bag/"))
        content = (bag / path).read_bytes()
        assert file.get("CHECKSUMTYPE") == "SHA-256"
        assert file.get("CHECKSUM") == hashlib.sha256(content).hexdigest()
        assert file.get("SIZE") == str(len(content))
        found.add(path)
    assert found == {file.path for file in files}


def test_what_it_lists_can_be_read_back(dossier, files):
    document = mets(dossier, files, PREMIS_PATH, CREATED)
    told = linked_files(document, "data/metadata/mets.xml")
    assert told == {file.path: file.sha256 for file in files}


def test_at_the_root_of_the_bag_links_need_no_steps_up(dossier, files):
    document = mets(dossier, files, "premis.xml", CREATED)
    assert linked_files(document, "mets.xml") == {file.path: file.sha256 for file in files}
    assert b'href="data/restoration/mill/mill.restored.tif"' in document


def test_the_history_is_the_premis_document(dossier, files, bag):
    root = parsed(mets(dossier, files, PREMIS_PATH, CREATED))
    (reference,) = root.iterfind("m:amdSec/m:digiprovMD/m:mdRef", NS)
    content = (bag / "data" / "metadata" / reference.get(HREF)).read_bytes()
    assert (reference.get("MDTYPE"), reference.get("MDTYPEVERSION")) == ("PREMIS", "3.0")
    assert reference.get("CHECKSUM") == hashlib.sha256(content).hexdigest()
    assert validate_premis(content) == []


def test_a_premis_document_that_is_not_listed_is_linked_all_the_same(dossier):
    root = parsed(mets(dossier, (), PREMIS_PATH, CREATED))
    (reference,) = root.iterfind(".//m:mdRef", NS)
    assert reference.get(HREF) == "premis.xml"
    assert reference.get("CHECKSUM") is None
    assert root.find("m:fileSec", NS) is None


def test_dublin_core_says_what_it_is(dossier, files):
    root = parsed(mets(dossier, files, PREMIS_PATH, CREATED))
    told = {}
    for element in root.find(".//m:xmlData", NS):
        name = etree.QName(element)
        assert name.namespace == NS["dc"]
        assert name.localname in SIMPLE_DC
        told.setdefault(name.localname, []).append(element.text)
    assert told["title"] == ["The Mill"]
    assert told["creator"] == ["Jan van der Meer"]
    assert told["date"] == ["c. 1650"]
    assert told["identifier"] == ["1923.7", dossier.urn]
    assert told["rights"] == [dossier.work.rights]
    assert told["description"][0] == dossier.statement
    assert dossier.original.sha256 in told["source"][0]


def test_files_are_grouped_by_role_and_the_map_has_each_once(dossier, files):
    root = parsed(mets(dossier, files, PREMIS_PATH, CREATED))
    groups = {
        group.get("USE"): [file.get("ID") for file in group.iterfind("m:file", NS)]
        for group in root.iterfind("m:fileSec/m:fileGrp", NS)
    }
    mapped = {
        part.get("TYPE"): [pointer.get("FILEID") for pointer in part.iterfind("m:fptr", NS)]
        for part in root.iterfind("m:structMap[@TYPE='physical']/m:div/m:div", NS)
    }
    assert groups == mapped
    assert groups.keys() == {"provenance", "metadata"}
    assert sum(map(len, groups.values())) == len(files)


def test_who_made_signed_and_keeps_it(dossier, files):
    root = parsed(mets(dossier, files, PREMIS_PATH, CREATED))
    agents = {
        agent.get("OTHERROLE") or agent.get("ROLE"): agent.findtext("m:name", None, NS)
        for agent in root.iterfind("m:metsHdr/m:agent", NS)
    }
    assert agents == {
        "CREATOR": "heritage",
        "AUTHOR": "Rex Reviewer",
        "APPROVER": "Ava Approver",
        "CUSTODIAN": "Museum of Tests",
    }


ANY = st.text(max_size=40) | st.text(st.characters(max_codepoint=0x20), max_size=5)
NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=ANY, name=ANY, remark=ANY, rights=st.none() | ANY, file=NAMES)
def test_whatever_staff_typed_gives_a_valid_document(
    dossier, files, title, name, remark, rights, file
):
    work = replace(dossier.work, title=title, institution=name, accession=name, rights=rights)
    signing = replace(dossier.signing, remark=remark, author=name, approver=title)
    path = f"data/{file}.json"
    listed = replace(files[0], path=path)
    changed = replace(dossier, work=work, signing=signing)
    document = mets(changed, (listed,), PREMIS_PATH, CREATED)
    root = parsed(document)
    assert linked_files(document, "data/metadata/mets.xml") == {path: listed.sha256}
    assert not title or root.findtext(".//dc:title", None, NS) == clean(title)


def test_a_document_that_is_broken_is_told_with_its_line(dossier, files):
    document = mets(dossier, files, PREMIS_PATH, CREATED)
    (fault,) = validate_mets(
        document.replace(b'CHECKSUMTYPE="SHA-256"', b'CHECKSUMTYPE="SHA-2"', 1)
    )
    assert fault.startswith("line ")
    assert "is not METS 1.12.1" in fault
    assert "CHECKSUMTYPE" in fault
    assert validate_premis(document)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'ADMID="history"', b'ADMID="nowhere"', "ADMID names nowhere, which is not there"),
        (b'FILEID="file-2"', b'FILEID="file-9"', "FILEID names file-9, which is not there"),
        (b' ID="file-2"', b' ID="file-3"', "attribute 'ID': 'file-3' is not a valid value"),
    ],
)
def test_references_that_lead_nowhere_and_names_given_twice_are_told(
    dossier, files, old, new, fault
):
    document = mets(dossier, files, PREMIS_PATH, CREATED)
    assert old in document
    told = validate_mets(document.replace(old, new, 1))
    assert any(fault in one for one in told), told
