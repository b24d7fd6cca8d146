"""Who signs content credentials: a certificate, its key, and whether C2PA takes them.

The rules for certificates are those of the C2PA specification 2.x, "X.509 Certificates". A library
that signs does not say what is wrong with one; a registrar has to write to whoever issued it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from heritage.errors import BadSetting, OutputInTheWay
from heritage.restore.storage import partial_of, storage, sync, sync_folder

PURPOSES = {
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"): "documentSigning",
    x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1"): "C2PA claim signing",
}
"""What a certificate must be for, one of them at least."""
FOREIGN = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anything",
    ExtendedKeyUsageOID.TIME_STAMPING: "time stamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP signing",
}
"""What one that signs pictures must not be for."""
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
RSA = ("ps256", "ps384", "ps512")
SHORTEST = 2048
"""Bits of an RSA key."""
WEAK = {
    SignatureAlgorithmOID.RSA_WITH_MD5,
    SignatureAlgorithmOID.RSA_WITH_SHA1,
    SignatureAlgorithmOID.ECDSA_WITH_SHA1,
}
NOT_REAL = "TEST ONLY - NOT TRUSTED"
Kind = TypeVar("Kind", bound=x509.ExtensionType)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True)
class Signer:
    """What content credentials are signed with.

    Args:
        certificate: PEM: the signer's own certificate, then that of its issuer, and so on.
        key: PEM, without a password.
        algorithm: ``es256``, ``es384``, ``es512``, ``ps256``, ``ps384``, ``ps512`` or ``ed25519``;
            None: the one that fits the key.
        timestamp_url: Of an RFC 3161 time stamp authority, without which a signature can no longer
            be checked when the certificate has expired.
    """

    certificate: Path
    key: Path
    algorithm: str | None = None
    timestamp_url: str | None = None


@dataclass(frozen=True)
class Credential:
    """A signer's files, read and found fit.

    Attributes:
        chain: PEM, the signer's own certificate first.
        key: PEM.
        algorithm: In C2PA's words.
        timestamp_url: Of the time stamp authority.
    """

    chain: bytes
    key: bytes
    algorithm: str
    timestamp_url: str | None


def load_signer(signer: Signer) -> Credential:
    """Read a signer's files.

    Raises:
        BadSetting: If C2PA would not take them, with everything that is wrong, as one line.
        StorageFailed: If they cannot be read.
    """
    faults = check_signer(signer)
    if faults:
        raise BadSetting("; ".join(faults), signer.certificate)
    with storage(signer.certificate):
        chain, key = signer.certificate.read_bytes(), signer.key.read_bytes()
    fitting = _algorithms(_private(key).public_key())
    return Credential(chain, key, signer.algorithm or fitting[0], signer.timestamp_url)


def check_signer(signer: Signer, now: datetime | None = None) -> list[str]:
    """What C2PA would not take, one sentence a fault; empty when all is well.

    Args:
        signer: To be looked at.
        now: When it is to sign, with time zone; None: now.

    Raises:
        StorageFailed: If its files cannot be read.
    """
    with storage(signer.certificate):
        chain, key = signer.certificate.read_bytes(), signer.key.read_bytes()
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        return ["holds no certificate in PEM form (a block that begins with BEGIN CERTIFICATE)"]
    try:
        return [
            *_chain_faults(certificates),
            *_date_faults(certificates, now or datetime.now(UTC)),
            *_purpose_faults(certificates[0]),
            *_key_faults(certificates[0], key, signer),
            *_address_faults(signer.timestamp_url),
        ]
    except (ValueError, UnsupportedAlgorithm) as error:  # from a part that is read when asked for
        return [f"is a certificate that cannot be read: {error}"]


def _chain_faults(certificates: list[x509.Certificate]) -> Iterator[str]:
    own = certificates[0]
    if own.subject == own.issuer:
        yield (
            "is self-signed, which C2PA does not take: use a certificate that an authority "
            "issued to you, followed by the authority's"
        )
    elif _is_authority(own):
        yield (
            "begins with the certificate of an authority: put your own first, then the one of "
            "its issuer, and so on"
        )
    for certificate, issuer in pairwise(certificates):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            yield (
                f"is out of order: {_name(certificate)!r} was not issued by {_name(issuer)!r}, "
                "which follows it; put each certificate before that of its issuer"
            )
    if any(certificate.signature_algorithm_oid in WEAK for certificate in certificates):
        yield "is signed with MD5 or SHA-1, which C2PA does not take: ask for SHA-256 or better"


def _date_faults(certificates: list[x509.Certificate], now: datetime) -> Iterator[str]:
    for certificate in certificates:
        if certificate.not_valid_after_utc < now:
            day = certificate.not_valid_after_utc.date()
            yield f"{_name(certificate)!r} expired on {day}: ask its issuer for a new certificate"
        if certificate.not_valid_before_utc > now:
            day = certificate.not_valid_before_utc.date()
            yield f"{_name(certificate)!r} is valid from {day} only: wait, or check the clock"


def _purpose_faults(own: x509.Certificate) -> Iterator[str]:
    purposes = set(_extension(own, x509.ExtendedKeyUsage) or ())
    if not purposes & set(PURPOSES):
        yield (
            "is not for signing documents: ask for one whose extended key usage is "
            f"{' or '.join(PURPOSES.values())}"
        )
    for purpose in sorted(purposes & set(FOREIGN), key=str):
        yield f"is for {FOREIGN[purpose]} too, which C2PA does not take: ask for one without"
    usage = _extension(own, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        yield "does not allow digital signatures (key usage): ask for one that does"
    if _extension(own, x509.AuthorityKeyIdentifier) is None:
        yield "does not name its issuer's key (authority key identifier): ask for one that does"


def _key_faults(own: x509.Certificate, data: bytes, signer: Signer) -> Iterator[str]:
    fitting = _algorithms(own.public_key())
    if not fitting:
        yield (
            "has a key of a kind that C2PA does not take: ask for one on the curve P-256, P-384 "
            f"or P-521, Ed25519, or RSA of {SHORTEST} bits or more"
        )
    elif signer.algorithm not in (None, *fitting):
        yield f"cannot sign with {signer.algorithm}: its key is for {' or '.join(fitting)}"
    try:
        key = _private(data)
    except TypeError:
        yield (
            f"its key {signer.key} is protected by a password, which is not supported: store it "
            "without one, readable by nobody but the account that signs"
        )
    except (ValueError, UnsupportedAlgorithm):
        yield f"its key {signer.key} is no private key in PEM form"
    else:
        if key.public_key() != own.public_key():
            yield (
                f"does not fit the key {signer.key}: they are not a pair; check that the first "
                "certificate is your own"
            )


def _address_faults(url: str | None) -> Iterator[str]:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        yield f"its time stamp authority {url!r} is no address: write http://… or https://…"


def _private(data: bytes) -> ec.EllipticCurvePrivateKey:
    """A private key of any kind; the type is that of most."""
    return serialization.load_pem_private_key(data, None)  # type: ignore[return-value]


def _algorithms(key: object) -> tuple[str, ...]:
    """What C2PA lets a key sign with."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return (CURVES[key.curve.name],) if key.curve.name in CURVES else ()
    if isinstance(key, rsa.RSAPublicKey):
        return RSA if key.key_size >= SHORTEST else ()
    return ("ed25519",) if isinstance(key, ed25519.Ed25519PublicKey) else ()


