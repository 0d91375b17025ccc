"""What two parsers that podcast apps are built on make of our feeds: gPodder's, and feedparser.

The numbers are those of the rules in the contract between our feeds and podcast apps: each test
reads back a document that a compiled course gave for one subscription.
"""

import io
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import feedparser
import podcastparser
import pytest

from feeds.identity import subscription_guid
from feeds.messages import Message, TurnKind
from feeds.rhythm import Life, PlannedLesson, Rhythm, RhythmKind, unlocked
from feeds.template import Filling, compile_course
from feeds.tokens import FeedToken, build_token
from tests.unit.feeds.builders import BASE, KEYS, START, WEEK, a_life, a_template, lessons

TOKEN: FeedToken = build_token(KEYS, 7, bytes(range(16)))
SELF = f"{BASE}/f/{TOKEN}.xml"


def a_document(
    now: datetime, *, life: Life | None = None, course: list[PlannedLesson] | None = None
) -> bytes:
    """Return the feed of a subscription that began on a Monday, as it is at `now`."""
    seen = unlocked(life or a_life(), course or lessons(4), now)
    filling = Filling(
        token=TOKEN,
        podcast_guid=subscription_guid(UUID(int=9)),
        last_build_at=seen[-1].pub_at,
        lessons=tuple((unlock.lesson_id, unlock.pub_at) for unlock in seen),
        is_complete=len(seen) == 4,
    )
    return compile_course(a_template(4)).fill(filling)


def gpodder_reads(document: bytes) -> dict[str, Any]:
    """Return what podcastparser makes of it; it puts a serial podcast's first lesson first."""
    parsed: dict[str, Any] = podcastparser.parse(SELF, io.BytesIO(document))
    return parsed


def feedparser_reads(document: bytes) -> Any:
    parsed = feedparser.parse(document)
    assert not parsed.bozo
    return parsed


@pytest.fixture(scope="module")
def two_weeks() -> bytes:
    return a_document(START + WEEK)


def test_rule_1_every_address_of_a_lesson_carries_the_token_in_its_path(two_weeks: bytes) -> None:
    for entry in feedparser_reads(two_weeks).entries:
        (enclosure,) = entry.enclosures
        for url in (enclosure.href, entry.podcast_transcript["url"], entry.podcast_chapters["url"]):
            assert url.startswith(f"{BASE}/a/{TOKEN}/")
            assert "?" not in url


def test_rule_6_parsers_read_the_channel(two_weeks: bytes) -> None:
    channel = gpodder_reads(two_weeks)
    assert channel["title"] == "Een bloeiende community"
    assert channel["link"] == f"{BASE}/bloeiende-community"
    assert channel["cover_url"] == f"{BASE}/bloeiende-community/cover-1.jpg"
    assert channel["language"] == "nl"
    assert channel["type"] == "serial"
    assert channel["itunes_author"] == "Noor de Vries"
    assert channel["explicit"] is False


def test_rule_6_feedparser_finds_nothing_wrong_and_reads_the_same(two_weeks: bytes) -> None:
    parsed = feedparser_reads(two_weeks)
    assert parsed.version == "rss20"
    assert parsed.encoding == "utf-8"
    assert parsed.feed.title == "Een bloeiende community"
    assert parsed.feed.author == "Noor de Vries"
    assert [tag.term for tag in parsed.feed.tags] == ["Education", "Courses"]
    assert [link.href for link in parsed.feed.links if link.rel == "self"] == [SELF]
    assert parsed.feed.itunes_explicit is not True


def test_rule_6_parsers_read_the_items(two_weeks: bytes) -> None:
    newest = gpodder_reads(two_weeks)["episodes"][-1]
    assert newest["title"] == "Lesson about subject 2"
    assert newest["total_time"] == 900
    assert newest["number"] == 2
    assert newest["type"] == "full"
    assert newest["link"] == f"{BASE}/my/"
    assert newest["description_html"] == "<h2>Subject 2</h2><p>At length.</p>"


def test_rule_7_feed_of_a_listener_is_blocked_and_names_the_subscription(two_weeks: bytes) -> None:
    parsed = feedparser_reads(two_weeks)
    assert parsed.feed.itunes_block == 1
    assert parsed.feed.podcast_guid == str(subscription_guid(UUID(int=9)))
    assert parsed.feed.podcast_locked == "yes"


def test_rule_8_feed_says_how_often_and_when_it_is_complete() -> None:
    assert b'complete="true"' not in a_document(START + 3 * WEEK - timedelta(seconds=1))
    complete = feedparser_reads(a_document(START + 3 * WEEK))
    assert complete.feed.itunes_complete == "Yes"
    assert complete.feed.podcast_medium == "course"


def test_rule_9_guid_of_a_lesson_is_the_same_for_every_listener_and_address() -> None:
    early = feedparser_reads(a_document(START))
    late = feedparser_reads(a_document(START + WEEK, life=a_life(START - WEEK)))
    assert early.entries[0].id == late.entries[-1].id == str(UUID(int=1))
    assert not early.entries[0].guidislink


def test_rule_10_dates_are_those_of_the_unlocks_and_strictly_increase() -> None:
    read = [e["published"] for e in gpodder_reads(a_document(START + 3 * WEEK))["episodes"]]
    assert read == [int((START + n * WEEK).timestamp()) for n in range(4)]


def test_rule_10_lessons_that_unlock_together_are_all_new_to_gpodder() -> None:
    at_once = a_life(rhythm=Rhythm(kind=RhythmKind.AT_ONCE))
    read = [e["published"] for e in gpodder_reads(a_document(START, life=at_once))["episodes"]]
    assert read == sorted(set(read))
    assert max(read) == int(START.timestamp())
    assert max(read) - min(read) < timedelta(weeks=1).total_seconds()


def test_rule_11_items_come_newest_first_and_none_is_ever_dropped() -> None:
    seen: list[str] = []
    for week in range(4):
        guids = [e.id for e in feedparser_reads(a_document(START + week * WEEK)).entries]
        assert guids[1:] == seen
        assert len(guids) == week + 1
        seen = guids


def test_rule_12_feed_is_never_empty() -> None:
    assert len(gpodder_reads(a_document(START))["episodes"]) == 1


def test_rule_12_replaced_address_is_content_that_a_reader_can_show() -> None:
    turn = Message(kind=TurnKind.ADDRESS_CHANGED, pub_at=START + WEEK)
    filling = Filling(
        token=TOKEN,
        podcast_guid=subscription_guid(UUID(int=9)),
        last_build_at=START,
        messages=(turn,),
    )
    document = compile_course(a_template(4)).fill(filling)
    (entry,) = feedparser_reads(document).entries
    assert entry.title == "Je adres is veranderd"
    assert document.decode().count("/a/") == len(entry.enclosures) == 1


def test_rule_13_enclosure_says_the_exact_size_and_the_type(two_weeks: bytes) -> None:
    enclosures = [e["enclosures"][0] for e in gpodder_reads(two_weeks)["episodes"]]
    assert [e["file_size"] for e in enclosures] == [14_400_001, 14_400_002]
    assert {e["mime_type"] for e in enclosures} == {"audio/mpeg"}
