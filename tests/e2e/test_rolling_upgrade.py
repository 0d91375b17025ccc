"""A later release has brought the tables up already; this one serves on, and can be started again.

The migrations of the later release are real ones, written beside those of this release.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.db import migrate, schema
from app.db.session import open_database
from app.demo import DEMO_SLUG, load_demo_course
from tests.e2e.by_http import Mailbox, become_listener, wait_for_mail
from tests.parts.postgres import Postgres
from tests.parts.releases import later_release
from tests.parts.server import Installation, ServerFailed, installation
from tests.parts.smtp import MailServer

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# A bit of each kind that may come: columns, a table that hangs on others, an index.
EXPAND = (
    *(
        f'op.add_column("{table}", sa.Column("mood", sa.String(8), nullable=True))'
        for table in ("courses", "lessons", "listeners", "subscriptions", "feed_addresses")
    ),
    *(
        f'op.add_column("{table}", sa.Column("tries", sa.Integer(), nullable=False, '
        'server_default="0"))'
        for table in ("unlocks", "outbox", "confirmations", "fetches", "limit_counts")
    ),
    (
        'op.create_table("stars", sa.Column("a", sa.BigInteger(), '
        'sa.ForeignKey("subscriptions.id", ondelete="CASCADE")))'
    ),
    'op.create_index("ix_stars_a", "stars", ["a"])',
)


@pytest.fixture
def here(tmp_path: Path, postgres: Postgres, mail_server: MailServer) -> Iterator[Installation]:
    with postgres.fresh() as url:
        environ = {
            "CADANS_DEMO": "1",
            "CADANS_DATABASE_URL": url.replace("+psycopg", ""),
            "CADANS_MAIL": mail_server.url,
            "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
            "CADANS_SECRET_KEYS": "cd" * 32,
        }
        with installation(tmp_path / "house", environ) as here:
            here.run("demo")
            yield here


@pytest.fixture
def mailbox(mail_server: MailServer) -> Mailbox:
    return lambda: [each.message for each in mail_server.received]


def upgrade_as_later_release(
    here: Installation, folder: Path, *steps: str, needs: str | None = None
) -> None:
    database = open_database(here.environ["CADANS_DATABASE_URL"])
    with later_release(folder, *steps, needs=needs):
        migrate.upgrade(database)
    database.close()


@contextmanager
def being_polled(feed_url: str) -> Iterator[Counter[int]]:
    """The feed is polled all the time; answers how often it got which status."""
    got: Counter[int] = Counter()
    stop = threading.Event()

    def poll() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.wait(0.01):
                got[client.get(feed_url).status_code] += 1

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield got
    finally:
        stop.set()
        thread.join()


def test_release_serves_on_while_a_later_one_brings_the_tables_up_and_starts_again_on_them(
    here: Installation, mailbox: Mailbox, tmp_path: Path
) -> None:
    here.serve("--workers", "1")
    here.start("worker")
    noor = become_listener(here, mailbox, "noor@example.org", DEMO_SLUG)
    with being_polled(noor) as got:
        upgrade_as_later_release(here, tmp_path, *EXPAND)
        become_listener(here, mailbox, "kim@example.org", DEMO_SLUG)
    assert set(got) == {200}
    here.stop()

    assert "this one can work with them" in here.run("db", "upgrade")
    here.run("db", "status")
    here.serve("--workers", "1", demo_clock="+7d")
    here.start("worker", demo_clock="+7d")
    wait_for_mail(mailbox, "noor@example.org", load_demo_course().lessons[1].title)
    assert httpx.get(noor).status_code == 200
    become_listener(here, mailbox, "eva@example.org", DEMO_SLUG)


def test_release_does_not_start_on_tables_from_which_a_later_one_took_what_it_needs(
    here: Installation, tmp_path: Path
) -> None:
    needed = f"{int(schema.newest_revision()) + 1:04}"
    upgrade_as_later_release(here, tmp_path, 'op.drop_table("limit_counts")', needs=needed)
    for words in (("serve",), ("db", "upgrade"), ("db", "status")):
        with pytest.raises(ServerFailed, match="install that release"):
            here.run(*words)
    with pytest.raises(ServerFailed, match="the tables are not those of this release"):
        here.run("backup", str(tmp_path / "archive"), "--without-keys")