def _is_authority(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def make_test_certificate(folder: Path, name: str) -> Signer:
    """Make a certificate to try out signing with: it works like a real one, and nobody trusts it.

    ``NAME.key.pem`` is the key, ``NAME.pem`` the certificate and its issuer's, ``NAME.ca.pem`` the
    issuer's alone. The issuer's key is thrown away: nothing else can ever be issued by it.

    Args:
        folder: Made if it is not there.
        name: Up to 32 letters, digits, dots, dashes and underscores.

    Raises:
        BadSetting: If the name is none.
        OutputInTheWay: If one of the files is already there.
        StorageFailed: If they cannot be written.
    """
    if not NAME.fullmatch(name):
        raise BadSetting(f"a certificate cannot be called {name!r}: up to 32 of A-Z a-z 0-9 . _ -")
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer, subject = _subject("issuer of tests"), _subject(name)
    root = _issue(issuer, authority.public_key(), issuer, authority, authority=True)
    own = _issue(subject, key.public_key(), issuer, authority, authority=False)
    pem = serialization.Encoding.PEM
    unencrypted = serialization.NoEncryption()
    made = {
        f"{name}.key.pem": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted),
        f"{name}.ca.pem": root.public_bytes(pem),
        f"{name}.pem": own.public_bytes(pem) + root.public_bytes(pem),
    }
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write_all(folder, made)
    return Signer(folder / f"{name}.pem", folder / f"{name}.key.pem")


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NOT_REAL),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} ({NOT_REAL})"),
        ]
    )


def _issue(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signing: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    """A certificate for a year, as C2PA wants it: for an authority, or for who signs."""
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(authority, 0 if authority else None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority,
                key_cert_sign=authority,
                crl_sign=authority,
                **usage,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if not authority:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(signing, hashes.SHA256())


def _write_all(folder: Path, made: dict[str, bytes]) -> None:
    """All of them, each whole under its name, or none; what is there stays."""
    taken: list[Path] = []
    try:
        for name in made:
            _reserve(folder / name)
            taken.append(folder / name)
        for path in taken:
            with partial_of(path) as partial:
                _reserve(partial)
                partial.write_bytes(made[path.name])
                sync(partial)
                partial.replace(path)
        sync_folder(folder)
    except BaseException:
        for path in taken:
            path.unlink(missing_ok=True)
        raise


def _reserve(path: Path) -> None:
    """Take a name, for nobody else to read."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise OutputInTheWay("is already there: choose another name or folder", path) from None
