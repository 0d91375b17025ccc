"""A web server that is none of ours: it says one thing to everybody, over TLS if need be."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import pytest

from tests.parts.serving import QuietServer, serving


@dataclass(kw_only=True)
class Stranger:
    """What it answers; its clock is `ahead` of ours. It may be changed while it runs."""

    port: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"It works!"
    ahead: timedelta = timedelta(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def answering(context: ssl.SSLContext | None = None) -> Iterator[Stranger]:
    """A server on a port of its own until the block ends; `context`: it speaks TLS."""
    stranger = Stranger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(stranger.status)
            date = format_datetime(datetime.now(UTC) + stranger.ahead, usegmt=True)
            length = str(len(stranger.body))
            for name, value in {"Date": date, "Content-Length": length, **stranger.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(stranger.body)

        do_PUT = do_OPTIONS = do_GET  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    stranger.port = server.server_port
    with serving(server):
        yield stranger


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with answering() as server:
        yield server
