"""TLS servers with certificates that nobody trusts, each in its own way."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def signed(
    folder: Path, *, host: str | None = None, ended: bool = False, by: str = "itself"
) -> ssl.SSLContext:
    """A server's context with a fresh certificate, whose authority is in `certificate.pem`.

    It is for 127.0.0.1, or for another `host`; `ended` was good until yesterday. It is signed by
    itself, or by an `authority` that is sent along or by one that is `hidden`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = key if by == "itself" else ec.generate_private_key(ec.SECP256R1())
    subject = _name("server")
    issuer = subject if by == "itself" else _name("authority")
    own = _certificate(subject, issuer, key, issuer_key, host, ended)
    authority = own if by == "itself" else _certificate(issuer, issuer, issuer_key, issuer_key)
    sent = [own] if by != "authority" else [own, authority]
    chain, trusted, keys = (folder / name for name in ("chain.pem", "certificate.pem", "key.pem"))
    chain.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in sent))
    trusted.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    keys.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, keys)
    return context


_ALL_USAGES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=True,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """An authority of certificates, as PEM texts."""

    def __init__(self, text: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = _name(text)
        self._own = _certificate(name, name, self._key, self._key)
        self.pem = self._own.public_bytes(serialization.Encoding.PEM).decode()

    def certificate(self, *, ended: bool = False, passphrase: str | None = None) -> tuple[str, str]:
        """A certificate for 127.0.0.1 and its private key."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = _certificate(_name("one"), self._own.subject, key, self._key, ended=ended)
        encryption = (
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption()
        )
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return own.public_bytes(pem).decode(), key.private_bytes(pem, form, encryption).decode()

    def mutual(
        self, folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> ssl.SSLContext:
        """A server's context that requires a client's certificate of this authority."""
        file = folder / "server.pem"
        file.write_text("".join(self.certificate()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.load_verify_locations(cadata=self.pem)
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = version
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    host: str | None = None,
    ended: bool = False,
) -> x509.Certificate:
    named: x509.GeneralName = x509.IPAddress(ip_address("127.0.0.1"))
    if host is not None:
        named = x509.DNSName(host)
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=-1 if ended else 3))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        # what a strict verification, as that of Python 3.13, expects beside
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(_ALL_USAGES, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
