"""A course rendered once, then filled in per subscription: token, identity, unlocks, dates.

Rendering costs milliseconds, filling in microseconds. Both give the same bytes; a property test
holds them together.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from html import escape
from typing import Final
from uuid import UUID

from feeds.errors import MissingLesson, MissingMessage
from feeds.messages import (
    GUID_PLACEHOLDER,
    NOTE_PLACEHOLDER,
    Message,
    TurnKind,
    fill_in,
    guid_of,
    note_html,
)
from feeds.model import Feed, Item
from feeds.rss import render_feed
from feeds.tokens import FeedToken

TOKEN_PLACEHOLDER: Final = FeedToken(secrets.token_hex(20))
"""Stands where the token goes in the addresses of a template.

New in every process, so that no text of a course can contain it, by accident or on purpose.
"""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_END: Final = b"</channel></rss>"
_ITEM: Final = b"<item>"
_GUID: Final = GUID_PLACEHOLDER.encode()
_NOTE: Final = NOTE_PLACEHOLDER.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What is one subscription's own in its feed.

    `lessons`: (lesson id, pub_at) of what is unlocked. `messages`: what the feed says of itself.
    `token` None for a public course, whose addresses hold none.
    """

    token: FeedToken | None
    podcast_guid: UUID
    last_build_at: datetime
    lessons: tuple[tuple[int, datetime], ...] = ()
    messages: tuple[Message, ...] = ()
    is_complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTemplate:
    """The feed of a course, with TOKEN_PLACEHOLDER in every address that holds a token.

    What `Filling` holds is ignored in `channel` and in the items. `lessons`: by lesson id, every
    lesson that somebody may have. `messages`: by kind, what feeds of the course may say of
    themselves (`feeds.messages.message_items`); a public course has none.
    """

    channel: Feed
    lessons: Mapping[int, Item]
    messages: Mapping[TurnKind, Item] = field(default_factory=dict)

    def feed_for(self, filling: Filling) -> Feed:
        """Return the feed of one subscription as a value: what filling in must be equal to.

        Raises:
            MissingLesson: an unlocked lesson is not in the template.
            MissingMessage: nor is what the feed says of itself.
        """
        items = [_dated(self._lesson(number), pub_at) for number, pub_at in filling.lessons]
        items += [
            fill_in(self._message(message.kind), message, filling.podcast_guid)
            for message in filling.messages
        ]
        items = [_with_token(item, filling.token) for item in items]
        return replace(
            self.channel,
            self_url=_put(self.channel.self_url, filling.token),
            podcast_guid=filling.podcast_guid,
            last_build_at=filling.last_build_at,
            is_complete=filling.is_complete,
            items=tuple(sorted(items, key=_pub_at, reverse=True)),
        )

    def _lesson(self, lesson_id: int) -> Item:
        if lesson_id not in self.lessons:
            raise MissingLesson(lesson_id)
        return self.lessons[lesson_id]

    def _message(self, kind: TurnKind) -> Item:
        if kind not in self.messages:
            raise MissingMessage(kind)
        return self.messages[kind]


_Text = tuple[bytes, ...]
"""Rendered bytes in the pieces between which the token goes."""

_Item = tuple[_Text, _Text]
"""An item before and after the text of its pubDate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCourse:
    """A template ready to be filled in; make it with `compile_course`."""

    _running: tuple[_Text, _Text, _Text]
    _complete: tuple[_Text, _Text, _Text]
    _lessons: Mapping[int, _Item]
    _messages: Mapping[TurnKind, _Item]

    def fill(self, filling: Filling) -> bytes:
        """Return the feed of one subscription, byte for byte as feedgen would render it.

        Raises:
            MissingLesson: an unlocked lesson is not in the template.
            MissingMessage: nor is what the feed says of itself.
        """
        with_token = (filling.token or "").encode().join
        head, middle, tail = self._complete if filling.is_complete else self._running
        pieces = [
            with_token(head),
            rfc2822(filling.last_build_at),
            with_token(middle),
            str(filling.podcast_guid).encode(),
            with_token(tail),
        ]
        for pub_at, (before, after) in self._items(filling):
            pieces += (with_token(before), rfc2822(pub_at), with_token(after))
        pieces.append(_END)
        return b"".join(pieces)

    def _items(self, filling: Filling) -> list[tuple[datetime, _Item]]:
        try:
            items = [(pub_at, self._lessons[number]) for number, pub_at in filling.lessons]
        except KeyError as error:
            raise MissingLesson(error.args[0]) from error
        items += [(each.pub_at, self._message(each, filling)) for each in filling.messages]
        items.sort(key=_first, reverse=True)
        return items

    def _message(self, message: Message, filling: Filling) -> _Item:
        """Return a message of this course, with what is one subscription's own put in."""
        if message.kind not in self._messages:
            raise MissingMessage(message.kind)
        guid = guid_of(message, filling.podcast_guid).encode()
        # once more, because a description is HTML inside XML
        note = escape(note_html(message), quote=False).encode()
        before, after = (
            tuple(piece.replace(_GUID, guid).replace(_NOTE, note) for piece in pieces)
            for pieces in self._messages[message.kind]
        )
        return before, after


