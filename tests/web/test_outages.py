"""PostgreSQL is away, or stands still; the S3 server is away: real ones, stopped and started."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from app.db import asking, standing
from app.db.models import Course, Subscription
from app.kinds import Role
from app.services import addresses, unlocking
from app.web.delivery.memory import LONGEST
from tests.builders import a_membership, an_account
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server
from tests.web.api import Script, a_token
from tests.web.conftest import SECOND, SOUND, WEEK, Visit, retire
from tests.web.rooms import sign_in

KEYS = {"CADANS_FEED_KEYS": "1:" + "cd" * 32, "CADANS_SECRET_KEYS": "e" * 64}
PATIENCE_SECONDS = 60
MANY = 40


@pytest.fixture
def visit(
    postgres: Postgres,
    environ: dict[str, str],
    make_visit: Callable[[dict[str, str]], Visit],
) -> Iterator[Visit]:
    """A listener whose first lesson was written down, on a PostgreSQL that can be stopped."""
    with postgres.fresh() as url:
        visit = make_visit({**environ, **KEYS, "CADANS_DATABASE_URL": url})
        visit.app.config.update(WTF_CSRF_ENABLED=False)
        record(visit)
        yield visit
        visit.delivery().close()
        visit.house.close()


def record(visit: Visit) -> None:
    """Write down what is due, as the worker does."""
    visit.change(
        lambda session: unlocking.record_subscription(
            session, visit.subscription_id, now=visit.clock()
        )
    )


def wait_until_it_answers(ask: Callable[[], TestResponse]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while ask().status_code == 503:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def says_when_to_come_back(answer: TestResponse) -> bool:
    """A podcast app reads one line and when to ask again."""
    is_one_line = answer.text.endswith("\n") and answer.text.count("\n") == 1
    kind = answer.headers["Content-Type"]
    return (
        answer.status_code == 503
        and is_one_line
        and ((kind, answer.headers["Retry-After"]) == ("text/plain; charset=utf-8", "120"))
    )


@pytest.mark.postgres
def test_polls_are_answered_as_they_were_last_while_postgresql_is_stopped_and_all_goes_on_after_it(
    visit: Visit, postgres: Postgres
) -> None:
    before = visit.get(visit.feed)
    etag = before.headers["ETag"]
    with postgres.stopped():
        assert visit.get(visit.feed, If_None_Match=etag).status_code == 304
        again = visit.get(visit.feed)
        assert (again.status_code, again.data, again.headers["ETag"]) == (200, before.data, etag)
        assert visit.head(visit.feed).status_code == 200
    wait_until_it_answers(lambda: visit.get(visit.audio()))
    assert visit.get(visit.audio()).data == SOUND
    assert visit.get(visit.feed, If_None_Match=etag).status_code == 304


@pytest.mark.postgres
def test_what_this_process_does_not_know_gets_503_and_a_time_to_come_back(
    visit: Visit, postgres: Postgres
) -> None:
    other = visit.another_token()
    visit.get(visit.feed)
    with postgres.stopped():
        assert says_when_to_come_back(visit.get(f"/f/{other}.xml"))
        assert says_when_to_come_back(visit.get(visit.audio()))
        assert visit.get(f"/f/{'a' * 40}.xml").status_code == 404
    wait_until_it_answers(lambda: visit.get(f"/f/{other}.xml"))


@pytest.mark.postgres
def test_nothing_is_answered_from_memory_once_her_next_lesson_is_due(
    visit: Visit, postgres: Postgres
) -> None:
    due_at = visit.clock() + WEEK
    etag = visit.at(due_at - LONGEST / 2).get(visit.feed).headers["ETag"]
    with postgres.stopped():
        visit.at(due_at - SECOND)
        assert visit.get(visit.feed, If_None_Match=etag).status_code == 304
        assert says_when_to_come_back(visit.at(due_at).get(visit.feed, If_None_Match=etag))


@pytest.mark.postgres
def test_nothing_is_answered_from_memory_that_is_older_than_an_hour(
    visit: Visit, postgres: Postgres
) -> None:
    visit.get(visit.feed)
    read_at = visit.clock()
    with postgres.stopped():
        assert visit.at(read_at + LONGEST - SECOND).get(visit.feed).status_code == 200
        assert says_when_to_come_back(visit.at(read_at + LONGEST).get(visit.feed))
        assert says_when_to_come_back(visit.at(read_at - SECOND).get(visit.feed))


@pytest.mark.postgres
def test_address_that_was_seen_to_be_retired_or_erased_is_answered_no_more(
    visit: Visit, postgres: Postgres
) -> None:
    others = [visit.another_token() for _ in range(2)]
    feeds = [visit.feed, *(f"/f/{token}.xml" for token in others)]
    record_all(visit)
    assert [visit.get(feed).status_code for feed in feeds] == [200, 200, 200]
    retire(visit, "leaked")
    ids = subscription_ids(visit)
    visit.change(lambda session: addresses.erase(session, ids[1], on=visit.clock().date()))
    visit.change(
        lambda session: session.execute(
            update(Subscription)
            .where(Subscription.id == ids[2])
            .values(ended_at=visit.clock(), end_reason="revoked")
        )
    )
    assert [visit.get(feed).status_code for feed in feeds] == [200, 410, 200]
    with postgres.stopped():
        for feed in feeds:
            assert says_when_to_come_back(visit.get(feed))


def subscription_ids(visit: Visit) -> list[int]:
    with visit.house.database.reading() as session:
        return list(session.scalars(select(Subscription.id).order_by(Subscription.id)))


def record_all(visit: Visit) -> None:
    for each in subscription_ids(visit):
        visit.change(
            lambda session, each=each: unlocking.record_subscription(  # type: ignore[misc]
                session, each, now=visit.clock()
            )
        )


@pytest.mark.postgres
def test_who_was_seen_under_another_plan_than_the_one_known_now_gets_503(
    visit: Visit, postgres: Postgres
) -> None:
    other = visit.another_token()
    visit.get(visit.feed)
    visit.set(Course, visit.course_id, author="Bea")
    visit.get(f"/f/{other}.xml")
    with postgres.stopped():
        assert says_when_to_come_back(visit.get(visit.feed))


@pytest.mark.postgres
def test_what_was_asked_in_the_outage_is_counted_after_it(visit: Visit, postgres: Postgres) -> None:
    visit.get(visit.feed)
    visit.delivery().flush()
    visit.clock.advance(timedelta(minutes=10))
    with postgres.stopped():
        visit.get(visit.feed)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while last_fetch(visit) != visit.clock():
        assert time.monotonic() < give_up_at
        visit.delivery().flush()


def last_fetch(visit: Visit) -> object:
    with visit.house.database.reading() as session:
        return session.get_one(Subscription, visit.subscription_id).last_fetch_at


@pytest.mark.postgres
def test_pages_and_api_say_in_words_that_the_house_does_not_answer_and_recover(
    visit: Visit, postgres: Postgres
) -> None:
    client, script = signed_in(visit), script_of(visit)
    with postgres.stopped():
        for path in ("/", f"/admin/courses/{visit.course_id}/", "/admin/nothing/here", "/nothing"):
            page = client.get(path, headers={"Accept-Language": "en"})
            assert (page.status_code, page.headers["Retry-After"]) == (503, "120"), path
            assert "A part of this house does not answer" in page.text
            assert "Nothing is lost" in page.text
        answer = script.get("/courses")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
        assert answer.headers["Content-Type"] == "application/problem+json"
        with client.get("/static/cadans.css") as sheet:
            assert sheet.status_code == 200
    wait_until_it_answers(lambda: client.get(f"/admin/courses/{visit.course_id}/"))
    assert client.get(f"/admin/courses/{visit.course_id}/").status_code == 200
    assert script.get("/courses").status_code == 200


def signed_in(visit: Visit) -> FlaskClient:
    """The owner's browser."""
    client = visit.app.test_client()
    with visit.house.database.writing() as session:
        account = an_account(session)
        a_membership(session, account, session.get_one(Course, visit.course_id), Role.OWNER)
    sign_in(client, account)
    return client


