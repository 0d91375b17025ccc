"""A real podcast client at the turns of a subscription: it downloads them, and they are audio."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import feedparser
import httpx
import podcastparser
import pytest

from app.demo import DEMO_SLUG, load_demo_course
from app.spoken import shown
from feeds.messages import TurnKind, title_of
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.clients import GPodder
from tests.parts.server import Installation, demo

pytestmark = [pytest.mark.client, pytest.mark.slow]

LESSONS = [lesson.title for lesson in load_demo_course().lessons]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    with demo(tmp_path / "house") as installed:
        yield installed


def move_clock(here: Installation, offset: str) -> None:
    here.stop()
    here.serve(demo_clock=offset)


def ours(kind: TurnKind) -> bytes:
    return shown(kind, "nl").read()


def test_gpodder_downloads_the_welcome_and_later_that_the_course_is_complete(
    here: Installation, gpodder: GPodder
) -> None:
    feed_url = become_listener(here, maildir_of(here), "noor@example.org", DEMO_SLUG)
    gpodder.subscribe(feed_url)
    gpodder.download()
    assert gpodder.episodes() == [title_of(TurnKind.WELCOME, "nl"), LESSONS[0]]
    assert ours(TurnKind.WELCOME) in gpodder.files().values()

    move_clock(here, "+7d")
    gpodder.update()
    gpodder.download()
    assert gpodder.episodes()[-1] == LESSONS[1]

    move_clock(here, "+28d")
    gpodder.update()
    gpodder.download()
    assert gpodder.episodes()[-1] == title_of(TurnKind.COMPLETE, "nl")
    assert ours(TurnKind.COMPLETE) in gpodder.files().values()


def test_podcastparser_and_feedparser_read_the_same_spoken_item(here: Installation) -> None:
    feed_url = become_listener(here, maildir_of(here), "noor@example.org", DEMO_SLUG)
    document = httpx.get(feed_url).content
    theirs = feedparser.parse(document).entries
    mine = podcastparser.parse(feed_url, BytesIO(document))["episodes"]
    assert {entry.id for entry in theirs} == {episode["guid"] for episode in mine}
    [welcome] = [each for each in mine if each["title"] == title_of(TurnKind.WELCOME, "nl")]
    assert welcome["total_time"] == round(shown(TurnKind.WELCOME, "nl").duration_ms / 1000)
    assert httpx.get(welcome["enclosures"][0]["url"]).content == ours(TurnKind.WELCOME)
