"""A certificate authority of our own and one certificate a service, made at run time. Nothing here is ever committed."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh.identity import SPIFFE_PREFIX

_LIFETIME = timedelta(days=30)
_SKEW = timedelta(minutes=5)
_LOOPBACK = "localhost"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where a service's identity lies, as PEM files."""

    ca_file: Path
    certificate_file: Path
    key_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What mesh.settings reads it from."""
        return {
            "TLS_CA_FILE": str(self.ca_file),
            "TLS_CERTIFICATE_FILE": str(self.certificate_file),
            "TLS_KEY_FILE": str(self.key_file),
        }


class Authority:
    """Signs the certificates of one mesh. Kept in a folder, so that what it has signed stays valid over restarts."""

    def __init__(self, folder: Path) -> None:
        """Reads the authority that lies in the folder, or makes a new one when there is none or it is about to expire."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        if self.ca_file.is_file() and self._key_file.is_file() and self._read():
            return
        self._make()

    def issue(self, service: str, *, lifetime: timedelta = _LIFETIME) -> Certificate:
        """A new certificate that names the service in its URI (SPIFFE) and in its DNS name; replaces an older one."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        names = [x509.UniformResourceIdentifier(SPIFFE_PREFIX + service), x509.DNSName(service), x509.DNSName(_LOOPBACK)]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(service))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + lifetime) - _SKEW)
            .not_valid_after(now + lifetime)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        issued = Certificate(self.ca_file, self._folder / f"{service}.pem", self._folder / f"{service}.key")
        _write_private(issued.key_file, _key_bytes(key))
        issued.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return issued

    def _read(self) -> bool:
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        self._certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return False
        self._key = key
        return self._certificate.not_valid_after_utc - datetime.now(UTC) > _LIFETIME

    def _make(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(_name("marketplace"))
            .issuer_name(_name("marketplace"))
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + 12 * _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        _write_private(self._key_file, _key_bytes(self._key))
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write_private(path: Path, content: bytes) -> None:
    """Readable by its owner alone from the first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