def script_of(visit: Visit) -> Script:
    with visit.house.database.writing() as session:
        account = an_account(session)
        a_membership(session, account, session.get_one(Course, visit.course_id), Role.OWNER)
    return Script(client=visit.app.test_client(), token=a_token(visit.house, account).text)


@pytest.mark.postgres
def test_database_that_stands_still_holds_up_nobody_for_long(
    visit: Visit, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "SILENCE_MS", 300)
    monkeypatch.setattr(asking, "REST_SECONDS", 5)
    other = visit.another_token()
    etag = visit.get(visit.feed).headers["ETag"]
    with postgres.frozen():
        assert visit.get(visit.feed, If_None_Match=etag).status_code == 304
        # Threads that waited here would be missing for polls.
        with capture_logs() as events:
            assert visit.get("/").status_code == 503
        # It did not even try.
        assert "DatabaseUnreachable" in {each.get("error") for each in events}
        begun = time.monotonic()
        with ThreadPoolExecutor(MANY) as threads:
            known = threads.map(lambda _: visit.get(visit.feed).status_code, range(MANY))
            unknown = threads.map(lambda _: visit.get(f"/f/{other}.xml").status_code, range(MANY))
            assert (set(known), set(unknown)) == ({200}, {503})
        for _ in range(10):
            assert visit.get(f"/f/{other}.xml").status_code == 503
        # Two of them may have tried to connect, for three seconds each; the rest did not wait.
        assert time.monotonic() - begun < 5 * standing.CONNECT_SECONDS
    wait_until_it_answers(lambda: visit.get(f"/f/{other}.xml"))


