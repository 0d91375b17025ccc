"""How the podcast apps behave where they differ: one frozen description each, with its evidence.

Evidence: **ran** = tried with the real program; **source** = read in its code; **doc** = its
maker's page or a report; **judged** = our inference. Facts only; no code of theirs stands here.
The functions below are those rules as code: the tests drive whole courses with them, and the
verdicts of `cadans doctor` are drawn from the same descriptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from app.doctor.document import Item, read_number
from app.doctor.fetch import PERMANENT
from app.doctor.limits import DATE_IS_OLD_AFTER, DUPLICATE_WITHIN, OLD_AFTER


class Condition(StrEnum):
    """What an app sends, so that it is told when nothing changed."""

    BOTH = "both"
    """If-None-Match and If-Modified-Since, each when the last answer had its header."""
    DATE_FIRST = "date-first"
    """Last-Modified alone when there is one, and nothing at all once that is days old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One app as it behaves. What is not said of an app is how most of them do it."""

    name: str
    user_agent: str
    condition: Condition = Condition.BOTH
    sends_aim: bool = False
    """With the condition goes `A-IM: feed`."""
    rewrites_address: bool = True
    """A 301 or 308 of the feed replaces the address that it has stored."""
    refuses_empty: bool = False
    """It does not add a feed without an episode."""
    asks_head_first: bool = False
    """The player asks HEAD, and then gets from wherever that led."""
    probes_two_bytes: bool = False
    """Playing begins with `Range: bytes=0-1`, which must be answered with 206."""
    resumes: bool = True
    """A download that broke off goes on with a range."""
    names_items_by: tuple[str, ...] = ("guid", "address")
    guesses_duplicates: bool = False
    """Same title, day and kind, and about the same length: one episode."""
    forgets_vanished: bool = False
    """What leaves the feed and was not downloaded is deleted, at once or some weeks later."""
    keeps_first_address: bool = False
    """An episode plays from the address it first had, even when the feed gives it another."""
    old_after: timedelta | None = None
    """An item that is more than so much older than the newest one it knew is never new."""
    reads_broken_xml: bool = False
    asks_from_its_own_servers: bool = False
    """Not the phone but the maker's servers read the feed."""
    gives_up_on: frozenset[int] = frozenset()
    """With these answers it takes the feed for gone."""
    judges_by_ending: bool = False
    """What an enclosure is, it takes from the ending of its address."""
    may_be_loose_with_text: bool = True
    """Audio that is announced as text is taken all the same."""


ANTENNAPOD: Final = App(
    # condition: source, HttpDownloader.java: Last-Modified is kept before ETag; a date over three
    #   days old is not sent. Rewriting: source, RedirectChecker.java and HttpDownloader.java.
    # duplicates: source, FeedItemDuplicateGuesser.java. HEAD: source (the player resolves an
    #   address with HEAD, then gets what it led to) and replayed. text/*: source,
    #   HttpDownloader.java. Names: source, FeedItem.java: guid, then title, then address.
    # what is older than the newest it knew, by however little, is never new: source,
    #   FeedDatabaseWriter.java. Other audio: source, FeedItem.java and FeedMedia.java: address and
    #   size become the new ones, the file that was downloaded stays, and it is not new again.
    name="AntennaPod",
    user_agent="AntennaPod/3.5.0",
    condition=Condition.DATE_FIRST,
    asks_head_first=True,
    names_items_by=("guid", "title", "address"),
    guesses_duplicates=True,
    old_after=timedelta(0),
    may_be_loose_with_text=False,
)
APPLE: Final = App(
    # two bytes: doc (its first probe must get 206). Endings: doc, "A Podcaster's Guide to RSS".
    #   Empty: doc, a show needs an episode. Rewriting: doc, moving a feed asks for 301. Shrinking
    #   files: doc, radar 40288687: it loops when a file became smaller under its address.
    # other audio: judged, no page of its maker says; hosts say that apps differ and that Apple
    #   takes hours to days (support.iono.fm "Replace podcast audio", read 2026-11).
    name="Apple Podcasts",
    user_agent="Podcasts/1650.1 CFNetwork/1494.0.7 Darwin/23.4.0",
    probes_two_bytes=True,
    refuses_empty=True,
    judges_by_ending=True,
)
OVERCAST: Final = App(
    # empty: doc. Own servers: doc, overcast.fm/podcasterinfo, which says too that the audio goes
    #   from the host to the phone (read 2026-11). Rest, other audio too: judged, nothing is public.
    name="Overcast",
    user_agent="Overcast/1.0 Podcast Sync (1 subscribers; +http://overcast.fm/)",
    refuses_empty=True,
    asks_from_its_own_servers=True,
    gives_up_on=frozenset({410}),
)
POCKET_CASTS: Final = App(
    # stops refreshing for good after months of errors: doc. Own servers: doc, the same
    #   page; their code is not public, so empty and what they take for gone: judged.
    # of the phones: source, pocket-casts-android PodcastRefresherImpl.kt and pocket-casts-ios
    #   ServerPodcastManager+Update.swift. A known episode takes the new address, and what was
    #   downloaded stays. What is older than the newest it knew is put in without a word. What
    #   vanished goes after two weeks, unless somebody did something with it.
    name="Pocket Casts",
    user_agent="PocketCasts/1.0 (Pocket Casts Feed Parser; +http://pocketcasts.com/)",
    refuses_empty=True,
    forgets_vanished=True,
    old_after=timedelta(0),
    asks_from_its_own_servers=True,
    gives_up_on=frozenset({410}),
)
PODCAST_ADDICT: Final = App(
    # other audio: doc, one report (github.com/atareao/u2vpodcast issue 19, of 2026-09): it never
    #   asks for the new address, not even when the episode is deleted and downloaded again.
    # rest: judged, from what its users and hosts report; the phone itself asks.
    name="Podcast Addict",
    user_agent="PodcastAddict/v5 (+https://podcastaddict.com/; Android podcast app)",
    keeps_first_address=True,
)
GPODDER: Final = App(
    # ran (3.11): 304 with an ETag alone, rewriting, new within a week, deleting what vanished.
    # source: feedcore.py takes 403 and 410 for "unsubscribe" and a web page for no feed; model.py
    #   gives a known guid its new address and downloads nothing again.
    name="gPodder",
    user_agent="gPodder/3.11.4 (+http://gpodder.org/) Linux",
    names_items_by=("guid", "address"),
    forgets_vanished=True,
    old_after=OLD_AFTER,
    gives_up_on=frozenset({403, 410}),
)
NEWSBOAT: Final = App(
    # ran (2.21): 304 with an ETag alone. source, rss/parser.cpp: both conditions and A-IM, broken
    #   XML is read as far as it goes, any status from 400 on is an error of that day. A redirect is
    #   followed and the list of addresses stays as it was typed. source, rss_parser.cpp: guid, then
    #   link, then title. Other audio: source, cache.cpp: the address becomes the new one, what was
    #   queued once is not queued again, and a date stays as it first was.
    name="newsboat",
    user_agent="newsboat/2.21.0 (Linux x86_64)",
    sends_aim=True,
    rewrites_address=False,
    names_items_by=("guid", "title"),
    reads_broken_xml=True,
)
_MOST_PARTS: Final = 4  # days, hours, minutes, seconds
_TYPOGRAPHY: Final = str.maketrans("“”„—", '"""-')

