"""A feed and what is in it: frozen values that refuse what no podcast app could read.

Texts are plain unless said otherwise; addresses are complete and ASCII; instants know their zone.
Everything raises ImpossibleValue when it is built from something impossible.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from feeds.categories import COURSES, Category
from feeds.errors import ImpossibleValue
from feeds.limits import (
    MAX_CONTENT_BYTES,
    MAX_DESCRIPTION_BYTES,
    MAX_PODCAST_TEXT_CHARACTERS,
)
from feeds.text import (
    clean,
    require_address,
    require_at_least,
    require_bytes,
    require_image,
    require_instant,
    require_language,
    require_media_type,
    require_notes_markup,
    require_text,
)


class Medium(StrEnum):
    """What a feed is, in the words of podcast:medium."""

    COURSE = "course"
    PODCAST = "podcast"


class EpisodeType(StrEnum):
    """What an item is, in the words of itunes:episodeType."""

    FULL = "full"
    TRAILER = "trailer"
    BONUS = "bonus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """The audio of an item: where it is, its exact size, its media type such as audio/mpeg."""

    url: str
    length: int
    type: str

    def __post_init__(self) -> None:
        require_address(self, "url")
        require_at_least(self, "length", 1)
        require_media_type(self, "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The words of an item as a file; `language` None means the feed's own."""

    url: str
    type: str = "text/vtt"
    language: str | None = None

    def __post_init__(self) -> None:
        require_address(self, "url")
        require_media_type(self, "type")
        if self.language is not None:
            require_language(self, "language")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be heard; `role` as in the Podcasting 2.0 list, host when not said."""

    name: str
    role: str | None = None
    url: str | None = None
    image_url: str | None = None

    def __post_init__(self) -> None:
        require_text(self, "name", limit=MAX_PODCAST_TEXT_CHARACTERS)
        require_address(self, "url")
        require_address(self, "image_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """Where to support the course, and the words on that button."""

    url: str
    text: str

    def __post_init__(self) -> None:
        require_address(self, "url")
        require_text(self, "text", limit=MAX_PODCAST_TEXT_CHARACTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom a directory writes to about a public feed; a private feed never has one."""

    name: str
    email: str

    def __post_init__(self) -> None:
        require_text(self, "name")
        require_text(self, "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFrequency:
    """How often something new comes: in words, and as an RFC 5545 rule when there is one."""

    text: str
    rrule: str | None = None

    def __post_init__(self) -> None:
        require_text(self, "text", limit=MAX_PODCAST_TEXT_CHARACTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One lesson in a feed, or a message about the feed itself.

    `title` has no number in it: apps show `episode`. `description` is HTML of at most 4000 bytes
    with p, ol, ul, li, a, b, i, strong and em only; `content` the longer HTML for apps that read
    it. Without an `enclosure` an item is text only: AntennaPod, newsboat and feed readers show it,
    Apple Podcasts and most players pass over it, so a message must reach her by mail too.
    """

    guid: str
    title: str
    description: str
    pub_at: datetime
    content: str | None = None
    link: str | None = None
    enclosure: Enclosure | None = None
    duration_seconds: int | None = None
    episode: int | None = None
    season: int | None = None
    episode_type: EpisodeType = EpisodeType.FULL
    is_explicit: bool = False
    image_url: str | None = None
    transcripts: tuple[Transcript, ...] = ()
    chapters_url: str | None = None
    persons: tuple[Person, ...] = ()

    def __post_init__(self) -> None:
        require_text(self, "guid")
        require_text(self, "title")
        require_text(self, "description", limit=MAX_DESCRIPTION_BYTES)
        require_bytes(self, "description", limit=MAX_DESCRIPTION_BYTES)
        require_notes_markup(self, "description")
        require_bytes(self, "content", limit=MAX_CONTENT_BYTES)
        require_instant(self, "pub_at")
        for field in ("link", "image_url", "chapters_url"):
            require_address(self, field)
        require_image(self, "image_url")
        require_at_least(self, "duration_seconds", 0)
        require_at_least(self, "episode", 1)
        require_at_least(self, "season", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The RSS document of one subscription, or of a public course.

    `description` is plain text of at most 4000 bytes. `podcast_guid` is the subscription's
    (`feeds.identity`), or the public course's. `items` come newest first, each guid once.
    `is_complete`: nothing will ever follow; apps stop polling. `new_feed_url`: where a public feed
    went; a private one is never sent elsewhere.
    """

    self_url: str
    link: str
    title: str
    description: str
    language: str
    author: str
    image_url: str
    podcast_guid: UUID
    is_private: bool
    last_build_at: datetime
    category: Category = COURSES
    is_explicit: bool = False
    is_serial: bool = True
    is_complete: bool = False
    medium: Medium = Medium.COURSE
    update_frequency: UpdateFrequency | None = None
    funding: tuple[Funding, ...] = ()
    persons: tuple[Person, ...] = ()
    owner: Owner | None = None
    new_feed_url: str | None = None
    items: tuple[Item, ...] = ()

    def __post_init__(self) -> None:
        for field in ("self_url", "link", "image_url", "new_feed_url"):
            require_address(self, field)
        require_image(self, "image_url")
        for field in ("title", "author"):
            require_text(self, field)
        require_text(self, "description", limit=MAX_DESCRIPTION_BYTES)
        require_bytes(self, "description", limit=MAX_DESCRIPTION_BYTES)
        require_language(self, "language")
        require_instant(self, "last_build_at")
        self._refuse_what_would_leak()
        self._refuse_muddled_items()

    def _refuse_what_would_leak(self) -> None:
        if self.is_private and self.owner is not None:
            raise ImpossibleValue("Feed", "owner", "has no place in a private feed")
        if self.is_private and self.new_feed_url is not None:
            raise ImpossibleValue("Feed", "new_feed_url", "has no place in a private feed")

    def _refuse_muddled_items(self) -> None:
        dates = [item.pub_at for item in self.items]
        if dates != sorted(dates, reverse=True):
            raise ImpossibleValue("Feed", "items", "are not newest first")
        if len({clean(item.guid) for item in self.items}) != len(self.items):
            raise ImpossibleValue("Feed", "items", "share a guid")
        if len({clean(item.title).casefold() for item in self.items}) != len(self.items):
            raise ImpossibleValue("Feed", "items", "share a title")
