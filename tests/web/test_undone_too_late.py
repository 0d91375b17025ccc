"""Who presses *undo* just while she is erased is not told that she stays."""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.house import House
from app.services import erasing, erasures
from app.services.links import Links, Purpose
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import SettableClock
from tests.parts.postgres import Postgres

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
PATIENCE_SECONDS = 60

pytestmark = pytest.mark.postgres


@pytest.fixture
def environ(environ: dict[str, str], postgres: Postgres) -> Iterator[dict[str, str]]:
    with postgres.fresh() as url:
        yield {
            **environ,
            "CADANS_DATABASE_URL": url,
            "CADANS_FEED_KEYS": f"1:{secrets.token_hex(32)}",
            "CADANS_SECRET_KEYS": secrets.token_hex(32),
        }


def test_undo_that_waited_for_the_erasing_itself_says_that_she_is_gone(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    with house.database.writing() as session:
        listener = a_listener(session, email="mathilde@example.org")
        a_subscription(session, a_course(session), listener)
        erasures.ask(session, listener, language="nl", host="localhost", now=clock())
    link = Links(keys=house.settings.secret_keys).sign(Purpose.KEEP, listener.id, now=clock())
    clock.advance(timedelta(days=1))

    with ThreadPoolExecutor(1) as thread:
        with house.database.writing() as session:
            assert erasing.carry_out_next(session, host="localhost", now=clock())
            pressing = thread.submit(client.post, f"/my/keep/{link}")
            wait_until_somebody_waits(house)
        answer = pressing.result(PATIENCE_SECONDS)

    assert answer.status_code == client.get(f"/my/keep/{link}").status_code == 410


def wait_until_somebody_waits(house: House) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        with house.database.reading() as session:
            if session.scalar(WAITING):
                return
        time.sleep(0.05)
    pytest.fail("nobody waits")
