"""Items that a feed carries about itself: welcome, paused, complete, your address changed.

Each is short spoken audio: apps download and announce it as they do a lesson. A course has one
item per kind; what is a subscription's own in it is a `Message`. Whatever an item says, a mail
says it too.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from html import escape
from typing import Final
from uuid import UUID

from feeds.identity import life_cycle_guid
from feeds.model import Enclosure, EpisodeType, Item
from feeds.text import clean
from feeds.words import words


class TurnKind(StrEnum):
    """The turns in the life of a subscription that its feed speaks of."""

    WELCOME = "welcome"
    PAUSED = "paused"
    RESUMED = "resumed"
    COMPLETE = "complete"
    ENDED = "ended"
    RESTARTED = "restarted"
    ADDRESS_CHANGED = "address-changed"
    ADDRESS_CLOSED = "address-closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one feed says of itself: which of the course's messages, and what is its own in it.

    `pub_at`: fixed at the turn, in whole seconds. `number` tells turns of one kind apart, so that
    each has a guid of its own. `note`: a sentence of its own, plain text; only a welcome has one.
    """

    kind: TurnKind
    pub_at: datetime
    number: int = 1
    note: str = ""

    @property
    def key(self) -> str:
        """All that its item depends on beside the course and the subscription: for the ETag."""
        return f"{self.kind.value}:{self.number}:{self.pub_at.isoformat()}:{self.note}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenMessage:
    """The recording of a message; `enclosure` with the placeholder for the token."""

    enclosure: Enclosure
    duration_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTexts:
    """What the messages of one course have in common.

    `my_page_url` is where she signs in by mail, the same for everybody. `next_step`: address and
    words of what the owner offers after the last lesson; None: nothing.
    """

    language: str
    my_page_url: str
    next_step: tuple[str, str] | None = None
    is_explicit: bool = False


GUID_PLACEHOLDER: Final = secrets.token_hex(20)
NOTE_PLACEHOLDER: Final = secrets.token_hex(20)
"""Stand for what is a subscription's own; new in every process, as the one for the token is."""

# Apple lists a trailer before the first episode of a serial show, where a welcome belongs; the rest
# are news of the show, listed by date among the lessons as bonuses without a number are
# (help.simplecast.com "Episode Types", after Apple's own; read 2026-11). Others show all alike.
_TYPES: Final = {TurnKind.WELCOME: EpisodeType.TRAILER}


