"""A podcast app as `app.doctor.apps` describes it, with a memory: it polls, announces, downloads.

How the apps differ stands there, with its sources; here is only what all of them do. None of them
downloads a known episode again because its address changed: by its guid it is the same one
(source: gpodder src/gpodder/model.py and AntennaPod's FeedItem update keep what was downloaded).
"""

from dataclasses import dataclass, field
from datetime import datetime

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
        with httpx.Client(headers={"User-Agent": self.app.user_agent}, timeout=30) as client:
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
            for item in reversed(items):
                self._meet(client, item, day)

    def titles(self) -> list[str]:
        return [item.title for item in self.known.values()]

    def _meet(self, client: httpx.Client, item: Item, day: int) -> None:
        name = name_of(self.app, item)
        if name in self.known:
            self.known[name] = item
            return
        if any(looks_like(self.app, item, other) for other in self.known.values()):
            self.lost.append(item.title)
            return
        dates = [known.published_at for known in self.known.values() if known.published_at]
        if is_announced(self.app, item, max(dates, default=None)):
            self.announced.append((day, item.title))
        self.known[name] = item
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
