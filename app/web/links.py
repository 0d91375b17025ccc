"""What listener pages need of the house: its links, its feed addresses, its keeper."""

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

from flask import request, url_for

from app.db.models import Course
from app.services import limits
from app.services.addresses import FeedAddresses
from app.services.links import Links
from app.setting_values import Demo, is_loopback
from app.web import babel
from app.web.current import house

# Shown at most 320 px wide, on screens with two pixels for one.
PAGE_COVER_SIDE: Final = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who keeps what people fill in here."""

    name: str
    email: str | None


def links() -> Links:
    """Answer what signs and opens mail links."""
    return Links(keys=house().settings.secret_keys)


def feed_addresses() -> FeedAddresses:
    """Answer what rebuilds feed addresses."""
    settings = house().settings
    return FeedAddresses(base_url=settings.base_url, keys=settings.feed_keys)


def keeper() -> Keeper:
    """Answer who runs this house, as it was filled in; else the sender of its mails."""
    own, language = house().settings.privacy, babel.current_language()
    name, address = parseaddr(house().settings.mail_from)
    return Keeper(
        name=own.say("name", language) or name or host(),
        email=own.say("contact", language) or address or None,
    )


def cover_path(course: Course) -> str | None:
    """Answer where our pages find a course's cover, no larger than needed; None: it has none."""
    if course.cover_key is None:
        return None
    return url_for(
        "public.small_cover", slug=course.slug, number=course.cover_number, side=PAGE_COVER_SIDE
    )


def host() -> str:
    """Answer the host of BASE_URL; never what a request says of itself."""
    return urlsplit(house().settings.base_url).hostname or "localhost"


def network() -> str:
    """Answer the network that asks, as limits count it."""
    return limits.network_of(request.remote_addr)


def is_demo_seen_from_here() -> bool:
    """Tell whether the one who asks may read the demo's mails: on this very machine, directly."""
    is_forwarded = any(
        name.lower() == "forwarded" or name.lower().startswith("x-forwarded")
        for name in request.headers.keys()  # noqa: SIM118 (pairs otherwise)
    )
    is_here = is_loopback(f"//{request.host}")
    return house().settings.demo is not Demo.OFF and is_here and not is_forwarded
