"""A small host of podcasts that does everything right, and one thing wrong when it is told to.

It is a real server on a real port; nothing of the application is in it.
"""

import gzip
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Final

from tests.parts.pictures import a_jpeg
from tests.parts.serving import QuietServer, serving

SIZE_BYTES: Final = 60_000
FEED_TYPE: Final = "application/rss+xml; charset=utf-8"
_NOISE: Final = random.Random(11)  # noqa: S311 - the same bytes in every run
AUDIO: Final = {
    f"{number}.mp3": b"ID3\x04\0\0\0\0\0\0" + _NOISE.randbytes(SIZE_BYTES - 10) for number in (1, 2)
}
COVER: Final = a_jpeg(1500)
TEXTS: Final = {
    "vtt": ("text/vtt; charset=utf-8", b"WEBVTT\n"),
    "json": ("application/json+chapters", b'{"version": "1.2.0", "chapters": []}'),
}
ITEM: Final = """
<item><title>Les {n}</title><guid isPermaLink="false">les-{n}-uuid</guid>
<pubDate>Mon, 0{n} Jun 2026 06:00:00 +0000</pubDate><description>Notes</description>
<enclosure url="{base}/{n}.mp3" length="60000" type="audio/mpeg"/>
<itunes:duration>{n}00</itunes:duration><itunes:explicit>false</itunes:explicit>
<podcast:transcript url="{base}/{n}.vtt" type="text/vtt"/>
<podcast:chapters url="{base}/{n}.json" type="application/json+chapters"/></item>"""
CHANNEL: Final = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>A course</title><description>About it</description><link>https://example.org/</link>
<language>nl</language><itunes:author>Ada</itunes:author><itunes:explicit>false</itunes:explicit>
<itunes:image href="{base}/cover.jpg"/>
<itunes:category text="Education"><itunes:category text="Courses"/></itunes:category>
<atom:link rel="self" href="{base}/feed.xml" type="application/rss+xml"/>
{items}</channel></rss>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    base: str
    """The site's own address."""
    name: str
    query: str
    headers: dict[str, str]
    """By their names in small letters."""
    count: int
    """How often this name was asked for before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, **headers: str) -> "Reply":
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers=self.headers | more)

    def without(self, name: str) -> "Reply":
        return replace(self, headers={k: v for k, v in self.headers.items() if k != name})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is wrong with one site: nothing, unless it is given."""

    document: Callable[[str], str] = lambda text: text
    before: Callable[[Request], Reply | None] = lambda _: None
    """Answers in place of the good host."""
    after: Callable[[Request, Reply], Reply] = lambda _, reply: reply
    """Changes what the good host answers."""
    files: dict[str, bytes] = field(default_factory=dict)
    """In place of its own."""


@dataclass(frozen=True, slots=True)
class Host:
    server: QuietServer
    sites: dict[str, Site]
    counts: dict[tuple[str, str], int]

    def put(self, name: str, site: Site) -> str:
        """Put up a site; answer the address of its feed."""
        self.sites[name] = site
        return f"http://127.0.0.1:{self.server.server_port}/{name}/feed.xml"


@contextmanager
def feed_host() -> Iterator[Host]:
    sites: dict[str, Site] = {}
    counts: dict[tuple[str, str], int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # an answer in one piece: two would wait for each other
        wbufsize = 1 << 17
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            _, site_name, rest = self.path.split("/", 2)
            name, _, query = rest.partition("?")
            base = f"http://{self.headers['Host']}/{site_name}"
            count = counts.get((site_name, name), 0)
            counts[site_name, name] = count + 1
            request = Request(
                method=self.command,
                base=base,
                name=name,
                query=query,
                headers={key.lower(): value for key, value in self.headers.items()},
                count=count,
            )
            site = sites[site_name]
            reply = site.before(request) or site.after(request, good_reply(request, site))
            self._send(reply)

        do_HEAD = do_GET  # noqa: N815 - the standard library's name

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            headers = {"Content-Length": str(len(reply.body))} | reply.headers
            if reply.status == 304:
                headers.pop("Content-Length")
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD" and reply.status != 304:
                self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield Host(server, sites, counts)


def good_reply(request: Request, site: Site) -> Reply:
    """What a host answers that does everything right."""
    name = request.name
    if name in site.files:
        return _sound(request, site.files[name])
    if name in AUDIO:
        return _sound(request, AUDIO[name])
    if name == "feed.xml":
        return _feed(request, site)
    if name == "cover.jpg":
        return Reply(headers={"Content-Type": "image/jpeg"}, body=COVER)
    media_type, body = TEXTS.get(name.rpartition(".")[2], ("", b""))
    if body:
        return Reply(headers={"Content-Type": media_type}, body=body)
    return Reply(status=404, headers={"Content-Type": "text/plain"}, body=b"nothing here\n")


def _feed(request: Request, site: Site) -> Reply:
    items = "".join(ITEM.format(n=number, base=request.base) for number in (2, 1))
    text = site.document(CHANNEL.format(items=items, base=request.base))
    body = text.replace("COUNT", str(request.count)).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "Content-Type": FEED_TYPE,
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "X-Robots-Tag": "noindex",
        "Vary": "Accept-Encoding",
    }
    asked = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    if asked == "*" or etag in tags:
        return Reply(status=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body)
    return Reply(headers=headers, body=body)


def _sound(request: Request, content: bytes) -> Reply:
    etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"Content-Type": "audio/mpeg", "Accept-Ranges": "bytes", "ETag": etag}
    wanted = request.headers.get("range", "")
    if not wanted or request.headers.get("if-range", etag) != etag:
        return Reply(headers=headers, body=content)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(content)), len(content) - 1)
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return Reply(status=206, headers=headers, body=content[start : end + 1])
