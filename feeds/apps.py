"""One-tap links: the address that makes each podcast app follow a feed.

Only links that the app itself opens. Helper sites (antennapod.org, subscribeonandroid, player.fm
and the like) would put the token in somebody else's log. `feed://` and `pcast://` become http in
AntennaPod. Spotify cannot follow a feed per listener at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from feeds.errors import ImpossibleValue


class Platform(StrEnum):
    """Where an app runs."""

    ANDROID = "android"
    IOS = "ios"
    DESKTOP = "desktop"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLink:
    """A button: `code` for style sheets and statistics, `name` as the app calls itself."""

    code: str
    name: str
    platforms: frozenset[Platform]
    url: str


def app_links(feed_url: str) -> tuple[AppLink, ...]:
    """Return the one-tap links for a feed, best-known apps first.

    An app that runs differently on two platforms has a link for each, with the same code. An http
    address (a house on loopback) gets links that stay http where the app can; a podcast app on a
    phone still cannot reach somebody else's loopback.

    Raises:
        ImpossibleValue: `feed_url` is not a complete http or https address.
    """
    scheme, separator, bare = feed_url.partition("://")
    if not separator or not bare or scheme not in {"http", "https"}:
        raise ImpossibleValue("AppLink", "url", "is not a complete http or https address")
    return tuple(
        AppLink(code=code, name=name, platforms=platforms, url=link(scheme, bare))
        for code, name, platforms, link in _APPS
    )


_Link = Callable[[str, str], str]
"""From scheme and bare address (without it) to link."""


def _apple(_scheme: str, bare: str) -> str:
    """Apple Podcasts takes the bare address; the app chooses the scheme, https first."""
    return f"podcast://{bare}"


def _overcast(scheme: str, bare: str) -> str:
    """Overcast takes the whole address, percent-encoded: http stays http."""
    return f"overcast://x-callback-url/add?url={quote(f'{scheme}://{bare}', safe='')}"


def _pocket_casts_android(scheme: str, bare: str) -> str:
    """Pocket Casts reads `subscribehttps` as https; its plain `subscribe` means http."""
    return f"pktc://subscribe{'https' if scheme == 'https' else ''}/{bare}"


def _pocket_casts_ios(scheme: str, bare: str) -> str:
    """On iOS it takes the whole address; without a scheme it would ask over http once."""
    return f"pktc://subscribe/{scheme}://{bare}"


def _castro(scheme: str, bare: str) -> str:
    """Castro has one scheme for https and one for http."""
    return f"{'castros' if scheme == 'https' else 'castro'}://subscribe/{bare}"


def _antennapod(scheme: str, bare: str) -> str:
    """AntennaPod takes the whole address after its own scheme: http stays http."""
    return f"antennapod-subscribe://{scheme}://{bare}"


def _podcast_addict(_scheme: str, bare: str) -> str:
    """Podcast Addict takes the bare address; the app chooses the scheme."""
    return f"podcastaddict://{bare}"


def _gpodder(scheme: str, bare: str) -> str:
    """GPodder takes a bare address for http, so https has to be written out.

    Its code strips `gpodder:` and slashes, then puts http:// before what has no scheme (gPodder
    3.11, gtkui/main.py and util.normalize_feed_url, tried 2026-11).
    """
    return f"gpodder:https://{bare}" if scheme == "https" else f"gpodder://{bare}"


_APPS: Final[tuple[tuple[str, str, frozenset[Platform], _Link], ...]] = (
    ("apple", "Apple Podcasts", frozenset({Platform.IOS, Platform.DESKTOP}), _apple),
    ("overcast", "Overcast", frozenset({Platform.IOS}), _overcast),
    ("pocketcasts", "Pocket Casts", frozenset({Platform.ANDROID}), _pocket_casts_android),
    ("pocketcasts", "Pocket Casts", frozenset({Platform.IOS}), _pocket_casts_ios),
    ("castro", "Castro", frozenset({Platform.IOS}), _castro),
    ("antennapod", "AntennaPod", frozenset({Platform.ANDROID}), _antennapod),
    ("podcastaddict", "Podcast Addict", frozenset({Platform.ANDROID}), _podcast_addict),
    ("gpodder", "gPodder", frozenset({Platform.DESKTOP}), _gpodder),
)