@pytest.mark.s3
@pytest.mark.parametrize("how", ["redirect", "serve"])
def test_feeds_go_on_and_audio_says_503_while_the_store_is_down(
    how: str,
    environ: dict[str, str],
    s3_server: S3Server,
    s3_url: str,
    make_visit: Callable[[dict[str, str]], Visit],
) -> None:
    visit = make_visit({**environ, **KEYS, "CADANS_STORE": s3_url, "CADANS_AUDIO": how})
    with s3_server.stopped():
        for _ in range(2):
            assert says_when_to_come_back(visit.get(visit.audio()))
        assert visit.get(visit.feed).status_code == 200
        assert visit.head(visit.audio()).status_code == 200
    wait_until_it_answers(lambda: visit.get(visit.audio()))
    answer = visit.get(visit.audio())
    assert answer.status_code == {"redirect": 302, "serve": 200}[how]
    if how == "redirect":
        assert answer.headers["Location"].startswith(s3_server.endpoint)


@pytest.mark.s3
def test_pages_say_in_words_that_the_store_is_down(
    environ: dict[str, str],
    s3_server: S3Server,
    s3_url: str,
    make_visit: Callable[[dict[str, str]], Visit],
) -> None:
    visit = make_visit({**environ, **KEYS, "CADANS_STORE": s3_url})
    key = f"{visit.course_id}/{'a' * 32}.jpg"
    visit.set(Course, visit.course_id, cover_key=key, cover_type="image/jpeg", cover_number=1)
    with s3_server.stopped():
        picture = visit.get(f"/{slug_of(visit)}/cover-1.jpg")
    assert (picture.status_code, picture.headers["Retry-After"]) == (503, "120")


def slug_of(visit: Visit) -> str:
    with visit.house.database.reading() as session:
        return session.get_one(Course, visit.course_id).slug
