"""Items that a feed carries about itself: welcome, paused, complete, ended, your address changed.

They have no audio. AntennaPod, newsboat and feed readers show such an item; Apple Podcasts,
Overcast and Pocket Casts pass over it. So whatever a message says, a mail says it too.
"""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from uuid import UUID

from feeds.identity import life_cycle_guid
from feeds.model import EpisodeType, Item
from feeds.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn in the life of one subscription that its feed speaks of.

    `public_id` is the subscription's; `number` counts the turns of this kind from 1, so that each
    has a guid of its own; `happened_at` becomes the item's date; `language` is the course's;
    `my_page_url` is where she signs in by mail, the same for everybody.
    """

    public_id: UUID
    happened_at: datetime
    language: str
    my_page_url: str
    number: int = 1


def welcome_item(turn: Turn, first_lesson_on: str | None) -> Item:
    """Return the item that fills a feed until the first lesson comes.

    `first_lesson_on`: that moment as people say it, such as "Thursday 3 December at 06:00"; None:
    it has no date yet.
    """
    say = words(turn.language).gettext
    when = (
        say("The first lesson appears here on %(moment)s.")
        if first_lesson_on
        else say("The first lesson appears here as soon as it has a date.")
    )
    return _item(
        turn,
        "welcome",
        title=say("Welcome"),
        paragraphs=(
            say("You are following this course. Nothing is missing: it has yet to begin."),
            when,
        ),
        moment=first_lesson_on or "",
    )


def paused_item(turn: Turn) -> Item:
    """Return the item that says why nothing new comes; the lessons stay beside it."""
    say = words(turn.language).gettext
    return _item(
        turn,
        "paused",
        title=say("Your course is paused"),
        paragraphs=(
            say("No new lesson comes until you go on; what you have keeps playing."),
            say("Go on whenever you like, on your own page: %(page)s."),
        ),
    )


def complete_item(turn: Turn) -> Item:
    """Return the item that says that nothing will follow; the lessons stay beside it."""
    say = words(turn.language).gettext
    return _item(
        turn,
        "complete",
        title=say("The course is complete"),
        paragraphs=(
            say("You have every lesson of this course. They stay here and keep playing."),
            say("Your own page says what you can do: %(page)s."),
        ),
    )


def ended_item(turn: Turn) -> Item:
    """Return the item that says that she left, or the course did; the lessons stay beside it."""
    say = words(turn.language).gettext
    return _item(
        turn,
        "ended",
        title=say("This course has ended for you"),
        paragraphs=(
            say("No new lesson comes; what you have stays here and keeps playing."),
            say("Your own page says what you can do: %(page)s."),
        ),
    )


def restarted_item(turn: Turn) -> Item:
    """Return the item that says that the course goes on elsewhere; the lessons stay beside it.

    Names no new address: who polls the old one may be somebody else by now.
    """
    say = words(turn.language).gettext
    return _item(
        turn,
        "restarted",
        title=say("You started this course again"),
        paragraphs=(
            say("It goes on at a new address; what you had stays here and keeps playing."),
            say("The new address is in our mail, and on your own page: %(page)s."),
        ),
    )


def address_changed_item(turn: Turn) -> Item:
    """Return the only item of a feed address that another has replaced.

    Names no new address: who still polls the old one may be the person it leaked to.
    """
    say = words(turn.language).gettext
    return _item(
        turn,
        "address-changed",
        title=say("Your address has changed"),
        paragraphs=(
            say("New lessons no longer come to this address, and its audio no longer plays."),
            say(
                "Your new address is in our mail, and on your own page: %(page)s."
                " Follow the course there once more, then remove this one from your app."
            ),
        ),
    )


def address_closed_item(turn: Turn) -> Item:
    """Return the only item of a feed address that was taken back without another in its place."""
    say = words(turn.language).gettext
    return _item(
        turn,
        "address-closed",
        title=say("This address is closed"),
        paragraphs=(
            say("No lessons come to this address any more, and its audio no longer plays."),
            say("Your own page says what you can do: %(page)s."),
        ),
    )


def _item(
    turn: Turn, kind: str, *, title: str, paragraphs: tuple[str, ...], moment: str = ""
) -> Item:
    page = escape(turn.my_page_url)
    values = {
        "moment": escape(moment),
        "page": f'<a href="{page}">{page}</a>',
    }
    return Item(
        guid=life_cycle_guid(turn.public_id, kind, turn.number),
        title=title,
        description="".join(f"<p>{paragraph % values}</p>" for paragraph in paragraphs),
        pub_at=turn.happened_at,
        link=turn.my_page_url,
        episode_type=EpisodeType.BONUS,
    )