APPS: Final = (
    ANTENNAPOD,
    APPLE,
    OVERCAST,
    POCKET_CASTS,
    PODCAST_ADDICT,
    GPODDER,
    NEWSBOAT,
)


def condition_headers(app: App, last: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Answer what an app sends with its next poll, given the headers of the last full answer."""
    etag, modified = last.get("etag", ""), last.get("last-modified", "")
    headers: dict[str, str] = {}
    if app.condition is Condition.DATE_FIRST and modified:
        return {} if _is_old(modified, now) else {"If-Modified-Since": modified}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    if headers and app.sends_aim:
        headers["A-IM"] = "feed"
    return headers


def stored_address(app: App, asked: str, hops: list[tuple[int, str]]) -> str:
    """Answer the address that an app asks next time, after these redirects (status, target)."""
    address = asked
    if not app.rewrites_address:
        return address
    for status, target in hops:
        if status not in PERMANENT:
            break
        address = target
    return address


def name_of(app: App, item: Item) -> str:
    """Answer by what an app tells this item from others; empty when it has nothing to go by."""
    for way in app.names_items_by:
        address = item.enclosure.url if item.enclosure else ""
        found = {"guid": item.guid, "address": address, "title": item.title}[way]
        if found:
            return found
    return ""


def looks_like(app: App, one: Item, other: Item) -> bool:
    """Tell whether an app takes two items for one, although their names differ."""
    if not app.guesses_duplicates or one.enclosure is None or other.enclosure is None:
        return False
    if one.enclosure.url == other.enclosure.url:
        return True
    if one.published_at is None or other.published_at is None:
        return False
    return (
        bool(one.title)
        and _plain_title(one.title) == _plain_title(other.title)
        and one.published_at.date() == other.published_at.date()
        and abs(length_of(one) - length_of(other)) < DUPLICATE_WITHIN
        and _kind(one.enclosure.type) == _kind(other.enclosure.type)
    )


def is_announced(app: App, item: Item, newest_known: datetime | None) -> bool:
    """Tell whether an app calls an item new that it did not know, beside its newest one so far."""
    if app.old_after is None or newest_known is None or item.published_at is None:
        return True
    return item.published_at >= newest_known - app.old_after


def length_of(item: Item) -> timedelta:
    """Answer itunes:duration, in seconds or as h:mm:ss; nothing when it is not readable."""
    seconds = 0
    for part in item.duration.split(":")[:_MOST_PARTS]:
        number = read_number(part.strip())
        if number is None:
            return timedelta()
        seconds = seconds * 60 + number
    return timedelta(seconds=min(seconds, 10**8))


def _is_old(modified: str, now: datetime) -> bool:
    try:
        return parsedate_to_datetime(modified) <= now - DATE_IS_OLD_AFTER
    except (TypeError, ValueError):
        return False


def _plain_title(title: str) -> str:
    return title.strip().translate(_TYPOGRAPHY)


def _kind(media_type: str) -> str:
    return media_type.partition("/")[0]
