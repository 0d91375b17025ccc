"""A feed as a value: read with lxml without entities, DTDs or network; nothing is judged here."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin

from lxml import etree

ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST: Final = "https://podcastindex.org/namespace/1.0"
_PODCAST_OLD: Final = "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"
ATOM: Final = "http://www.w3.org/2005/Atom"
CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_MOST_DIGITS: Final = 15
_ENTITY: Final = re.compile(rb"<!ENTITY", re.IGNORECASE)
_HTML: Final = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)


class NotAFeed(Exception):
    """What came is no RSS that apps can read; `code` names the check that says so."""

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """The audio of an item, as the feed has it."""

    url: str
    type: str
    length: int | None
    """None: missing, or no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A transcript or the chapters of an item."""

    kind: str
    url: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item as the feed has it; an empty text means that the tag is missing or empty."""

    number: int
    """Its place in the document, from 1."""
    title: str
    guid: str
    is_guid_address: bool
    """guid says, or leaves it to be believed, that it is a permanent link."""
    date_text: str
    published_at: datetime | None
    """None: missing, or not readable."""
    description: str
    duration: str
    explicit: str
    enclosures: tuple[Enclosure, ...]
    assets: tuple[Asset, ...]

    @property
    def enclosure(self) -> Enclosure | None:
        """The audio that apps take: the first."""
        return self.enclosures[0] if self.enclosures else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One feed as it came."""

    title: str
    description: str
    link: str
    language: str
    author: str
    explicit: str
    image: str
    type: str
    categories: tuple[tuple[str, str], ...]
    """Category and subcategory; the latter may be empty."""
    self_url: str
    guid: str
    medium: str
    locked: str
    owner_email: str
    new_address: str
    is_blocked_itunes: bool
    is_blocked_podcast: bool
    is_complete: bool
    items: tuple[Item, ...]

    @property
    def says_private(self) -> bool:
        """It asks directories to leave it alone."""
        return self.is_blocked_itunes or self.is_blocked_podcast


def read_document(body: bytes, base: str) -> Document:
    """Read RSS; relative addresses become whole ones with `base`.

    Raises:
        NotAFeed: it is something else, broken, or dangerous.
    """
    if not body.strip():
        raise NotAFeed("feed.xml", "the answer is empty")
    if _HTML.match(body.removeprefix(b"\xef\xbb\xbf")):
        raise NotAFeed("feed.xml", "a web page came instead of a feed")
    if _ENTITY.search(body[:100_000]):
        raise NotAFeed(
            "feed.entities", "it defines entities of its own, which apps refuse as dangerous"
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotAFeed("feed.xml", f"it is no valid XML: {error}") from error
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        name = etree.QName(root).localname
        raise NotAFeed("feed.rss", f"it is XML but no RSS: its outermost tag is {name!r}")
    return _document(channel, base)


def read_number(text: str) -> int | None:
    """Answer a number as people write it; None: it is none, or longer than any that is meant."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _document(channel: etree._Element, base: str) -> Document:
    image = channel.find(f"{{{ITUNES}}}image")
    return Document(
        title=_text(channel, "title"),
        description=_text(channel, "description"),
        link=_text(channel, "link"),
        language=_text(channel, "language"),
        author=_itunes(channel, "author"),
        explicit=_itunes(channel, "explicit"),
        image="" if image is None else _join(base, image.get("href", "")),
        type=_itunes(channel, "type"),
        categories=tuple(_categories(channel)),
        self_url=_self_url(channel),
        guid=_podcast(channel, "guid"),
        medium=_podcast(channel, "medium"),
        locked=_podcast(channel, "locked"),
        owner_email=_text(channel, f"{{{ITUNES}}}owner/{{{ITUNES}}}email"),
        new_address=_itunes(channel, "new-feed-url"),
        is_blocked_itunes=_itunes(channel, "block").lower() == "yes",
        is_blocked_podcast=_podcast(channel, "block").lower() == "yes",
        is_complete=_itunes(channel, "complete").lower() == "yes",
        items=tuple(
            _item(item, number, base) for number, item in enumerate(channel.findall("item"), 1)
        ),
    )


def _item(item: etree._Element, number: int, base: str) -> Item:
    guid = item.find("guid")
    date_text = _text(item, "pubDate")
    return Item(
        number=number,
        title=_text(item, "title") or _itunes(item, "title"),
        guid=_text(item, "guid"),
        is_guid_address=guid is not None and guid.get("isPermaLink", "true").lower() == "true",
        date_text=date_text,
        published_at=_instant(date_text),
        description=_text(item, "description") or _text(item, f"{{{CONTENT}}}encoded"),
        duration=_itunes(item, "duration"),
        explicit=_itunes(item, "explicit"),
        enclosures=tuple(_enclosure(found, base) for found in item.findall("enclosure")),
        assets=tuple(
            _asset(found, base)
            for name in ("transcript", "chapters")
            for space in (PODCAST, _PODCAST_OLD)
            for found in item.findall(f"{{{space}}}{name}")
        ),
    )


def _enclosure(found: etree._Element, base: str) -> Enclosure:
    length = found.get("length", "").strip()
    return Enclosure(
        url=_join(base, found.get("url", "")),
        type=found.get("type", "").strip().lower(),
        length=read_number(length),
    )


def _asset(found: etree._Element, base: str) -> Asset:
    return Asset(
        kind=etree.QName(found).localname,
        url=_join(base, found.get("url", "")),
        type=found.get("type", "").partition(";")[0].strip().lower(),
    )


def _categories(channel: etree._Element) -> list[tuple[str, str]]:
    found = []
    for category in channel.findall(f"{{{ITUNES}}}category"):
        inner = category.find(f"{{{ITUNES}}}category")
        name = "" if inner is None else inner.get("text", "")
        found.append((category.get("text", ""), name))
    return found


def _self_url(channel: etree._Element) -> str:
    links = channel.findall(f"{{{ATOM}}}link")
    return next((link.get("href", "") for link in links if link.get("rel") == "self"), "")


def _itunes(parent: etree._Element, name: str) -> str:
    return _text(parent, f"{{{ITUNES}}}{name}")


def _podcast(parent: etree._Element, name: str) -> str:
    return _text(parent, f"{{{PODCAST}}}{name}") or _text(parent, f"{{{_PODCAST_OLD}}}{name}")


def _text(parent: etree._Element, path: str) -> str:
    found = parent.find(path)
    return "" if found is None else "".join(str(text) for text in found.itertext()).strip()


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url.strip()) if url.strip() else ""
    except ValueError:
        return url


def _instant(text: str) -> datetime | None:
    """An RFC 2822 date; one without a zone is read as UTC, as apps do."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
