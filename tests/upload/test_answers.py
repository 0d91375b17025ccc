"""What the command says when a server answers with something else than it should."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.upload import server as api
from app.upload.errors import (
    AnswerUnexpected,
    CourseMissing,
    ExitCode,
    NotAllowed,
    Rejected,
    StoreAway,
    StoreFull,
    TokenRefused,
    TooBig,
    UploadProblem,
)
from app.upload.server import Server
from app.upload.words import Words

PROBLEM = "application/problem+json"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "WAITS", (0.0, 0.0))


@contextmanager
def answering(
    status: int, kind: str = PROBLEM, *, times: list[int] | None = None
) -> Iterator[Server]:
    """What says the same to everything; `times` counts how often it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if times is not None:
                times.append(status)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            body = b'{"title": "No", "errors": {"title": "is taken"}}'
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            del words

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            with Server(f"http://127.0.0.1:{listening.server_port}", "t", "en") as server:
                yield server
        finally:
            listening.shutdown()


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, TokenRefused),
        (403, NotAllowed),
        (404, CourseMissing),
        (409, Rejected),
        (413, TooBig),
        (422, Rejected),
        (500, AnswerUnexpected),
        (503, StoreAway),
        (507, StoreFull),
    ],
)
def test_each_answer_has_its_words_and_ends_with_3(
    status: int, problem: type[UploadProblem]
) -> None:
    with answering(status) as server, pytest.raises(problem) as raised:
        server.course("groei")

    assert raised.value.exit_code is ExitCode.NOT_DONE
    assert server.name in raised.value.say(Words("en"))


def test_what_may_pass_is_tried_again() -> None:
    times: list[int] = []
    with answering(503, times=times) as server, pytest.raises(StoreAway):
        server.course("groei")

    assert len(times) == 3


def test_what_will_not_pass_is_not_tried_again() -> None:
    times: list[int] = []
    with answering(401, times=times) as server, pytest.raises(TokenRefused):
        server.course("groei")

    assert len(times) == 1


@pytest.mark.parametrize("status", [200, 404])
def test_a_server_that_is_something_else_is_said(status: int) -> None:
    with answering(status, "text/html") as server, pytest.raises(AnswerUnexpected):
        server.course("groei")
