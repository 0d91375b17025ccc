"""Answers that any podcast app understands: a status, and one line of plain text."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from app.web.request_ids import HEADER

Headers = list[tuple[str, str]]

# A database or a store that restarts is back within this time.
RETRY_SECONDS: Final = 120


class Answer(NamedTuple):
    """What a WSGI server wants to know."""

    status: str
    headers: Headers
    body: Iterable[bytes]


def text(status: str, line: str, *more: tuple[str, str]) -> Answer:
    """Answer one line. Nobody keeps it, no search engine finds it."""
    body = f"{line}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "private, no-store"),
        ("X-Robots-Tag", "noindex"),
        ("X-Content-Type-Options", "nosniff"),
        *more,
    ]
    return Answer(status, headers, (body,))


def not_found() -> Answer:
    """The one answer to every address that is none, whatever is wrong with it."""
    return text("404 Not Found", "There is nothing at this address.")


def gone(line: str) -> Answer:
    """It was here and never comes back; apps stop asking."""
    return text("410 Gone", line)


def forbidden(line: str) -> Answer:
    """Not now, or not here; the line says why."""
    return text("403 Forbidden", line)


def method_not_allowed() -> Answer:
    """Only reading happens here."""
    return text("405 Method Not Allowed", "This address can only be read.", ("Allow", "GET, HEAD"))


def unavailable(request_id: str) -> Answer:
    """A part of the house is down; nothing is lost."""
    return text(
        "503 Service Unavailable",
        "A part of this house does not answer. Try again in a few minutes.",
        ("Retry-After", str(RETRY_SECONDS)),
        (HEADER, request_id),
    )


def broken(request_id: str) -> Answer:
    """A mistake of ours."""
    line = "Something broke on our side. Try again later."
    return text("500 Internal Server Error", line, (HEADER, request_id))
