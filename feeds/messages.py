"""Items that a feed carries about itself: welcome, your address changed, your address is closed.

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


def welcome_item(turn: Turn, first_lesson_on: str) -> Item:
    """Return the item that fills a feed until the first lesson has its date.

    `first_lesson_on`: that moment as people say it, such as "Thursday 3 December at 06:00".
    """
    say = words(turn.language).gettext
    return _item(
        turn,
        "welcome",
        title=say("Welcome"),
        paragraphs=(
            say("You are following this course. Nothing is missing: it has yet to begin."),
            say("The first lesson appears here on %(moment)s."),
        ),
        moment=first_lesson_on,
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
