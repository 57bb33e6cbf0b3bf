"""An authority of our own for one test, and certificates of it that are right, expired, for somebody else, or nobody's."""

import datetime as dt
import ipaddress
import ssl
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RIGHT, EXPIRED, OTHER_HOST, SELF_SIGNED = "right", "expired", "other host", "self-signed"
_DAY = dt.timedelta(days=1)


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    del name
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(name: str, key: str, issuer: str, until: dt.datetime, host: str | None) -> x509.Certificate:
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(_key(key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.now(dt.UTC) - 30 * _DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host is not None:
        made = made.add_extension(x509.SubjectAlternativeName([_subject(host)]), critical=False)
    return made.sign(_key(issuer), hashes.SHA256())


def _subject(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def authority() -> str:
    """Return the authority's certificate as PEM."""
    made = _signed("authority", "authority", "authority", dt.datetime.now(dt.UTC) + _DAY, None)
    return made.public_bytes(serialization.Encoding.PEM).decode()


def server_side(kind: str, folder: Path) -> ssl.SSLContext:
    """Return what a server at 127.0.0.1 presents."""
    until = dt.datetime.now(dt.UTC) + (-_DAY if kind == EXPIRED else _DAY)
    issuer = "server" if kind == SELF_SIGNED else "authority"
    made = _signed("server", "server", issuer, until, "api.example.com" if kind == OTHER_HOST else "127.0.0.1")
    path = folder / f"{kind}.pem"
    private = _key("server").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
