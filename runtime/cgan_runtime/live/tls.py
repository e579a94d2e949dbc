"""The page's certificate: one of your own, or one that cgan makes and keeps, so that a phone's camera works.

    context = context_of(cert, key)                  # --cert, --key
    own = own_certificate("0.0.0.0")                 # --https
    own.fingerprint                                  # to be compared with what the browser shows
    context = context_of(own.path, own.path)

A certificate that nobody has signed: browsers warn once. The same one is used until a month before it ends, or until
this machine gets an address that is not in it.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.errors import ConfigError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.cache import cache_folder

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, GeneralName

REMOTE = ("192.0.2.1", "2001:db8::1")  # addresses of documentation: nothing is sent there
_DAYS = 397  # that it lasts; browsers refuse more
_RENEW_DAYS = 30  # before its end
_CLOCK_SKEW = timedelta(days=1)  # of a phone


@dataclass(frozen=True)
class OwnCertificate:
    """A certificate and its key in one PEM file, and the SHA-256 of the certificate as browsers show it."""

    path: Path
    fingerprint: str


def context_of(cert: Path, key: Path) -> ssl.SSLContext:
    """The context of a server; a ConfigError when the files are no certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ConfigError(f"{cert} and {key} are no certificate and key in PEM form ({reason})") from error
    return context


def own_certificate(host: str, names: tuple[str, ...] = (), folder: Path | None = None) -> OwnCertificate:
    """The kept certificate of this machine, or a new one.

    Args:
        host: What the page is bound to.
        names: Further names that it is reached by.
        folder: Where it is kept; by default in the cache folder, readable by its owner alone.

    Raises:
        ConfigError: The library is not installed, or the folder cannot be written.
    """
    try:
        from cryptography import x509
    except ImportError as error:
        raise ConfigError("--https needs cryptography; install it with: pip install 'cgan[https]'") from error
    path = (folder or cache_folder() / "tls") / "page.pem"
    wanted = _names(host, names)
    kept = None
    with suppress(OSError, ValueError):
        kept = x509.load_pem_x509_certificate(path.read_bytes())
    if kept is None or not _is_good(kept, wanted) or not _loads(path):
        kept, content = _make(wanted)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(path, content)
            path.chmod(0o600)
        except OSError as error:
            raise ConfigError(
                f"the certificate cannot be kept as {path} ({error.strerror}); give one with --cert and --key"
            ) from error
    return OwnCertificate(path, _fingerprint(kept))


def own_addresses() -> set[str]:
    """The addresses of this machine by which others reach it: those of the default routes."""
    return {address for address in map(address_towards, REMOTE) if address}


def address_towards(remote: str) -> str:
    """The address of this machine that a remote one sees; empty if there is no route."""
    family = socket.AF_INET6 if ":" in remote else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:  # sends nothing, only looks up the route
            probe.connect((remote, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _names(host: str, names: tuple[str, ...]) -> set[str]:
    machine = socket.gethostname().lower()
    known = {"localhost", "127.0.0.1", "::1", machine, f"{machine}.local", host.lower(), *map(str.lower, names)}
    return {name for name in known | own_addresses() if _can_be_certified(name)}


def _can_be_certified(name: str) -> bool:
    with suppress(ValueError):
        return "%" not in name and not ipaddress.ip_address(name).is_unspecified
    return bool(name) and name.isascii()


def _is_good(certificate: Certificate, wanted: set[str]) -> bool:
    """Whether it lasts long enough and holds all names."""
    from cryptography import x509

    left = certificate.not_valid_after_utc - datetime.now(timezone.utc)
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return left > timedelta(days=_RENEW_DAYS) and wanted <= {str(name.value) for name in held}


def _loads(path: Path) -> bool:
    try:
        context_of(path, path)
    except ConfigError:
        return False
    return True


def _make(names: set[str]) -> tuple[Certificate, bytes]:
    """A new certificate, and the content of its file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cgan")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now - _CLOCK_SKEW + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(list(map(_general_name, sorted(names)))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate, certificate.public_bytes(pem) + secret


def _general_name(name: str) -> GeneralName:
    from cryptography import x509

    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _fingerprint(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
