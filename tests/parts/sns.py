"""Amazon SNS as seen from here: its certificates on a real HTTPS server, its signatures."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from app.mail.fetch import HttpsFetcher
from tests.parts.certificates import a_certificate, a_key, pem, pem_of_key
from tests.parts.house import MONDAY

HOST = "sns.eu-west-1.amazonaws.com"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-abc123.pem"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip


@dataclass(kw_only=True)
class Sns:
    """Signs messages; `fetched`: what was asked for at its server, `files`: what lies there."""

    key: rsa.RSAPrivateKey
    files: dict[str, bytes]
    fetcher: HttpsFetcher
    fetched: list[str] = field(default_factory=list)

    def message(self, content: object, *, version: str = "2", **more: str) -> dict[str, str]:
        """A message as SNS posts it."""
        message = {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": content if isinstance(content, str) else json.dumps(content),
            "Timestamp": "2026-06-01T06:00:00.000Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE,
            **more,
        }
        return {**message, "Signature": self.sign(message, version)}

    def sign(self, message: dict[str, str], version: str) -> str:
        names = [name for name in SIGNED[message["Type"]] if name in message]
        text = "".join(f"{name}\n{message[name]}\n" for name in names)
        kind = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 (as SNS does)
        return base64.b64encode(self.key.sign(text.encode(), PKCS1v15(), kind)).decode()


@pytest.fixture
def sns(tmp_path: Path) -> Iterator[Sns]:
    ca_key, server_key, signing_key = _keys()
    # The server's is checked against the real clock, the signing one against the house's.
    since = datetime.now() - timedelta(days=365)
    ca = a_certificate(ca_key, name="Our own", since=since)
    server_certificate = a_certificate(server_key, name=HOST, issuer=(ca, ca_key), since=since)
    signing = a_certificate(signing_key, name=HOST, since=MONDAY - timedelta(days=1))
    found = Sns(
        key=signing_key,
        files={"/SimpleNotificationService-abc123.pem": pem(signing)},
        fetcher=HttpsFetcher(),
    )
    with _Serving(found, _context(tmp_path, server_certificate, server_key)) as port:
        trusting = ssl.create_default_context(cadata=pem(ca).decode())
        found.fetcher = HttpsFetcher(context=trusting, at=("127.0.0.1", port))
        yield found


@cache
def _keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    return a_key(), a_key(), a_key()


def _context(folder: Path, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> ssl.SSLContext:
    path = folder / "server.pem"
    path.write_bytes(pem(certificate) + pem_of_key(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class _Serving:
    def __init__(self, sns: Sns, context: ssl.SSLContext) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sns.fetched.append(f"https://{self.headers['Host']}{self.path}")
                found = sns.files.get(self.path.partition("?")[0])
                self.send_response(200 if found is not None else 404)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self) -> int:
        self.thread.start()
        return int(self.server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
