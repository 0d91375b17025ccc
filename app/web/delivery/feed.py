"""`/f/<token>.xml`: the feed of one subscription."""

import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy.exc import DBAPIError

from app.db.standing import DatabaseUnreachable, Standing
from app.services import polls
from app.services.apps import app_named
from app.services.feeds import ServedCourse
from app.services.fetches import CLOSED, FEED, FetchKey
from app.services.polls import FeedView
from app.web.delivery import answers
from app.web.delivery.answers import Answer, Headers
from app.web.delivery.counting import caller_of
from app.web.delivery.door import Parts
from feeds.conditional import matches
from feeds.limits import TOKEN_LENGTH
from feeds.tokens import FeedToken, VerifiedToken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_START: Final = len("/f/")
_END: Final = _START + TOKEN_LENGTH
_SUFFIX: Final = ".xml"
# One step costs a fifth of the usual six and makes a feed of four lessons 5 % bigger.
_GZIP_LEVEL: Final = 1
# zlib: 16 added to the window's bits writes a gzip header, with no time in it.
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS

# No Last-Modified: AntennaPod prefers it, and sends no condition once it is three days old.
# What a 304 repeats beside the ETag (RFC 9110 section 15.4.5); the rest came with the document.
_KEPT: Final[Headers] = [("Cache-Control", "private, no-cache"), ("Vary", "Accept-Encoding")]
_HEADERS: Final[Headers] = [
    *_KEPT,
    ("X-Robots-Tag", "noindex"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]
_TYPE: Final = ("Content-Type", "application/rss+xml; charset=utf-8")


class _Seen(NamedTuple):
    """What one poll finds; `is_known`: its sender has all of it already."""

    standing: Standing
    course: ServedCourse
    now: datetime
    view: FeedView
    etag: str
    is_known: bool


class FeedDoor:
    """Answers polls. Nearly all of them get 304, and nothing is rendered for those."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._base_url = parts.house.settings.base_url

    def answer(self, environ: "WSGIEnvironment") -> Answer:
        """Answer one poll."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return answers.method_not_allowed()
        path: str = environ["PATH_INFO"]
        token = self._parts.find_token(path[_START:_END]) if path[_END:] == _SUFFIX else None
        if token is None:
            return answers.not_found()
        return self._answer(token, FeedToken(path[_START:_END]), environ)

    def _answer(self, token: VerifiedToken, text: FeedToken, environ: "WSGIEnvironment") -> Answer:
        asked = environ.get("HTTP_IF_NONE_MATCH")
        is_get = environ["REQUEST_METHOD"] == "GET"

        def see(standing: Standing, course: ServedCourse) -> _Seen:
            now = self._parts.now()
            view = polls.look(standing, course, now)
            etag = polls.etag_of(view, standing, course, self._base_url)
            is_known = matches(asked, etag)
            self._parts.memory.keep(token.random_id, standing, now)
            if is_known and is_get:
                self._count(standing, environ, now, size=0)
            return _Seen(standing, course, now, view, etag, is_known)

        try:
            seen = self._parts.look(token, see)
        except (DatabaseUnreachable, DBAPIError):
            seen = self._recall(token, environ)
            if seen is None:
                raise
        if seen is None:
            return self._no_more(token)
        if seen.is_known:
            return Answer("304 Not Modified", [("ETag", seen.etag), *_KEPT], ())
        body = polls.render_feed_of(seen.view, seen.standing, seen.course, text)
        if is_get:
            self._count(seen.standing, environ, seen.now, size=len(body))
        return _whole(body, seen.etag, environ)

    def _no_more(self, token: VerifiedToken) -> Answer:
        """Answer for a genuine token without a standing."""
        self._parts.memory.forget(token.random_id)
        if self._parts.is_erased(token):
            return answers.gone("This feed was erased.")
        return answers.not_found()

    def _recall(self, token: VerifiedToken, environ: "WSGIEnvironment") -> _Seen | None:
        """Answer what a poll found when the database was last asked, exactly as it was then."""
        recalled = self._parts.recall(token)
        if recalled is None:
            return None
        (standing, at), course = recalled
        now = self._parts.now()
        view = polls.look(standing, course, at)
        etag = polls.etag_of(view, standing, course, self._base_url)
        is_known = matches(environ.get("HTTP_IF_NONE_MATCH"), etag)
        if is_known and environ["REQUEST_METHOD"] == "GET":
            self._count(standing, environ, now, size=0)
        return _Seen(standing, course, now, view, etag, is_known)

    def _count(
        self, standing: Standing, environ: "WSGIEnvironment", now: datetime, *, size: int
    ) -> None:
        """Count a fetch of `size` bytes; of none, it was answered 304."""
        app = app_named(environ.get("HTTP_USER_AGENT", ""))
        is_closed = standing.retired_at is not None
        resource = CLOSED if is_closed else FEED
        status = 200 if size else 304
        key = FetchKey(standing.subscription_id, now.date(), resource, app, status)
        caller = None if is_closed else caller_of(environ)
        self._parts.counter.count(key, at=now, size=size, caller=caller)


def _whole(body: bytes, etag: str, environ: "WSGIEnvironment") -> Answer:
    headers = [("ETag", etag), _TYPE, *_HEADERS]
    if accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        body = packer.compress(body) + packer.flush()
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    return Answer("200 OK", headers, (body,))


def accepts_gzip(header: str) -> bool:
    """Tell whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3).

    Named with a weight over nought; `*` counts for what is not named, so it is not taken as asking.
    """
    if "gzip" not in header:
        return False
    for part in header.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() in {"gzip", "x-gzip"}:
            return weight.strip().replace(" ", "").rstrip("0") not in {"q=", "q=0.", "q=."}
    return False
