"""The shape for many: PostgreSQL, S3, a mail server, two web processes and a worker of its own."""

from collections.abc import Iterator
from pathlib import Path

import feedparser
import httpx
import pytest

from app.demo import DEMO_SLUG, load_demo_course
from tests.e2e.by_http import Mailbox, become_listener, wait_for_mail
from tests.parts.clients import GPodder
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server, environ_of
from tests.parts.server import Installation, installation
from tests.parts.smtp import MailServer

pytestmark = [
    pytest.mark.s3,
    pytest.mark.postgres,
    pytest.mark.slow,
]

LESSONS = load_demo_course().lessons
EMAIL = "noor@example.org"


@pytest.fixture
def many(
    tmp_path: Path, postgres: Postgres, s3_server: S3Server, mail_server: MailServer
) -> Iterator[Installation]:
    bucket = s3_server.make_bucket()
    with postgres.fresh() as database_url:
        environ = {
            "CADANS_DEMO": "1",
            "CADANS_DATABASE_URL": database_url.replace("+psycopg", ""),
            "CADANS_MAIL": mail_server.url,
            "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
            "CADANS_SECRET_KEYS": "cd" * 32,
            **environ_of(bucket),
        }
        with installation(tmp_path / "house", environ) as here:
            here.run("demo")
            serve(here, "+0d")
            yield here


@pytest.fixture
def mailbox(mail_server: MailServer) -> Mailbox:
    return lambda: [each.message for each in mail_server.received]


@pytest.fixture
def feed_url(many: Installation, mailbox: Mailbox) -> str:
    return become_listener(many, mailbox, EMAIL, DEMO_SLUG)


def serve(here: Installation, clock: str) -> None:
    here.serve("--workers", "2", demo_clock=clock)
    here.start("worker", demo_clock=clock)


def enclosure(feed_url: str) -> str:
    feed = feedparser.parse(httpx.get(feed_url).content)
    # newest first: the welcome stands below the lesson
    return str(feed.entries[0].enclosures[0].href)


def lessons_of(gpodder: GPodder) -> list[bytes]:
    """The lessons among what it downloaded; the rest is said at turns."""
    known = [lesson.audio.read_bytes() for lesson in LESSONS]
    return sorted(audio for audio in gpodder.files().values() if audio in known)


def test_audio_is_a_redirect_that_the_store_honours_while_head_is_answered_here(
    feed_url: str, s3_server: S3Server
) -> None:
    address = enclosure(feed_url)
    head, got = httpx.head(address), httpx.get(address)
    assert head.status_code == 200
    assert int(head.headers["Content-Length"]) == len(LESSONS[0].audio.read_bytes())
    assert got.status_code == 302
    assert got.headers["Location"].startswith(s3_server.endpoint)
    stored = httpx.get(got.headers["Location"], headers={"Range": "bytes=0-99"})
    assert stored.status_code == 206
    assert stored.content == LESSONS[0].audio.read_bytes()[:100]
    assert stored.headers["ETag"] == head.headers["ETag"]


@pytest.mark.client
def test_gpodder_gets_its_lessons_from_the_store_and_the_next_one_is_told_by_mail(
    many: Installation, feed_url: str, mailbox: Mailbox, gpodder: GPodder
) -> None:
    gpodder.subscribe(feed_url)
    gpodder.download()
    assert lessons_of(gpodder) == [LESSONS[0].audio.read_bytes()]
    many.stop()
    serve(many, "+7d")
    wait_for_mail(mailbox, EMAIL, LESSONS[1].title)
    gpodder.update()
    gpodder.download()
    assert lessons_of(gpodder) == sorted(lesson.audio.read_bytes() for lesson in LESSONS[:2])
    assert gpodder.feed_urls() == [feed_url]
    assert feed_url.rpartition("/")[2].removesuffix(".xml") not in many.log
