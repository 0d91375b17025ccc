"""Requests as no browser writes them, at the real server: each gets its answer, and it lives on."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.parts.server import Installation, installation

pytestmark = pytest.mark.slow

FORM = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
# What is sent, and with what status it may be answered; 0: the connection is closed without one.
REQUESTS: dict[str, tuple[bytes, set[int]]] = {
    "a form that does not say how long it is": (
        f"POST /my/ HTTP/1.1\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n".encode()
        + b"5\r\nemail\r\n" * 3
        + b"0\r\n\r\n",
        {411},
    ),
    "a form of a gigabyte, of which nothing comes": (
        f"POST /my/ HTTP/1.1\r\n{FORM}Content-Length: 1000000000\r\n\r\n".encode(),
        {413},
    ),
    "two lengths": (
        f"POST /my/ HTTP/1.1\r\n{FORM}Content-Length: 3\r\nContent-Length: 30\r\n\r\na=b".encode(),
        {0, 400},
    ),
    "a length and chunks": (
        f"POST /my/ HTTP/1.1\r\n{FORM}Content-Length: 3\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        {0, 400, 411},
    ),
    "a length that is none": (
        f"POST /my/ HTTP/1.1\r\n{FORM}Content-Length: -1\r\n\r\n".encode(),
        {0, 400},
    ),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, {0, 400}),
    "a header line in a header": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n b\r\nX\x00: c\r\n\r\n",
        {0, 200, 400},
    ),
    "a megabyte of headers": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 2**20 + b"\r\n\r\n",
        {0, 400, 431},
    ),
    "thousands of headers": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: a\r\n" * 5000 + b"\r\n",
        {0, 400, 431},
    ),
    "an address of a megabyte": (
        b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        {0, 400, 404, 414, 431},
    ),
    "signs that no address holds": (
        b"GET /%00%ff%c0%ae/..%2f..%5c HTTP/1.1\r\nHost: localhost\r\n\r\n",
        {400, 404},
    ),
    "a way out of the static folder": (
        b"GET /static/..%2f..%2fsetup.cfg HTTP/1.1\r\nHost: localhost\r\n\r\n",
        {400, 404},
    ),
    "another way out of it": (
        b"GET /static/../../setup.cfg HTTP/1.1\r\nHost: localhost\r\n\r\n",
        {400, 404},
    ),
    "a host of its own": (b"GET / HTTP/1.1\r\nHost: eve.example\r\n\r\n", {200, 400}),
    "an address with a host of its own": (
        b"GET http://eve.example/my/course/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        {400, 404},
    ),
    "a feed with a body": (
        b"GET /f/x.xml HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
        {404},
    ),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("hostile") / "house") as made:
        made.make_tables()
        made.serve()
        yield made


@pytest.mark.parametrize("name", REQUESTS)
def test_strange_request_gets_an_answer_and_the_server_lives_on(
    here: Installation, name: str
) -> None:
    sent, statuses = REQUESTS[name]

    assert ask(here.port, sent) in statuses
    assert httpx.get(f"{here.url}/healthz", timeout=30).status_code == 200
    assert "Traceback" not in here.log


def ask(port: int, sent: bytes) -> int:
    """The status of the answer to some bytes; 0: there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        # It may hang up before it read all of that.
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
        answer = b""
        with suppress(ConnectionResetError):
            answer = client.recv(4096)
        return int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else 0
