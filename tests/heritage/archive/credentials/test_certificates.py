"""A signer is refused for what C2PA does not take, in one line that says what to ask for."""

import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from heritage.archive.credentials.certificates import (
    Signer,
    check_signer,
    load_signer,
    make_test_certificate,
)
from heritage.archive.credentials.reading import check_credentials
from heritage.archive.credentials.signing import sign_sidecar
from heritage.errors import BadSetting, OutputInTheWay, StorageFailed

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()
EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION


def name_of(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Authority:
    """Issues certificates with one thing wrong."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.issue(self.key, "authority", authority=True)

    def issue(
        self, key, common="museum", authority=False, purposes=(EMAIL,), days=(-1, 30),
        names_issuer=True, signs=True, itself=False,
    ):  # fmt: skip
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_of(common))
            .issuer_name(name_of(common if itself else "authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.KeyUsage(signs, False, False, False, False, authority, False, False, False),
                critical=True,
            )
        )
        if names_issuer:
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            builder = builder.add_extension(issuer, critical=False)
        if purposes and not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        return builder.sign(key if itself else self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


def written(folder, certificates, key, **kwargs) -> Signer:
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(c.public_bytes(PEM) for c in certificates))
    secret.write_bytes(key if isinstance(key, bytes) else key.private_bytes(PEM, PKCS8, PLAIN))
    return Signer(chain, secret, **kwargs)


def refusal(signer: Signer) -> str:
    """The one line in which it is refused, for one reason only."""
    assert len(check_signer(signer)) == 1
    with pytest.raises(BadSetting) as refused:
        load_signer(signer)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_test_certificate_is_fit_and_says_what_it_is(tmp_path):
    signer = make_test_certificate(tmp_path / "new", "try-out")
    assert check_signer(signer) == []
    credential = load_signer(signer)
    own, root = x509.load_pem_x509_certificates(credential.chain)
    assert credential.algorithm == "es256"
    assert "TEST ONLY - NOT TRUSTED" in own.subject.rfc4514_string()
    assert "TEST ONLY - NOT TRUSTED" in root.subject.rfc4514_string()
    year = own.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=364) < year <= timedelta(days=365)
    assert root.public_bytes(PEM) == (tmp_path / "new" / "try-out.ca.pem").read_bytes()


def test_a_test_key_is_for_nobody_else_to_read_and_the_issuers_is_gone(tmp_path):
    signer = make_test_certificate(tmp_path, "mine")
    assert stat.S_IMODE(signer.key.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"mine.pem", "mine.key.pem", "mine.ca.pem"}
    private = [path.name for path in tmp_path.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert private == ["mine.key.pem"]


@pytest.mark.parametrize("there", ["mine.pem", "mine.key.pem", "mine.ca.pem"])
def test_a_test_certificate_overwrites_nothing_and_leaves_no_half(tmp_path, there):
    (tmp_path / there).write_text("precious")
    with pytest.raises(OutputInTheWay, match="another name"):
        make_test_certificate(tmp_path, "mine")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "precious"


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "x" * 33, "zwölf"])
def test_a_test_certificate_has_a_plain_name(tmp_path, name):
    with pytest.raises(BadSetting, match="cannot be called"):
        make_test_certificate(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "es512"),
        (lambda: rsa.generate_private_key(65537, 2048), "ps256"),
        (ed25519.Ed25519PrivateKey.generate, "ed25519"),
    ],
)
def test_every_kind_of_key_signs_with_the_algorithm_that_fits_it(
    tmp_path, authority, signed, dossier, make, algorithm
):
    own = make()
    signer = written(tmp_path, [authority.issue(own), authority.certificate], own)
    assert load_signer(signer).algorithm == algorithm
    target = tmp_path / "made.c2pa"
    sign_sidecar(dossier, signed.made.restored, signed.master, target, signer)
    assert check_credentials(signed.made.restored, target) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"days": (-30, -1)}, "expired on"),
        ({"days": (1, 30)}, "valid from"),
        ({"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "not for signing documents"),
        ({"purposes": ()}, "not for signing documents"),
        ({"purposes": (EMAIL, ExtendedKeyUsageOID.TIME_STAMPING)}, "for time stamping too"),
        ({"purposes": (EMAIL, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)}, "for anything too"),
        ({"names_issuer": False}, "does not name its issuer's key"),
        ({"signs": False}, "does not allow digital signatures"),
    ],
)
def test_a_certificate_that_c2pa_does_not_take_is_refused_in_one_line(
    tmp_path, authority, key, wrong, said
):
    signer = written(tmp_path, [authority.issue(key, **wrong), authority.certificate], key)
    assert said in refusal(signer)


def test_a_self_signed_certificate_is_refused_in_one_line(tmp_path, authority, key):
    signer = written(tmp_path, [authority.issue(key, itself=True)], key)
    assert "self-signed" in refusal(signer)


def test_a_chain_the_wrong_way_round_is_said_to_be(tmp_path, authority, key):
    signer = written(tmp_path, [authority.issue(key), authority.issue(key)], key)
    assert "out of order" in refusal(signer)
    upside = written(tmp_path, [authority.certificate, authority.issue(key)], key)
    assert any("put each certificate before" in fault for fault in check_signer(upside))


def test_the_key_of_another_certificate_is_refused_in_one_line(tmp_path, authority, key):
    other = ec.generate_private_key(ec.SECP256R1())
    said = refusal(written(tmp_path, [authority.issue(key), authority.certificate], other))
    assert "not a pair" in said
    assert "key.pem" in said


def test_a_key_with_a_password_is_said_to_be_not_supported(tmp_path, authority, key):
    locked = key.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"secret"))
    assert "password" in refusal(written(tmp_path, [authority.issue(key)], locked))


def test_a_key_that_is_none_is_said_to_be_none(tmp_path, authority, key):
    assert "no private key" in refusal(written(tmp_path, [authority.issue(key)], b"hello"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: rsa.generate_private_key(65537, 1024),
    ],
)
def test_a_key_of_a_kind_that_c2pa_does_not_take_is_refused(tmp_path, authority, make):
    own = make()
    assert "does not take" in refusal(written(tmp_path, [authority.issue(own)], own))


def test_an_algorithm_that_is_not_the_keys_is_refused(tmp_path, authority, key):
    signer = written(tmp_path, [authority.issue(key)], key, algorithm="ps256")
    assert "cannot sign with ps256" in refusal(signer)


@pytest.mark.parametrize("url", ["ftp://stamp.org", "stamp.org", "http://", "http://[::1"])
def test_a_time_stamp_authority_has_an_address(tmp_path, authority, key, url):
    signer = written(tmp_path, [authority.issue(key)], key, timestamp_url=url)
    assert "is no address" in refusal(signer)


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_without_certificate_is_refused_in_one_line(tmp_path, key, content):
    signer = written(tmp_path, [], key)
    signer.certificate.write_bytes(content)
    assert "no certificate in PEM form" in refusal(signer)


def test_a_certificate_or_key_that_is_not_there_is_named(tmp_path, authority, key):
    signer = written(tmp_path, [authority.issue(key)], key)
    signer.key.unlink()
    with pytest.raises(StorageFailed, match=r"key\.pem.*does not exist"):
        load_signer(signer)
