"""Keys and certificates for servers of tests, signed by themselves or by another."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def a_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_certificate(
    key: rsa.RSAPrivateKey,
    *,
    name: str,
    issuer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None,
    since: datetime = datetime.min,
    until: datetime | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until or since + timedelta(days=730))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of_key(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority of the tests' own: who trusts it names `pem` as a file."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return pem(self.certificate)

    def certified(self, name: str = "localhost", *, days: int = 90) -> ssl.SSLContext:
        """What a server of that name shows; its certificate ends in so many days."""
        now = datetime.now()
        signed = a_certificate(
            _server_key(),
            name=name,
            issuer=(self.certificate, self.key),
            since=now - timedelta(days=365),
            until=now + timedelta(days=days, hours=1),
        )
        return shown(signed)


@cache
def an_authority() -> Authority:
    key = a_key()
    since = datetime.now() - timedelta(days=400)
    return Authority(key=key, certificate=a_certificate(key, name="Our own", since=since))


def signed_by_itself(name: str = "localhost") -> ssl.SSLContext:
    """What a server shows that nobody vouches for."""
    since = datetime.now() - timedelta(days=1)
    return shown(a_certificate(_server_key(), name=name, since=since))


def shown(certificate: x509.Certificate) -> ssl.SSLContext:
    """What a server with this certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder, "both.pem")
        both.write_bytes(pem(certificate) + pem_of_key(_server_key()))
        context.load_cert_chain(both)
    return context


@cache
def _server_key() -> rsa.RSAPrivateKey:
    return a_key()
