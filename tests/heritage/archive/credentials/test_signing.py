"""Content credentials hold for what was signed, and for nothing else."""

import hashlib
import json
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import c2pa
import numpy as np
import pytest
import tifffile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from heritage.archive.credentials.certificates import Signer, make_test_certificate
from heritage.archive.credentials.claim import LISTED
from heritage.archive.credentials.reading import check_credentials, read_credentials
from heritage.archive.credentials.signing import sign_embedded, sign_sidecar
from heritage.errors import (
    BadSetting,
    OutputInTheWay,
    ServerUnreachable,
    StorageFailed,
    VerificationFailed,
)
from heritage.geometry import Box

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    return make_test_certificate(tmp_path_factory.mktemp("certificate"), "museum")


@pytest.fixture(scope="session")
def sidecar(signed, signer, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("sidecar") / "mill.c2pa"
    sign_sidecar(signed.dossier, signed.made.restored, signed.master, target, signer)
    return target


@pytest.fixture(scope="session")
def access(signed, tmp_path_factory) -> Path:
    """A smaller JPEG with a profile, not signed."""
    picture = tifffile.imread(signed.made.restored)
    target = tmp_path_factory.mktemp("access") / "mill.jpg"
    small = Image.fromarray((picture >> 8).astype(np.uint8)).resize((400, 300))
    small.save(target, quality=90, icc_profile=b"profile" * 30)
    return target


@pytest.fixture(scope="session")
def embedded(signed, signer, access) -> Path:
    target = access.with_name("mill.signed.jpg")
    sign_embedded(signed.dossier, access, signed.master, target, signer, "image/jpeg")
    return target


def flipped(source: Path, folder: Path, where: int) -> Path:
    """A copy with one bit changed."""
    data = bytearray(source.read_bytes())
    data[where] ^= 1
    copy = folder / source.name
    copy.write_bytes(data)
    return copy


def edited(manifest: str) -> dict:
    store = json.loads(manifest)
    active = store["manifests"][store["active_manifest"]]
    (actions,) = [a for a in active["assertions"] if a["label"] == "c2pa.actions.v2"]
    (found,) = [a for a in actions["data"]["actions"] if a["action"] == "c2pa.edited"]
    return found


def test_a_sidecar_holds_for_the_file_whose_bytes_stay_the_same(signed, sidecar):
    said = read_credentials(signed.made.restored, sidecar)
    assert check_credentials(signed.made.restored, sidecar) == []
    assert said.state == "valid"
    assert said.actions == ("c2pa.opened", "c2pa.edited")
    assert said.statement == signed.dossier.statement
    assert said.signer == "museum (TEST ONLY - NOT TRUSTED)"
    assert said.time is None
    assert any("by whom is not proven" in note for note in said.notes)
    assert any("no time stamp" in note for note in said.notes)


def test_the_c2pa_reader_itself_finds_the_sidecar_valid_for_the_tiff(signed, sidecar):
    with (
        signed.made.restored.open("rb") as stream,
        c2pa.Reader("image/tiff", stream, sidecar.read_bytes()) as reader,
    ):
        assert reader.get_validation_state() == "Valid"
        found = {
            one["code"] for one in reader.get_validation_results()["activeManifest"]["success"]
        }
    assert {"assertion.dataHash.match", "claimSignature.validated"} <= found


def test_the_sidecar_is_bound_to_the_hash_of_the_whole_file(signed, sidecar):
    digest = hashlib.sha256(signed.made.restored.read_bytes()).digest()
    assert digest in sidecar.read_bytes()


def test_who_trusts_the_authority_trusts_the_record(signed, sidecar, signer):
    root = signer.certificate.with_name("museum.ca.pem")
    said = read_credentials(signed.made.restored, sidecar, root)
    assert said.state == "trusted"
    assert not any("proven" in note for note in said.notes)


def test_who_trusts_another_authority_does_not_trust_the_record(signed, sidecar, tmp_path):
    make_test_certificate(tmp_path, "other")
    said = read_credentials(signed.made.restored, sidecar, tmp_path / "other.ca.pem")
    assert (said.state, said.findings) == ("valid", ())


def test_authorities_that_are_none_are_refused_in_one_line(signed, sidecar, tmp_path):
    (tmp_path / "roots.pem").write_text("nothing")
    with pytest.raises(BadSetting, match="no certificates of authorities"):
        read_credentials(signed.made.restored, sidecar, tmp_path / "roots.pem")


@pytest.mark.parametrize("part", [0.0, 0.3, 0.7, 1.0])
def test_a_flipped_bit_in_the_tiff_is_found(signed, sidecar, tmp_path, part):
    size = signed.made.restored.stat().st_size
    copy = flipped(signed.made.restored, tmp_path, min(int(size * part), size - 1))
    (finding,) = check_credentials(copy, sidecar)
    assert "its bytes changed" in finding
    assert read_credentials(copy, sidecar).state == "invalid"


def test_bytes_that_were_added_to_the_tiff_are_found(signed, sidecar, tmp_path):
    copy = tmp_path / "longer.tif"
    copy.write_bytes(signed.made.restored.read_bytes() + b"\0")
    assert len(check_credentials(copy, sidecar)) == 1


def test_a_flipped_bit_in_what_the_sidecar_says_is_found(signed, sidecar, tmp_path):
    data = sidecar.read_bytes()
    for said in (b"Ava Approver", b"telea", b"c2pa.edited", b"algorithmicallyEnhanced"):
        copy = flipped(sidecar, tmp_path, data.index(said) + 2)
        assert check_credentials(signed.made.restored, copy), said


def test_a_flipped_bit_anywhere_in_the_sidecar_changes_nothing_unseen(signed, sidecar, tmp_path):
    good = read_credentials(signed.made.restored, sidecar)
    for where in range(0, sidecar.stat().st_size, 97):
        copy = flipped(sidecar, tmp_path, where)
        if not check_credentials(signed.made.restored, copy):  # padding, which says nothing
            said = read_credentials(signed.made.restored, copy)
            assert (said.statement, said.actions) == (good.statement, good.actions), where
            assert edited(said.raw) == edited(good.raw)


def test_a_sidecar_cut_short_is_one_sentence(signed, sidecar, tmp_path):
    for length in (0, 10, 500, sidecar.stat().st_size - 1):
        copy = tmp_path / "cut.c2pa"
        copy.write_bytes(sidecar.read_bytes()[:length])
        (finding,) = check_credentials(signed.made.restored, copy)
        assert "\n" not in finding


def test_the_parent_is_the_master_by_its_hash(signed, sidecar):
    said = read_credentials(signed.made.restored, sidecar)
    digest = hashlib.sha256(signed.master.read_bytes()).hexdigest()
    store = json.loads(said.raw)
    (parent,) = store["manifests"][store["active_manifest"]]["ingredients"]
    assert said.parent_sha256 == digest
    assert parent["relationship"] == "parentOf"
    assert parent["title"] == "mill.tif"
    assert parent["instance_id"] == f"sha256:{digest}"


def test_the_action_says_which_regions_by_what_and_who_accepted(signed, sidecar, dossier):
    action = edited(read_credentials(signed.made.restored, sidecar).raw)
    assert action["softwareAgent"]["name"] == "heritage"
    assert action["softwareAgent"]["version"] == "0.1.0"
    assert action["description"] == f"{dossier.statement} All of them are listed as rectangles."
    assert action["parameters"]["heritage.method"] == "telea"
    assert action["parameters"]["heritage.acceptedBy"] == "Ava Approver"
    assert action["parameters"]["heritage.filledPixels"] == dossier.filled
    shapes = [place["region"][0]["shape"] for place in action["changes"]]
    assert [place["identifier"] for place in action["changes"]] == [
        str(region.number) for region in dossier.kept
    ]
    assert {"x": 80, "y": 60} in [shape["origin"] for shape in shapes]
    assert {shape["unit"] for shape in shapes} == {"pixel"}
    assert {(shape["width"], shape["height"]) for shape in shapes} == {(80, 60), (100, 60)}


def test_a_network_and_a_classical_method_are_told_apart(signed, dossier, signer, tmp_path):
    weights = "ab" * 32
    network = replace(dossier.method, name="lama", kind="gan", weights_sha256=weights)
    target = tmp_path / "network.c2pa"
    made = replace(dossier, method=network)
    sign_sidecar(made, signed.made.restored, signed.master, target, signer)
    said = read_credentials(signed.made.restored, target)
    assert said.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert edited(said.raw)["parameters"]["heritage.weightsSha256"] == weights
    classical = tmp_path / "classical.c2pa"
    sign_sidecar(dossier, signed.made.restored, signed.master, classical, signer)
    said = read_credentials(signed.made.restored, classical)
    assert said.source_type == "algorithmicallyEnhanced"
    assert "heritage.weightsSha256" not in edited(said.raw)["parameters"]


def test_of_very_many_regions_the_largest_are_listed_and_the_rest_is_counted(
    signed, dossier, signer, tmp_path
):
    one = dossier.kept[0]
    many = tuple(
        replace(one, number=n, area=n, box=Box(n // 40, n % 40, n // 40 + 1, n % 40 + 1))
        for n in range(1, LISTED + 51)
    )
    target = tmp_path / "many.c2pa"
    made = replace(dossier, regions=many)
    sign_sidecar(made, signed.made.restored, signed.master, target, signer)
    action = edited(read_credentials(signed.made.restored, target).raw)
    assert [int(place["identifier"]) for place in action["changes"]] == list(range(51, LISTED + 51))
    assert "The 1,000 largest of 1,050 are listed" in action["description"]


def test_there_is_no_thumbnail(sidecar, embedded, access):
    assert sidecar.stat().st_size < 20_000
    assert embedded.stat().st_size - access.stat().st_size < 20_000
    assert b"thumbnail" not in sidecar.read_bytes()
    assert b"thumbnail" not in embedded.read_bytes()


def test_no_place_of_this_machine_is_told(signed, sidecar, embedded):
    for data in (sidecar.read_bytes(), embedded.read_bytes()):
        for place in (signed.master.parent, signed.made.folder, sidecar.parent, embedded.parent):
            assert str(place).encode() not in data
        assert str(Path.home()).encode() + b"/" not in data
        assert b"/tmp/" not in data


def test_a_copy_for_access_carries_them_inside_with_the_same_pixels(signed, access, embedded):
    said = read_credentials(embedded)
    assert check_credentials(embedded) == []
    assert said.actions == ("c2pa.opened", "c2pa.edited", "c2pa.transcoded")
    assert said.statement == signed.dossier.statement
    assert said.parent_sha256 == signed.dossier.original.sha256
    with Image.open(access) as before, Image.open(embedded) as after:
        assert before.info["icc_profile"] == after.info["icc_profile"]
        assert np.array_equal(np.asarray(before), np.asarray(after))


def test_regions_of_a_copy_are_in_percent_for_it_may_be_smaller(embedded):
    places = edited(read_credentials(embedded).raw)["changes"]
    shapes = [place["region"][0]["shape"] for place in places]
    assert {shape["unit"] for shape in shapes} == {"percent"}
    assert {"x": 10, "y": 10} in [shape["origin"] for shape in shapes]
    assert {(shape["width"], shape["height"]) for shape in shapes} == {(10, 10), (12.5, 10)}


@pytest.mark.parametrize("back", [1, 2000, 4000])
def test_a_flipped_bit_in_the_copy_for_access_is_found(embedded, tmp_path, back):
    copy = flipped(embedded, tmp_path, embedded.stat().st_size - back)
    assert any("its bytes changed" in finding for finding in check_credentials(copy))


def test_a_flipped_bit_in_the_record_inside_is_found(embedded, tmp_path):
    copy = flipped(embedded, tmp_path, embedded.read_bytes().index(b"Ava Approver"))
    assert check_credentials(copy)


def test_a_tiff_can_carry_them_inside(signed, dossier, signer, tmp_path):
    target = tmp_path / "inside.tif"
    sign_embedded(dossier, signed.made.restored, None, target, signer, "image/tiff")
    assert check_credentials(target) == []
    assert read_credentials(target).parent_sha256 == dossier.original.sha256
    assert np.array_equal(tifffile.imread(target), tifffile.imread(signed.made.restored))


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not there")
def test_exiftool_reads_the_same_from_the_copy_for_access(embedded, dossier):
    called = ["exiftool", "-j", "-JUMBF:All", str(embedded)]
    (told,) = json.loads(subprocess.run(called, check=True, capture_output=True).stdout)
    assert told["ActionsAction"] == ["c2pa.opened", "c2pa.edited", "c2pa.transcoded"]
    assert told["ActionsDigitalSourceType"].endswith("/algorithmicallyEnhanced")
    assert told["Dcdescription"] == dossier.statement
    assert told["MetadataHeritageSha256"] == dossier.original.sha256


def test_a_picture_without_credentials_is_said_to_have_none(access, signed):
    assert check_credentials(access) == ["mill.jpg: holds no content credentials"]
    with pytest.raises(VerificationFailed, match="no content credentials"):
        read_credentials(signed.made.restored)


def test_a_picture_that_is_not_there_is_named(sidecar, tmp_path):
    with pytest.raises(StorageFailed, match=r"gone\.tif"):
        check_credentials(tmp_path / "gone.tif", sidecar)
    with pytest.raises(StorageFailed, match=r"gone\.c2pa"):
        check_credentials(sidecar, tmp_path / "gone.c2pa")


def sign_by_library(picture, target, signer, address=None):
    """Sign as somebody else would, with what we would refuse."""
    info = c2pa.C2paSignerInfo(
        "es256", signer.certificate.read_bytes(), signer.key.read_bytes(), None
    )
    created = {"action": "c2pa.created", "digitalSourceType": f"{IPTC}digitalCapture"}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [created]}}
    settings = c2pa.Settings.from_dict({"version": 1, "verify": {"verify_after_sign": False}})
    builder = c2pa.Builder({"assertions": [actions]}, context=c2pa.Context(settings))
    if address is not None:
        builder.set_no_embed()
        builder.set_remote_url(address)
    with (
        picture.open("rb") as source,
        target.open("w+b") as copy,
        c2pa.Signer.from_info(info) as library,
    ):
        builder.sign(library, "image/jpeg", source, copy)


def test_what_somebody_else_signed_is_read_too(access, signer, tmp_path):
    sign_by_library(access, tmp_path / "scan.jpg", signer)
    said = read_credentials(tmp_path / "scan.jpg")
    assert (said.state, said.findings, said.actions) == ("valid", (), ("c2pa.created",))
    assert (said.source_type, said.statement) == ("digitalCapture", None)
    assert said.parent_sha256 is None


def test_reading_asks_nothing_of_the_net(access, signer, tmp_path):
    made = tmp_path / "remote.jpg"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        sign_by_library(access, made, signer, f"http://127.0.0.1:{server.getsockname()[1]}/record")
        assert b"/record" in made.read_bytes()
        assert len(check_credentials(made)) == 1
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.fixture
def silent() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/stamp"


CLOCK = """[tsa]
default_tsa = clock
[clock]
serial = {folder}/serial
signer_cert = {folder}/clock.pem
certs = {folder}/clock.ca.pem
signer_key = {folder}/clock.key.pem
signer_digest = sha256
ess_cert_id_alg = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
"""


@pytest.fixture(scope="session")
def clock(tmp_path_factory):
    """A time stamp authority on this machine: its address and its root."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not there")
    folder = tmp_path_factory.mktemp("clock")
    issue(folder, "clock", ExtendedKeyUsageOID.TIME_STAMPING, timedelta(days=1))
    (folder / "clock.conf").write_text(CLOCK.format(folder=folder))

    class Authority(BaseHTTPRequestHandler):
        def do_POST(self):
            query = folder / "query"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            called = [
                "openssl",
                "ts",
                "-reply",
                "-config",
                folder / "clock.conf",
                "-queryfile",
                query,
            ]
            told = subprocess.run(called, check=True, capture_output=True).stdout
            self.send_response(503 if self.path == "/closed" else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(b"<h1>Welcome</h1>" if self.path == "/rubbish" else told)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Authority) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder / "clock.ca.pem"
        server.shutdown()
        thread.join()


def issue(folder, name, purpose, until):
    """A key, its certificate for one purpose, and the certificate of its issuer."""
    secret, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    pem, now = serialization.Encoding.PEM, datetime.now(UTC)
    for file, common, public, authority in (
        (f"{name}.ca.pem", "issuer", secret.public_key(), True),
        (f"{name}.pem", name, key.public_key(), False),
    ):
        issuer = secret.public_key()
        usage = (not authority, False, False, False, False, authority, False, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + until)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.KeyUsage(*usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        (folder / file).write_bytes(builder.sign(secret, hashes.SHA256()).public_bytes(pem))
    private = serialization.PrivateFormat.PKCS8
    (folder / f"{name}.key.pem").write_bytes(
        key.private_bytes(pem, private, serialization.NoEncryption())
    )


def test_an_expired_certificate_without_time_stamp_is_no_proof_any_more(access, tmp_path):
    issue(tmp_path, "brief", ExtendedKeyUsageOID.EMAIL_PROTECTION, timedelta(seconds=3))
    brief = Signer(tmp_path / "brief.pem", tmp_path / "brief.key.pem")
    made = tmp_path / "brief.jpg"
    sign_by_library(access, made, brief)
    assert check_credentials(made) == []
    (own,) = x509.load_pem_x509_certificates(brief.certificate.read_bytes())
    time.sleep((own.not_valid_after_utc - datetime.now(UTC)).total_seconds() + 1.1)
    (finding,) = check_credentials(made)
    assert "has expired" in finding
    assert read_credentials(made).state == "invalid"


def test_a_time_stamp_says_when_and_by_whom_is_known_to_who_trusts_it(
    signed, dossier, signer, clock, tmp_path
):
    address, root = clock
    target = tmp_path / "stamped.c2pa"
    stamped = replace(signer, timestamp_url=f"{address}/stamp")
    begun = datetime.now(UTC).replace(microsecond=0)
    sign_sidecar(dossier, signed.made.restored, signed.master, target, stamped)
    said = read_credentials(signed.made.restored, target)
    assert begun <= said.time <= datetime.now(UTC)
    assert not any("carries no time stamp" in note for note in said.notes)
    assert any("vouches for the time stamp" in note for note in said.notes)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(
        signer.certificate.with_name("museum.ca.pem").read_bytes() + root.read_bytes()
    )
    said = read_credentials(signed.made.restored, target, roots)
    assert (said.state, said.notes) == ("trusted", ())


@pytest.mark.parametrize("page", ["closed", "rubbish"])
def test_a_time_stamp_authority_that_gives_none_is_named(
    signed, dossier, signer, clock, tmp_path, page
):
    stamped = replace(signer, timestamp_url=f"{clock[0]}/{page}")
    with pytest.raises(ServerUnreachable, match=page):
        sign_sidecar(dossier, signed.made.restored, signed.master, tmp_path / "x.c2pa", stamped)
    assert list(tmp_path.iterdir()) == []


def test_a_time_stamp_authority_that_is_not_there_is_named(
    signed, dossier, signer, silent, tmp_path
):
    stamped = replace(signer, timestamp_url=silent.replace("//", "//museum:secret@"))
    with pytest.raises(ServerUnreachable) as refused:
        sign_sidecar(dossier, signed.made.restored, signed.master, tmp_path / "x.c2pa", stamped)
    assert silent in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "sign without one" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_could_not_be_signed_is_not_there(dossier, access, signer, silent, tmp_path):
    stamped = replace(signer, timestamp_url=silent)
    with pytest.raises(ServerUnreachable):
        sign_embedded(dossier, access, None, tmp_path / "x.jpg", stamped, "image/jpeg")
    assert list(tmp_path.iterdir()) == []


def test_another_master_is_refused(signed, dossier, signer, access, tmp_path):
    other = flipped(signed.master, tmp_path, 1000)
    with pytest.raises(VerificationFailed, match="not the master"):
        sign_sidecar(dossier, signed.made.restored, other, tmp_path / "x.c2pa", signer)
    with pytest.raises(VerificationFailed, match="not the master"):
        sign_embedded(dossier, access, other, tmp_path / "x.jpg", signer, "image/jpeg")
    assert list(tmp_path.iterdir()) == [other]


def test_nothing_is_overwritten(signed, dossier, signer, access, tmp_path):
    target = tmp_path / "there"
    target.write_text("precious")
    with pytest.raises(OutputInTheWay):
        sign_sidecar(dossier, signed.made.restored, signed.master, target, signer)
    with pytest.raises(OutputInTheWay):
        sign_embedded(dossier, access, None, target, signer, "image/jpeg")
    assert target.read_text() == "precious"


def test_a_picture_of_another_type_is_refused_in_one_line(dossier, signer, tmp_path):
    picture = tmp_path / "text.jpg"
    picture.write_text("no picture")
    with pytest.raises(VerificationFailed) as refused:
        sign_embedded(dossier, picture, None, tmp_path / "x.jpg", signer, "image/jpeg")
    assert "text.jpg: cannot be signed as image/jpeg" in str(refused.value)
    assert not (tmp_path / "x.jpg").exists()


def test_a_certificate_that_will_not_do_is_refused_before_anything_is_read(
    dossier, signer, tmp_path
):
    backwards = replace(signer, algorithm="ps256")
    with pytest.raises(BadSetting, match="cannot sign with ps256"):
        sign_sidecar(dossier, tmp_path / "none", tmp_path / "none", tmp_path / "x", backwards)
