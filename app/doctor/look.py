"""Looks at a feed and at what it names, as apps would; judges nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.doctor.addresses import mask
from app.doctor.apps import APPS, condition_headers
from app.doctor.document import Asset, Document, Enclosure, Item, NotAFeed, read_document
from app.doctor.errors import FeedUnreachable
from app.doctor.fetch import Answer, Ask, Fetcher
from app.doctor.limits import (
    MOST_ASSET_BYTES,
    MOST_FEED_BYTES,
    NEWEST_ENCLOSURES,
    PIECE_BYTES,
    SOUND_BYTES,
    START_BYTES,
)
from media.limits import MOST_COVER_BYTES

Tell = Callable[[str], None]
"""Told what is being looked at."""

OTHER_TAG: Final = '"cadans-doctor"'


class Try(StrEnum):
    """The ways in which an app may ask whether a feed changed."""

    SAME = "the ETag as it came"
    WEAK = "the ETag with W/ put before it or taken away"
    LISTED = "the ETag in a list"
    ANY = "*"
    OTHER = "another ETag"
    SINCE = "the Last-Modified as it came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be looked at."""

    address: str
    newest: int = NEWEST_ENCLOSURES
    """Recordings beside the first and the last."""
    is_all: bool = False
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSeen:
    """One recording, asked for in every way in which apps ask. None: there was no reason to."""

    item: Item
    enclosure: Enclosure
    head: Answer
    whole: Answer
    """Its beginning, without a range."""
    probe: Answer
    """The first two bytes."""
    middle: Answer | None = None
    rest: Answer | None = None
    """From the second half of `middle` to the end, of which the beginning was read."""
    same_validator: Answer | None = None
    """A range, if the recording is still the one that it was."""
    other_validator: Answer | None = None
    """A range, if the recording is one that it never was."""
    target: Answer | None = None
    """Two bytes, from where the redirect of GET led."""
    resolved: Answer | None = None
    """Two bytes, from where the redirect of HEAD led."""

    @property
    def size_bytes(self) -> int | None:
        """What the server says."""
        return self.whole.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was seen."""

    wanted: Wanted
    feed: Answer
    again: Answer | None = None
    head: Answer | None = None
    tries: Mapping[Try, Answer] = field(default_factory=dict)
    by_app: Mapping[str, Answer] = field(default_factory=dict)
    document: Document | None = None
    document_again: Document | None = None
    problem: NotAFeed | None = None
    """Why there is no document."""
    sounds: tuple[SoundSeen, ...] = ()
    wanted_sounds: int = 0
    """How many recordings were to be looked at; fewer were, when enough had been read."""
    assets: tuple[tuple[Asset, Answer], ...] = ()
    cover: Answer | None = None


def look(fetcher: Fetcher, wanted: Wanted, tell: Tell) -> Seen:
    """Look at a feed and what it names.

    Raises:
        FeedUnreachable: nobody answered.
    """
    tell("the feed")
    feed = fetcher.ask(_feed_ask(wanted))
    if feed.status == 0 and not feed.hops:
        raise FeedUnreachable(mask(wanted.address), feed.trouble)
    document, problem = _read(feed)
    if document is None:
        return Seen(wanted=wanted, feed=feed, problem=problem)
    again = fetcher.ask(_feed_ask(wanted))
    items = chosen(document, wanted)
    return Seen(
        wanted=wanted,
        feed=feed,
        again=again,
        head=fetcher.ask(Ask(url=wanted.address, method="HEAD")),
        tries=_tries(fetcher, wanted, feed, tell),
        by_app=_by_app(fetcher, wanted, feed, tell),
        document=document,
        document_again=_read(again)[0],
        cover=_cover(fetcher, document, tell),
        sounds=tuple(
            _sound(fetcher, item, tell) for item in items if fetcher.has_room_for(SOUND_BYTES)
        ),
        wanted_sounds=len(items),
        assets=_assets(fetcher, items, tell),
    )


def chosen(document: Document, wanted: Wanted) -> list[Item]:
    """Answer the items whose recording is looked at: the first, the last, the newest; or all."""
    items = [item for item in document.items if item.enclosure and item.enclosure.url]
    if wanted.is_all or not items:
        return items
    dated = sorted(
        (item for item in items if item.published_at),
        key=lambda item: (item.published_at, -item.number),
        reverse=True,
    )
    numbers = {items[0].number, items[-1].number}
    numbers |= {item.number for item in dated[: wanted.newest]}
    return [item for item in items if item.number in numbers]


def _feed_ask(wanted: Wanted) -> Ask:
    return Ask(url=wanted.address, headers={"Accept-Encoding": "gzip"}, max_bytes=MOST_FEED_BYTES)


def _read(feed: Answer) -> tuple[Document | None, NotAFeed | None]:
    if feed.trouble:
        return None, NotAFeed("feed.status", feed.trouble)
    if feed.status != 200:  # noqa: PLR2004 - RFC 9110
        return None, NotAFeed("feed.status", f"it answers {feed.status}")
    if feed.is_cut:
        return None, NotAFeed("feed.huge", f"it is over {MOST_FEED_BYTES // 1_000_000} MB")
    try:
        return read_document(feed.body, feed.url), None
    except NotAFeed as problem:
        return None, problem


def _tries(fetcher: Fetcher, wanted: Wanted, feed: Answer, tell: Tell) -> dict[Try, Answer]:
    etag = feed.headers.get("ETag", "")
    modified = feed.headers.get("Last-Modified", "")
    conditions: dict[Try, dict[str, str]] = {}
    if etag:
        weak = etag.removeprefix("W/") if etag.startswith("W/") else f"W/{etag}"
        tags = {
            Try.SAME: etag,
            Try.WEAK: weak,
            Try.LISTED: f"{OTHER_TAG}, {etag}",
            Try.ANY: "*",
            Try.OTHER: OTHER_TAG,
        }
        conditions = {way: {"If-None-Match": tag} for way, tag in tags.items()}
    if modified:
        conditions[Try.SINCE] = {"If-Modified-Since": modified}
    found = {}
    for way, headers in conditions.items():
        tell(f"the feed, with {way}")
        found[way] = fetcher.ask(
            Ask(url=wanted.address, headers={"Accept-Encoding": "gzip", **headers})
        )
    return found


def _by_app(fetcher: Fetcher, wanted: Wanted, feed: Answer, tell: Tell) -> dict[str, Answer]:
    last = {name.lower(): value for name, value in feed.headers.items()}
    found = {}
    for app in APPS:
        tell(f"the feed, as {app.name}")
        headers = {
            "User-Agent": f"{app.user_agent} cadans-doctor",
            "Accept-Encoding": "gzip",
            **condition_headers(app, last, wanted.now),
        }
        found[app.name] = fetcher.ask(Ask(url=wanted.address, headers=headers))
    return found


def _cover(fetcher: Fetcher, document: Document, tell: Tell) -> Answer | None:
    if not document.image:
        return None
    tell("the cover")
    return fetcher.ask(Ask(url=document.image, max_bytes=MOST_COVER_BYTES))


def _assets(fetcher: Fetcher, items: list[Item], tell: Tell) -> tuple[tuple[Asset, Answer], ...]:
    found = []
    for item in items:
        for asset in item.assets if fetcher.has_room_for(MOST_ASSET_BYTES) else ():
            tell(f"{asset.kind} of item {item.number}")
            found.append((asset, fetcher.ask(Ask(url=asset.url, max_bytes=MOST_ASSET_BYTES))))
    return tuple(found)


def _sound(fetcher: Fetcher, item: Item, tell: Tell) -> SoundSeen:
    enclosure = item.enclosures[0]
    tell(f"the audio of item {item.number}")
    head = fetcher.ask(Ask(url=enclosure.url, method="HEAD"))
    whole = fetcher.ask(Ask(url=enclosure.url, max_bytes=START_BYTES))
    probe = _range(fetcher, enclosure.url, "bytes=0-1", PIECE_BYTES)
    seen: dict[str, Answer] = {}
    if whole.hops:
        seen["target"] = _range(fetcher, whole.url, "bytes=0-1", PIECE_BYTES)
    if head.hops:
        seen["resolved"] = _range(fetcher, head.url, "bytes=0-1", PIECE_BYTES)
    if probe.status == 206 and whole.status == 200:  # noqa: PLR2004 - RFC 9110
        seen |= _pieces(fetcher, enclosure.url, whole)
    return SoundSeen(item=item, enclosure=enclosure, head=head, whole=whole, probe=probe, **seen)


def _pieces(fetcher: Fetcher, url: str, whole: Answer) -> dict[str, Answer]:
    """Ask for the middle twice, once as the end of a download that broke off."""
    start = max(0, (whole.length or 0) // 2 - PIECE_BYTES)
    half = start + PIECE_BYTES
    seen = {
        "middle": _range(
            fetcher, url, f"bytes={start}-{start + 2 * PIECE_BYTES - 1}", 2 * PIECE_BYTES
        ),
        "rest": _range(fetcher, url, f"bytes={half}-", PIECE_BYTES),
    }
    etag = whole.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        seen["same_validator"] = _range(fetcher, url, "bytes=0-1", PIECE_BYTES, etag)
        seen["other_validator"] = _range(fetcher, url, "bytes=2-3", PIECE_BYTES, OTHER_TAG)
    return seen


def _range(fetcher: Fetcher, url: str, wanted: str, max_bytes: int, validator: str = "") -> Answer:
    headers = {"Range": wanted, **({"If-Range": validator} if validator else {})}
    return fetcher.ask(Ask(url=url, headers=headers, max_bytes=max_bytes))
