"""A podcast app as `app.doctor.apps` describes it, with a memory: it polls, announces, downloads.

How the apps differ stands there, with its sources; here is what we let all of them do alike. A
known episode is not downloaded again because its address changed: read in the code of AntennaPod
(FeedMedia.java), gPodder (model.py), newsboat (cache.cpp) and of Pocket Casts' phones
(PodcastRefresherImpl.kt, ServerPodcastManager+Update.swift); reported of Podcast Addict; of Apple
and Overcast nothing is public, so there it is judged. (castget does otherwise, its issue 67 says;
it is none of these.) That each download breaks off once and goes on with If-Range is judged too: it
is the most that we know any of them to ask, not what each asks every time.
"""

import ssl
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

import httpx

from app.doctor.apps import (
    App,
    condition_headers,
    is_announced,
    looks_like,
    name_of,
    stored_address,
)
from app.doctor.document import Item, read_document


class PlayRefused(Exception):
    """The app could not do with the audio what it does."""


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: a client that reads them for itself costs more than what it asks."""
    return ssl.create_default_context()


@dataclass(kw_only=True)
class SimulatedApp:
    app: App
    address: str
    known: dict[str, Item] = field(default_factory=dict)
    announced: list[tuple[int, str]] = field(default_factory=list)
    """Day and title of each item that was called new."""
    downloads: list[tuple[str, bytes]] = field(default_factory=list)
    """Title and bytes, in the order in which they came."""
    statuses: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Titles that it forgot, or never showed because it took them for another."""
    _headers: dict[str, str] = field(default_factory=dict)

    def poll(self, day: int, now: datetime) -> None:
        """Ask for news, as on this day, and download what is new."""
        with self._client() as client:
            condition = condition_headers(self.app, self._headers, now)
            answer = client.get(self.address, headers=condition, follow_redirects=True)
            hops = [(hop.status_code, str(hop.next_request.url)) for hop in answer.history
                    if hop.next_request]  # fmt: skip
            self.statuses.append(answer.status_code)
            self.address = stored_address(self.app, self.address, hops)
            if answer.status_code != 200:
                return
            self._headers = {name.lower(): value for name, value in answer.headers.items()}
            items = read_document(answer.content, self.address).items
            self._forget(items)
            newest = self._newest()
            for item in reversed(items):
                if self._is_known(item):
                    continue
                if is_announced(self.app, item, newest):
                    self.announced.append((day, item.title))
                self._take(client, item)

    def titles(self) -> list[str]:
        return [item.title for item in self.known.values()]

    def fetch_again(self, title: str) -> bytes:
        """Download a known episode once more, as after somebody deleted it on her phone."""
        (item,) = [item for item in self.known.values() if item.title == title]
        assert item.enclosure is not None
        with self._client() as client:
            return self._download(client, item.enclosure.url)

    def _client(self) -> httpx.Client:
        headers = {"User-Agent": self.app.user_agent}
        return httpx.Client(headers=headers, timeout=30, verify=_certificates())

    def _newest(self) -> datetime | None:
        """The date that items are old or new by: the newest that it knew before it asked."""
        dates = [known.published_at for known in self.known.values() if known.published_at]
        return max(dates, default=None)

    def _is_known(self, item: Item) -> bool:
        """Whether it has this one; if so, it takes over what changed."""
        name = name_of(self.app, item)
        if name in self.known:
            kept = self.known[name].enclosures
            self.known[name] = (
                replace(item, enclosures=kept) if self.app.keeps_first_address else item
            )
            return True
        if any(looks_like(self.app, item, other) for other in self.known.values()):
            self.lost.append(item.title)
            return True
        return False

    def _take(self, client: httpx.Client, item: Item) -> None:
        self.known[name_of(self.app, item)] = item
        if item.enclosure is not None:
            self.downloads.append((item.title, self._download(client, item.enclosure.url)))

    def _forget(self, items: tuple[Item, ...]) -> None:
        names = {name_of(self.app, item) for item in items}
        downloaded = {title for title, _ in self.downloads}
        for name, item in list(self.known.items()):
            if name not in names and self.app.forgets_vanished and item.title not in downloaded:
                self.lost.append(item.title)
                del self.known[name]

    def _download(self, client: httpx.Client, url: str) -> bytes:
        """Get a recording the way the app does, with one break in the middle if it can resume."""
        if self.app.asks_head_first:
            head = client.head(url, follow_redirects=True)
            if head.status_code != 200:
                raise PlayRefused(f"HEAD {head.status_code}")
            url = str(head.url)
        if self.app.probes_two_bytes:
            probe = client.get(url, headers={"Range": "bytes=0-1"}, follow_redirects=True)
            if probe.status_code != 206 or len(probe.content) != 2:
                raise PlayRefused(f"two bytes {probe.status_code}")
        start = client.get(url, headers={"Range": "bytes=0-99999"}, follow_redirects=True)
        rest = client.get(
            url,
            headers={
                "Range": f"bytes={len(start.content)}-",
                "If-Range": start.headers["ETag"],
            },
            follow_redirects=True,
        )
        if (start.status_code, rest.status_code) != (206, 206):
            raise PlayRefused(f"pieces {start.status_code}, {rest.status_code}")
        return start.content + rest.content
