"""Feeds of a running server, read back with other people's parsers, held against its audio."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import feedparser
import httpx
import podcastparser
import pytest

from app.demo import DEMO_SLUG, load_demo_course
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.server import Installation, demo

pytestmark = [pytest.mark.slow]

TITLES = [lesson.title for lesson in load_demo_course().lessons]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with demo(tmp_path_factory.mktemp("read-back")) as installed:
        yield installed


@pytest.fixture(scope="module")
def feed_url(here: Installation) -> str:
    """The feed of somebody who has the whole course."""
    url = become_listener(here, maildir_of(here), "noor@example.org", DEMO_SLUG)
    here.stop()
    here.serve(demo_clock="+28d")
    return url


@pytest.fixture(scope="module")
def episodes(feed_url: str) -> list[dict[str, Any]]:
    content = httpx.get(feed_url).content
    found = podcastparser.parse(feed_url, BytesIO(content))["episodes"]
    return [episode for episode in found if episode["title"] in TITLES]


def test_podcastparser_and_feedparser_read_the_same_lessons(
    feed_url: str, episodes: list[dict[str, Any]]
) -> None:
    entries = feedparser.parse(httpx.get(feed_url).content).entries
    theirs = [entry.title for entry in entries if entry.title in TITLES]
    mine = sorted(episodes, key=lambda episode: episode["published"])
    assert [episode["title"] for episode in mine] == list(reversed(theirs)) == TITLES


def test_feedparser_finds_nothing_wrong_with_the_document(feed_url: str) -> None:
    assert feedparser.parse(httpx.get(feed_url).content).bozo is False


def test_length_in_the_feed_is_what_head_says_and_what_get_sends(
    episodes: list[dict[str, Any]],
) -> None:
    for episode in episodes:
        [enclosure] = episode["enclosures"]
        head, got = httpx.head(enclosure["url"]), httpx.get(enclosure["url"])
        lengths = {int(head.headers["Content-Length"]), len(got.content)}
        assert lengths == {enclosure["file_size"]}, episode["title"]


def test_type_in_the_feed_is_what_the_server_sends(episodes: list[dict[str, Any]]) -> None:
    for episode in episodes:
        [enclosure] = episode["enclosures"]
        head = httpx.head(enclosure["url"])
        assert head.headers["Content-Type"] == enclosure["mime_type"] == "audio/mpeg"


def test_first_probe_of_apple_gets_its_two_bytes(episodes: list[dict[str, Any]]) -> None:
    url = episodes[0]["enclosures"][0]["url"]
    probe = httpx.get(url, headers={"Range": "bytes=0-1"})
    assert (probe.status_code, len(probe.content)) == (206, 2)
    assert probe.headers["Content-Range"].endswith(f"/{episodes[0]['enclosures'][0]['file_size']}")


def test_a_second_poll_with_the_etag_costs_no_body(feed_url: str) -> None:
    first = httpx.get(feed_url)
    second = httpx.get(feed_url, headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.content) == (304, b"")


def test_transcripts_and_chapters_of_the_feed_can_be_fetched(feed_url: str) -> None:
    feed = feedparser.parse(httpx.get(feed_url).content)
    assets = [
        (entry[name]["url"], entry[name]["type"])
        for entry in feed.entries
        for name in ("podcast_transcript", "podcast_chapters")
        if name in entry
    ]
    assert len(assets) == 2 * len(TITLES)
    for url, content_type in assets:
        answer = httpx.get(url)
        assert answer.headers["Content-Type"].partition(";")[0] == content_type