def say(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


_OWN_PAGE: Final = say("Your own page says what you can do: %(page)s.")

# Title, then paragraphs. None names an address: who still polls one that was replaced may be the
# person it leaked to.
_SAID: Final[Mapping[TurnKind, tuple[str, ...]]] = {
    TurnKind.WELCOME: (
        say("Welcome"),
        say("You are following this course. Lessons appear here by themselves."),
        say("Pause, pace and help: on your own page, %(page)s."),
    ),
    TurnKind.PAUSED: (
        say("Your course is paused"),
        say("No new lesson comes until you go on; what you have keeps playing."),
        say("Go on whenever you like, on your own page: %(page)s."),
    ),
    TurnKind.RESUMED: (
        say("Your course goes on"),
        say("The next lesson appears here by itself, in your own rhythm."),
        _OWN_PAGE,
    ),
    TurnKind.COMPLETE: (
        say("The course is complete"),
        say("You have every lesson of this course. They stay here and keep playing."),
        _OWN_PAGE,
    ),
    TurnKind.ENDED: (
        say("This course has ended for you"),
        say("No new lesson comes; what you have stays here and keeps playing."),
        _OWN_PAGE,
    ),
    TurnKind.RESTARTED: (
        say("You started this course again"),
        say("It goes on at a new address; what you had stays here and keeps playing."),
        say("The new address is in our mail, and on your own page: %(page)s."),
    ),
    TurnKind.ADDRESS_CHANGED: (
        say("Your address has changed"),
        say("New lessons no longer come to this address, and its audio no longer plays."),
        say(
            "Your new address is in our mail, and on your own page: %(page)s."
            " Follow the course there once more, then remove this one from your app."
        ),
    ),
    TurnKind.ADDRESS_CLOSED: (
        say("This address is closed"),
        say("No lessons come to this address any more, and its audio no longer plays."),
        _OWN_PAGE,
    ),
}


def begun_note(language: str) -> str:
    """Return what a welcome adds once the first lesson stands beside it."""
    return words(language).gettext("Your first lesson is here already; the others follow.")


def waiting_note(language: str, first_lesson_on: str | None) -> str:
    """Return what a welcome adds until the first lesson comes.

    `first_lesson_on`: that moment as people say it, such as "Thursday 3 December at 06:00"; None:
    it has no date yet.
    """
    gettext = words(language).gettext
    if first_lesson_on is None:
        return gettext("The first lesson appears here as soon as it has a date.")
    return gettext("The first lesson appears here on %(moment)s.") % {"moment": first_lesson_on}


def message_items(
    texts: MessageTexts,
    spoken: Mapping[TurnKind, SpokenMessage],
    *,
    taken_titles: Collection[str],
    pub_at: datetime,
) -> Mapping[TurnKind, Item]:
    """Return the items of a course, with placeholders; `pub_at` is theirs until it is filled in.

    `taken_titles`: of the lessons. AntennaPod drops one of two items that share title and day, so a
    message whose title a lesson has gets another.
    """
    taken = {_folded(title) for title in taken_titles}
    items = {}
    for kind in TurnKind:
        title, paragraphs = _in_words(kind, texts)
        items[kind] = Item(
            guid=GUID_PLACEHOLDER,
            title=_free(title, taken),
            description="".join(f"<p>{paragraph}</p>" for paragraph in paragraphs),
            pub_at=pub_at,
            link=texts.my_page_url,
            enclosure=spoken[kind].enclosure,
            duration_seconds=spoken[kind].duration_seconds,
            episode_type=_TYPES.get(kind, EpisodeType.BONUS),
            is_explicit=texts.is_explicit,
        )
    return items


def fill_in(item: Item, message: Message, podcast_guid: UUID) -> Item:
    """Return a course's item as one subscription has it."""
    return replace(
        item,
        guid=guid_of(message, podcast_guid),
        pub_at=message.pub_at,
        description=item.description.replace(NOTE_PLACEHOLDER, note_html(message)),
    )


def guid_of(message: Message, podcast_guid: UUID) -> str:
    """Return the guid of a message in the feed of this podcast:guid."""
    return life_cycle_guid(podcast_guid, message.kind.value, message.number)


def note_html(message: Message) -> str:
    """Return the note of a message as it stands in a description."""
    return escape(clean(message.note))


def title_of(kind: TurnKind, language: str) -> str:
    """Return what a message of a kind is called."""
    return words(language).gettext(_SAID[kind][0])


def _free(title: str, taken: Collection[str]) -> str:
    while _folded(title) in taken:
        title = f"{title} ·"
    return title


def _folded(title: str) -> str:
    return clean(title).casefold()


def _in_words(kind: TurnKind, texts: MessageTexts) -> tuple[str, list[str]]:
    """Return the title and the paragraphs of a kind, in the language of the course."""
    gettext = words(texts.language).gettext
    said = _SAID[kind][1:]
    page = escape(texts.my_page_url)
    link = {"page": f'<a href="{page}">{page}</a>'}
    paragraphs = [gettext(sentence) % link for sentence in said]
    if kind is TurnKind.WELCOME:
        paragraphs.insert(1, NOTE_PLACEHOLDER)
    if kind is TurnKind.COMPLETE and texts.next_step is not None:
        address, label = map(escape, texts.next_step)
        paragraphs.insert(
            1, gettext("What comes next: %(link)s.") % {"link": f'<a href="{address}">{label}</a>'}
        )
    return title_of(kind, texts.language), paragraphs
