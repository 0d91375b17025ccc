"""Each tag that Apple and PSP-1 ask for, and each habit of feedgen that would break a feed."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feeds.categories import Category
from feeds.model import EpisodeType, Feed, Medium, Owner, Person, Transcript
from feeds.rss import render_feed
from tests.unit.feeds.builders import BASE, START, a_feed, an_item

NAMESPACES = {
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
}


def found(feed: Feed, path: str) -> list[Any]:
    document = etree.fromstring(render_feed(feed))
    result = document.xpath(path, namespaces=NAMESPACES)
    assert isinstance(result, list)
    return result


def in_channel(tag: str, **changes: Any) -> list[str]:
    return found(a_feed(**changes), f"/rss/channel/{tag}/text()")


def in_item(tag: str, **changes: Any) -> list[Any]:
    return found(a_feed(items=(replace(an_item(), **changes),)), f"/rss/channel/item/{tag}")


def test_document_is_rss_2_in_utf_8_with_four_namespaces() -> None:
    document = render_feed(a_feed())
    assert document.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert found(a_feed(), "/rss/@version") == ["2.0"]
    assert etree.fromstring(document).nsmap == NAMESPACES


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("title", "Een bloeiende community"),
        ("link", f"{BASE}/bloeiende-community"),
        ("description", "Vier lessen over wat mensen bij elkaar houdt."),
        ("language", "nl"),
        ("generator", "Cadans"),
        ("lastBuildDate", "Mon, 23 Nov 2026 09:00:00 +0000"),
        ("itunes:author", "Noor de Vries"),
        ("itunes:explicit", "false"),
        ("itunes:type", "serial"),
        ("podcast:guid", str(UUID(int=1))),
        ("podcast:medium", "course"),
        ("podcast:updateFrequency", "Elke week een les"),
        ("podcast:funding", "Steun deze cursus"),
    ],
)
def test_channel_says_each_thing_once(tag: str, text: str) -> None:
    assert in_channel(tag) == [text]


def test_channel_links_to_nobody_else() -> None:
    assert in_channel("docs") == []


def test_channel_names_its_own_address() -> None:
    (link,) = found(a_feed(), "/rss/channel/atom:link")
    assert dict(link.attrib) == {
        "href": a_feed().self_url,
        "rel": "self",
        "type": "application/rss+xml",
    }


def test_channel_category_is_nested_as_apple_nests_it() -> None:
    path = "/rss/channel/itunes:category/@text"
    assert found(a_feed(), path) == ["Education"]
    assert found(a_feed(), "/rss/channel/itunes:category/itunes:category/@text") == ["Courses"]
    assert found(a_feed(category=Category(name="Technology")), path) == ["Technology"]


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "png"])
def test_channel_image_is_there_whatever_its_ending(ending: str) -> None:
    address = f"{BASE}/cover.{ending}"
    assert found(a_feed(image_url=address), "/rss/channel/itunes:image/@href") == [address]


def test_explicit_is_true_or_false_as_apple_wants_it() -> None:
    assert in_channel("itunes:explicit", is_explicit=True) == ["true"]
    assert [e.text for e in in_item("itunes:explicit")] == ["false"]
    assert [e.text for e in in_item("itunes:explicit", is_explicit=True)] == ["true"]


def test_private_feed_asks_to_be_left_out_of_every_directory() -> None:
    assert in_channel("itunes:block") == ["Yes"]
    assert in_channel("podcast:block") == ["yes"]
    assert in_channel("podcast:locked") == ["yes"]
    assert in_channel("itunes:owner/itunes:email") == []
    assert b"podping" not in render_feed(a_feed())
    assert b'rel="hub"' not in render_feed(a_feed())


def test_public_feed_may_be_found_and_says_whom_to_write_to() -> None:
    public = {"is_private": False, "owner": Owner(name="Noor", email="noor@example.org")}
    assert in_channel("itunes:block", **public) == []
    assert in_channel("podcast:block", **public) == []
    assert in_channel("podcast:locked", **public) == ["no"]
    assert in_channel("itunes:owner/itunes:email", **public) == ["noor@example.org"]


def test_public_feed_that_moved_says_where_it_went() -> None:
    there = "https://elsewhere.example/feed.xml"
    assert in_channel("itunes:new-feed-url", is_private=False, new_feed_url=there) == [there]
    assert in_channel("itunes:new-feed-url") == []


def test_complete_feed_says_so_to_apple_and_to_podcasting_20() -> None:
    complete = a_feed(is_complete=True)
    assert in_channel("itunes:complete", is_complete=True) == ["Yes"]
    (frequency,) = found(complete, "/rss/channel/podcast:updateFrequency")
    assert dict(frequency.attrib) == {"rrule": "FREQ=WEEKLY", "complete": "true"}


def test_running_feed_says_nothing_of_being_complete() -> None:
    assert b"complete" not in render_feed(a_feed())


def test_podcast_that_is_no_course_may_be_episodic() -> None:
    changes = {"is_serial": False, "medium": Medium.PODCAST}
    assert in_channel("itunes:type", **changes) == ["episodic"]
    assert in_channel("podcast:medium", **changes) == ["podcast"]


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("title", "Lesson about subject 1"),
        ("link", f"{BASE}/my/"),
        ("description", "<p>What subject 1 <b>is</b> &amp; does.</p>"),
        ("content:encoded", "<h2>Subject 1</h2><p>At length.</p>"),
        ("guid", str(UUID(int=1))),
        ("pubDate", "Mon, 30 Nov 2026 09:00:00 +0000"),
        ("itunes:duration", "900"),
        ("itunes:episode", "1"),
        ("itunes:episodeType", "full"),
        ("podcast:episode", "1"),
        ("podcast:person", "Noor de Vries"),
    ],
)
def test_item_says_each_thing_once(tag: str, text: str) -> None:
    assert [element.text for element in in_item(tag)] == [text]


def test_item_guid_is_no_address() -> None:
    assert [g.get("isPermaLink") for g in in_item("guid")] == ["false"]


def test_item_enclosure_has_address_size_and_type() -> None:
    enclosure = an_item().enclosure
    assert enclosure is not None
    assert [dict(e.attrib) for e in in_item("enclosure")] == [
        {"url": enclosure.url, "length": "14400001", "type": "audio/mpeg"}
    ]


def test_item_season_image_and_kind_are_there_where_it_has_them() -> None:
    changes = {
        "season": 2,
        "image_url": f"{BASE}/les.png",
        "episode_type": EpisodeType.TRAILER,
    }
    assert [e.text for e in in_item("itunes:season", **changes)] == ["2"]
    assert [e.text for e in in_item("podcast:season", **changes)] == ["2"]
    assert [e.get("href") for e in in_item("itunes:image", **changes)] == [f"{BASE}/les.png"]
    assert [e.text for e in in_item("itunes:episodeType", **changes)] == ["trailer"]
    assert in_item("itunes:season | podcast:season | itunes:image") == []


def test_webvtt_stands_before_other_transcripts() -> None:
    transcripts = (
        Transcript(url=f"{BASE}/t.srt", type="application/x-subrip"),
        Transcript(url=f"{BASE}/t.vtt", language="en"),
    )
    written = [dict(e.attrib) for e in in_item("podcast:transcript", transcripts=transcripts)]
    assert written == [
        {"url": f"{BASE}/t.vtt", "type": "text/vtt", "language": "en"},
        {"url": f"{BASE}/t.srt", "type": "application/x-subrip", "language": "nl"},
    ]


def test_chapters_have_the_type_that_apps_look_for() -> None:
    (chapters,) = in_item("podcast:chapters")
    assert chapters.get("type") == "application/json+chapters"


def test_person_has_what_is_known_of_her() -> None:
    person = Person(name="Noor", role="guest", url=f"{BASE}/noor", image_url=f"{BASE}/noor.jpg")
    (written,) = in_item("podcast:person", persons=(person,))
    assert dict(written.attrib) == {
        "role": "guest",
        "href": f"{BASE}/noor",
        "img": f"{BASE}/noor.jpg",
    }


def test_item_without_audio_has_no_enclosure() -> None:
    assert in_item("enclosure", enclosure=None, duration_seconds=None) == []


def test_items_keep_their_order_newest_first() -> None:
    feed = a_feed(items=tuple(an_item(n) for n in (3, 2, 1)))
    assert found(feed, "/rss/channel/item/podcast:episode/text()") == ["3", "2", "1"]


def test_the_same_feed_always_gives_the_same_bytes() -> None:
    assert render_feed(a_feed()) == render_feed(a_feed())


def test_last_build_date_is_the_given_one_never_the_time_of_rendering() -> None:
    old = START - timedelta(days=3000)
    assert in_channel("lastBuildDate", last_build_at=old) == ["Thu, 06 Sep 2018 09:00:00 +0000"]


def test_dates_are_written_in_utc() -> None:
    there = timezone(timedelta(hours=5, minutes=45))
    local = datetime(2026, 11, 23, 14, 45, tzinfo=there)
    assert in_channel("lastBuildDate", last_build_at=local) == ["Mon, 23 Nov 2026 09:00:00 +0000"]


def test_control_characters_and_spaces_around_values_are_left_out() -> None:
    assert in_channel("title", title="  Een\x00 b\x0bloeiende\ud800 dag\ufffe \n") == [
        "Een bloeiende dag"
    ]
    assert [e.text for e in in_item("title", title="\x1b[1mLes\x7f ")] == ["[1mLes\x7f"]


@given(text=st.text(min_size=1, max_size=50))
def test_any_text_makes_a_document_that_can_be_read_back(text: str) -> None:
    item = replace(an_item(), title=f"a{text}", content=text or None)
    feed = a_feed(title=f"a{text}", author=f"a{text}", items=(item,))
    document = etree.fromstring(render_feed(feed))
    assert document.find("channel/title") is not None


def test_markup_in_plain_text_stays_text() -> None:
    title = "</title><item> ]]> & <b>"
    assert in_channel("title", title=title) == [title]


def test_values_stay_within_255_characters_unless_apple_says_otherwise() -> None:
    item = replace(an_item(), title="é" * 255)
    document = etree.fromstring(render_feed(a_feed(items=(item,))))
    longer = {
        etree.QName(element).localname
        for element in document.iter()
        if len(element.text or "") > 255 or any(len(v) > 255 for v in element.attrib.values())
    }
    assert longer <= {"description", "encoded"}
