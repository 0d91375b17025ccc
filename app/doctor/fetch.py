"""Asks another server, politely: every answer is cut off at a size, a time and a sum of bytes."""

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urljoin

import httpx

from app.doctor.addresses import may_follow
from app.doctor.document import read_number
from app.doctor.limits import MOST_REDIRECTS, MOST_TOTAL_BYTES, REQUEST_SECONDS
from app.version import __version__

OWN_NAME: Final = f"cadans-doctor/{__version__}"
_GZIP: Final = 31  # zlib: a gzip header, the largest window
_MOVED: Final = {301, 302, 303, 307, 308}
PERMANENT: Final = {301, 308}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `max_bytes` counts after unpacking; reading stops there."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One redirect, and where it leads."""

    status: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `trouble` says in words why nothing useful did; then `status` may be 0."""

    asked: str
    url: str
    """Who answered in the end."""
    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    hops: tuple[Hop, ...] = ()
    is_cut: bool = False
    """There is more than was read."""
    seconds: float = 0.0
    trouble: str = ""

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in small letters."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    @property
    def length(self) -> int | None:
        """The Content-Length; None: it is not there, or no number."""
        return read_number(self.headers.get("Content-Length", ""))


class Fetcher:
    """Asks one thing after the other, and keeps neither cookies nor more than was agreed."""

    def __init__(
        self, *, request_seconds: float = REQUEST_SECONDS, most_bytes: int = MOST_TOTAL_BYTES
    ) -> None:
        self._request_seconds = request_seconds
        self._bytes_left = most_bytes
        self._client = httpx.Client(timeout=request_seconds, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def has_room_for(self, count: int) -> bool:
        """Tell whether so many bytes may still be read."""
        return self._bytes_left >= count

    def ask(self, ask: Ask) -> Answer:
        """Answer what came back, redirects followed. Never raises for what the other side does."""
        started = time.monotonic()
        hops: list[Hop] = []
        url = ask.url
        while True:
            answer = self._ask_once(ask, url, started)
            target = _target(answer)
            if not target or answer.trouble:
                return _with_way(answer, ask, hops, time.monotonic() - started)
            hops.append(Hop(status=answer.status, url=target))
            url = target
            if trouble := _refusal(hops):
                lost = Answer(asked=ask.url, url=url, trouble=trouble)
                return _with_way(lost, ask, hops, time.monotonic() - started)

    def _ask_once(self, ask: Ask, url: str, started: float) -> Answer:
        headers = {
            "User-Agent": OWN_NAME,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **ask.headers,
        }
        if self._bytes_left <= 0:
            return Answer(asked=url, url=url, trouble="the look had read enough and stopped")
        try:
            with self._client.stream(ask.method, url, headers=headers) as response:
                raw, is_cut = self._read(response, ask, started)
        except httpx.TimeoutException:
            return Answer(asked=url, url=url, trouble=self._too_slow())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, UnicodeError) as error:
            return Answer(asked=url, url=url, trouble=_plain(error))
        finally:
            self._client.cookies.clear()
        return _unpacked(url, response, raw, ask.max_bytes, is_cut=is_cut)

    def _read(self, response: httpx.Response, ask: Ask, started: float) -> tuple[bytes, bool]:
        """Answer what came, packed as it was, and whether there was more.

        Raises:
            httpx.ReadTimeout: it drips so slowly that it would never end.
        """
        raw = bytearray()
        if ask.method == "HEAD" or ask.max_bytes == 0 or response.status_code in _MOVED:
            return b"", False
        for chunk in response.iter_raw(8192):
            raw += chunk
            self._bytes_left -= len(chunk)
            if time.monotonic() - started > self._request_seconds:
                raise httpx.ReadTimeout(self._too_slow())
            if len(raw) > ask.max_bytes or self._bytes_left <= 0:
                return bytes(raw[: ask.max_bytes]), True
        return bytes(raw), False

    def _too_slow(self) -> str:
        return f"no complete answer within {self._request_seconds:g} seconds"


def _refusal(hops: list[Hop]) -> str:
    """Why a redirect is not followed; empty when it is."""
    if not may_follow(hops[-1].url):
        return "it redirects to something that is no web address"
    if len(hops) > MOST_REDIRECTS:
        return f"it redirects more than {MOST_REDIRECTS} times"
    return ""


def _target(answer: Answer) -> str:
    location = str(answer.headers.get("Location", ""))
    if answer.status not in _MOVED or not location:
        return ""
    try:
        return str(urljoin(answer.url, location))
    except ValueError:
        return location


def _with_way(answer: Answer, ask: Ask, hops: list[Hop], seconds: float) -> Answer:
    return Answer(
        asked=ask.url,
        url=answer.url,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        hops=tuple(hops),
        is_cut=answer.is_cut,
        seconds=seconds,
        trouble=answer.trouble,
    )


def _unpacked(
    url: str, response: httpx.Response, raw: bytes, max_bytes: int, *, is_cut: bool
) -> Answer:
    """The answer, its body unpacked to no more than was agreed: a small body may be a bomb."""
    body, trouble = raw, ""
    if response.headers.get("Content-Encoding", "").lower() == "gzip" and raw:
        unpacker = zlib.decompressobj(_GZIP)
        try:
            body = unpacker.decompress(raw, max_bytes)
            is_cut = is_cut or bool(unpacker.unconsumed_tail)
        except zlib.error:
            trouble = "it says that it is gzip, and is not"
    return Answer(
        asked=url,
        url=url,
        status=response.status_code,
        headers=response.headers,
        body=body,
        is_cut=is_cut,
        trouble=trouble,
    )


def _plain(error: Exception) -> str:
    """What went wrong, without the address that may stand in the library's own words."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"its certificate is not trusted ({text.rpartition(': ')[2]})"
    if isinstance(error, httpx.ConnectError):
        return "nobody listens there, or its name is not known"
    if isinstance(error, httpx.RemoteProtocolError):
        return "it broke off in the middle of its answer, or does not speak HTTP"
    return f"it cannot be asked ({type(error).__name__})"
