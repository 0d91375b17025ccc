"""Fetches a small file over https: the certificate of a provider, its confirm address."""

from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLContext, create_default_context
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.errors import CadansError

TIMEOUT_SECONDS: Final = 10
# A certificate with its key is 2 kB.
MAX_BYTES: Final = 64 * 1024

Fetch = Callable[[str], bytes]
"""Answers what lies at an address; raises FetchFailed."""


class FetchFailed(CadansError):
    """The address did not answer, or not with what we can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsFetcher:
    """Fetches over https alone, follows no redirect, reads no more than it needs.

    `context`: whose certificates are believed; None: those that the system believes. `at`: host and
    port to connect to instead of what the name says, for networks where names lead elsewhere.
    """

    context: SSLContext | None = None
    at: tuple[str, int] | None = None

    def __call__(self, url: str) -> bytes:
        """Answer what lies there."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise FetchFailed("only https addresses are fetched")
        target = httpx.URL(url)
        if self.at is not None:
            target = target.copy_with(host=self.at[0], port=self.at[1])
        try:
            with (
                httpx.Client(
                    verify=self.context or create_default_context(), timeout=TIMEOUT_SECONDS
                ) as client,
                client.stream(
                    "GET",
                    target,
                    headers={"Host": parts.hostname},
                    extensions={"sni_hostname": parts.hostname},
                ) as answer,
            ):
                return _read(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchFailed(f"{parts.hostname}: {type(error).__name__}") from error


fetch_https: Final[Fetch] = HttpsFetcher()


def _read(answer: httpx.Response) -> bytes:
    if answer.status_code != 200:  # noqa: PLR2004 (HTTP)
        raise FetchFailed(f"the address answered {answer.status_code}")
    found = bytearray()
    for part in answer.iter_bytes():
        found += part
        if len(found) > MAX_BYTES:
            raise FetchFailed("the answer is too long")
    return bytes(found)
