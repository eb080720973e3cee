"""An issuer of tokens on this machine, over TLS, with keys made for the test, and tokens that it would never make."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

__all__ = ["EC", "RSA", "Issuer", "jwk", "pem", "running", "secret_signed", "written"]

RSA = {name: rsa.generate_private_key(65537, 2048) for name in ("main", "other")}
RSA["weak"] = rsa.generate_private_key(65537, 1024)  # as some issuers' were, long ago
EC = {"ES256": ec.generate_private_key(ec.SECP256R1()), "ES384": ec.generate_private_key(ec.SECP384R1())}


@dataclass
class Issuer:
    """What it answers, and what it was asked."""

    address: str
    certificate: Path
    answers: dict[str, Any] = field(default_factory=dict)
    """Path -> an object; or a status with headers and a body."""
    asked: list[str] = field(default_factory=list)

    def offer(self, *keys: dict[str, Any]) -> None:
        """The usual answers, with these keys."""
        found = {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        self.answers.update({"/.well-known/openid-configuration": found, "/keys": {"keys": list(keys)}})

    def token(
        self, key: Any = None, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A right one, but for what is said; None leaves a claim or a header away."""
        now = int(datetime.datetime.now(datetime.UTC).timestamp())
        said = {"iss": self.address, "aud": "orders", "sub": "alice", "iat": now, "exp": now + 600, **claims}
        kept = {name: value for name, value in said.items() if value is not None}
        named = {name: value for name, value in {"kid": "main", **(headers or {})}.items() if value is not None}
        text: str = jwt.api_jws.encode(json.dumps(kept).encode(), key or RSA["main"], algorithm, named)
        return text


def jwk(key: Any, name: str = "main", **more: Any) -> dict[str, Any]:
    """The public part of a key, as issuers publish it."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig", **more}


def written(header: Any, claims: Any, signature: bytes = b"x" * 256) -> str:
    """A token by hand, whatever it says."""
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))


def secret_signed(header: dict[str, Any], claims: Any, secret: bytes) -> str:
    """A token that is signed with a secret, whatever is used as one."""
    signed = written(header, claims).rpartition(".")[0]
    return written(header, claims, hmac.digest(secret, signed.encode(), hashlib.sha256))


def pem(key: Any) -> bytes:
    """What everybody knows of a key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    found: bytes = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return found


@contextmanager
def running(folder: Path) -> Iterator[Issuer]:
    certificate = folder / "issuer.pem"
    certificate.write_bytes(_certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    issuer = Issuer(f"https://localhost:{server.server_port}", certificate)
    server.issuer = issuer  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        issuer: Issuer = self.server.issuer  # type: ignore[attr-defined]
        issuer.asked.append(self.path)
        found = issuer.answers.get(self.path, (404, {}, b""))
        status, headers, body = found if isinstance(found, tuple) else (200, {}, json.dumps(found).encode())
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


def _certificate() -> bytes:
    """Its own, for this machine, with the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