def compile_course(template: CourseTemplate) -> CompiledCourse:
    """Render a course by feedgen, once per revision, and cut it open where values go."""
    numbers = list(template.lessons)
    channel = replace(template.channel, is_complete=False, items=())
    items = _render_items(channel, list(template.lessons.values()))
    return CompiledCourse(
        _running=_cut_channel(channel),
        _complete=_cut_channel(replace(channel, is_complete=True)),
        _lessons=dict(zip(numbers, items, strict=True)),
        _messages={
            # each by itself: they share a guid until they are filled in
            kind: _render_items(channel, [message])[0]
            for kind, message in template.messages.items()
        },
    )


def rfc2822(instant: datetime) -> bytes:
    """Return an instant as feedgen writes dates, in UTC, at a fraction of the cost."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return _day(utc.date()) + _clock(utc.time())


@lru_cache(maxsize=4096)
def _day(day: date) -> bytes:
    weekday, month = _DAYS[day.weekday()], _MONTHS[day.month - 1]
    return f"{weekday}, {day.day:02} {month} {day.year:04} ".encode()


@lru_cache(maxsize=4096)
def _clock(clock: time) -> bytes:
    """The lessons of one subscription mostly unlock at the same time of day."""
    return f"{clock:%H:%M:%S} +0000".encode()


def _cut_channel(channel: Feed) -> tuple[_Text, _Text, _Text]:
    """Return the document up to its items: before and after lastBuildDate, and after the guid.

    Text is escaped, so a tag written out can only be the tag itself.
    """
    document = render_feed(channel).removesuffix(_END)
    head, rest = _cut_element(document, b"lastBuildDate")
    middle, tail = _cut_element(rest, b"podcast:guid")
    return _cut_token(head), _cut_token(middle), _cut_token(tail)


def _render_items(channel: Feed, items: list[Item]) -> list[_Item]:
    """Return items as they stand in a document of this channel, cut open."""
    dated = tuple(replace(item, pub_at=channel.last_build_at) for item in items)
    return _cut_items(render_feed(replace(channel, items=dated)))


def _cut_items(document: bytes) -> list[_Item]:
    """Return every item of a document, cut open at its pubDate."""
    _, *items = document.removesuffix(_END).split(_ITEM)
    cuts = [_cut_element(_ITEM + item, b"pubDate") for item in items]
    return [(_cut_token(before), _cut_token(after)) for before, after in cuts]


def _cut_element(document: bytes, name: bytes) -> tuple[bytes, bytes]:
    """Return what is before and after the text of the only element of this name."""
    before, opening, rest = document.partition(b"<" + name + b">")
    _, closing, after = rest.partition(b"</" + name + b">")
    return before + opening, closing + after


def _cut_token(text: bytes) -> _Text:
    return tuple(text.split(TOKEN_PLACEHOLDER.encode()))


def _put(address: str, token: FeedToken | None) -> str:
    return address if token is None else address.replace(TOKEN_PLACEHOLDER, token)


def _put_if(address: str | None, token: FeedToken | None) -> str | None:
    return None if address is None else _put(address, token)


def _with_token(item: Item, token: FeedToken | None) -> Item:
    enclosure = item.enclosure
    return replace(
        item,
        link=_put_if(item.link, token),
        enclosure=enclosure and replace(enclosure, url=_put(enclosure.url, token)),
        transcripts=tuple(replace(each, url=_put(each.url, token)) for each in item.transcripts),
        chapters_url=_put_if(item.chapters_url, token),
    )


def _dated(item: Item, pub_at: datetime) -> Item:
    return replace(item, pub_at=pub_at)


def _pub_at(item: Item) -> datetime:
    return item.pub_at


def _first(pair: tuple[datetime, _Item]) -> datetime:
    return pair[0]
