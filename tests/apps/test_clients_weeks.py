"""Real podcast clients follow the demo course while the weeks go by."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import feedparser
import httpx
import pytest

from app.demo import DEMO_SLUG, load_demo_course
from app.spoken import shown
from feeds.messages import TurnKind, title_of
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.clients import GPodder, Newsboat
from tests.parts.server import Installation, demo

pytestmark = [pytest.mark.client, pytest.mark.slow]

RECORDINGS = [lesson.audio.read_bytes() for lesson in load_demo_course().lessons]
TITLES = [lesson.title for lesson in load_demo_course().lessons]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    with demo(tmp_path / "house") as installed:
        yield installed


@pytest.fixture
def feed_url(here: Installation) -> str:
    return become_listener(here, maildir_of(here), "noor@example.org", DEMO_SLUG)


def move_clock(here: Installation, offset: str) -> None:
    here.stop()
    here.serve(demo_clock=offset)


def token_in(feed_url: str) -> str:
    return feed_url.rpartition("/")[2].removesuffix(".xml")


def audio_urls(feed_url: str) -> list[str]:
    """The addresses of lessons in a feed, lesson 1 first."""
    feed = feedparser.parse(httpx.get(feed_url).content)
    return [entry.enclosures[0].href for entry in reversed(feed.entries) if entry.title in TITLES]


def lessons_in(files: dict[str, bytes]) -> list[bytes]:
    """The lessons among what was downloaded; the rest is said at turns."""
    return sorted(content for content in files.values() if content in RECORDINGS)


def lessons_of(titles: list[str]) -> list[str]:
    return [title for title in titles if title in TITLES]


def audio_fetches(here: Installation) -> dict[str, int]:
    """How often each lesson's audio was fetched, as the house wrote it down when it stopped."""
    with closing(sqlite3.connect(here.folder / "var" / "cadans.sqlite3")) as rows:
        found = rows.execute(
            "SELECT resource, SUM(count) FROM fetches "
            "WHERE resource IN (SELECT public_id FROM lessons) GROUP BY resource"
        ).fetchall()
    return {str(resource): int(count) for resource, count in found}


def test_gpodder_gets_one_lesson_a_week_and_the_whole_course_in_four(
    here: Installation, feed_url: str, gpodder: GPodder
) -> None:
    gpodder.subscribe(feed_url)
    gpodder.download()
    assert gpodder.episodes() == [title_of(TurnKind.WELCOME, "nl"), TITLES[0]]
    assert lessons_in(gpodder.files()) == RECORDINGS[:1]
    assert shown(TurnKind.WELCOME, "nl").read() in gpodder.files().values()

    move_clock(here, "+7d")
    gpodder.update()
    assert lessons_of(gpodder.episodes()) == TITLES[:2]
    assert gpodder.episodes()[-1] == TITLES[1]
    gpodder.download()
    assert lessons_in(gpodder.files()) == sorted(RECORDINGS[:2])

    move_clock(here, "+28d")
    gpodder.update()
    gpodder.download()
    assert lessons_in(gpodder.files()) == sorted(RECORDINGS)
    assert gpodder.episodes()[-1] == title_of(TurnKind.COMPLETE, "nl")
    assert shown(TurnKind.COMPLETE, "nl").read() in gpodder.files().values()
    assert "<itunes:complete>Yes</itunes:complete>" in httpx.get(feed_url).text
    here.stop()
    assert list(audio_fetches(here).values()) == [1, 1, 1, 1]
    assert gpodder.feed_urls() == [feed_url]
    assert token_in(feed_url) not in here.log


def test_newsboat_gets_lesson_two_after_a_week_and_lesson_one_only_once(
    here: Installation, feed_url: str, newsboat: Newsboat
) -> None:
    newsboat.subscribe(feed_url)
    newsboat.update()
    newsboat.download(until=2)
    assert lessons_in(newsboat.files()) == RECORDINGS[:1]

    move_clock(here, "+7d")
    newsboat.update()
    assert lessons_of(newsboat.titles()) == TITLES[:2]
    newsboat.download(until=3)
    assert lessons_in(newsboat.files()) == sorted(RECORDINGS[:2])
    here.stop()
    assert list(audio_fetches(here).values()) == [1, 1]
    assert token_in(feed_url) not in here.log


def test_a_lesson_that_is_too_early_is_refused_with_its_date_and_downloaded_by_nobody(
    here: Installation, feed_url: str, new_gpodder: Callable[[], GPodder]
) -> None:
    move_clock(here, "+7d")
    second = audio_urls(feed_url)[1]
    late = become_listener(here, maildir_of(here), "late@example.org", DEMO_SLUG)
    locked = httpx.get(second.replace(token_in(feed_url), token_in(late)))
    assert locked.status_code == 403
    assert locked.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert locked.text.startswith("Les 2 ")
    assert len(locked.text.splitlines()) == 1

    client = new_gpodder()
    client.subscribe(late)
    client.download()
    assert lessons_in(client.files()) == RECORDINGS[:1]
