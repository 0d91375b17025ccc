"""Parts that are down, secrets that must not leak, and what is counted."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from app.db.asking import StandingReader
from app.db.models import Course, Fetches, Recording, Subscription
from app.db.standing import DatabaseUnreachable
from app.services.apps import app_named
from media.keys import ObjectKey
from tests.parts.postgres import Postgres
from tests.web.conftest import SOUND, WEEK, Visit


def break_database(visit: Visit) -> None:
    """Put something else where the tables were."""
    visit.house.database.close()
    path = Path(make_url(visit.house.settings.database_url).database or "")
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    path.write_bytes(b"This is no database. " * 500)


def test_poll_with_the_database_down_gets_503_and_a_time_to_come_back(visit: Visit) -> None:
    break_database(visit)
    answer = visit.get(visit.feed)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_forged_token_costs_no_query(visit: Visit) -> None:
    break_database(visit)
    last = "a" if visit.token[-1] != "a" else "b"
    assert visit.get(f"/f/{visit.token[:-1]}{last}.xml").status_code == 404
    assert visit.get(f"/a/{visit.token[:-1]}{last}/abcd1234-1.mp3").status_code == 404


@pytest.mark.postgres
def test_reader_finds_its_way_back_after_the_database_restarted(
    both: Visit, request: pytest.FixtureRequest
) -> None:
    if both.house.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no connection that breaks")
    assert both.get(both.feed).status_code == 200
    cluster: Postgres = request.getfixturevalue("postgres")
    name = both.house.database.engine.url.database
    cluster.run(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 (our own name)
    )
    assert both.get(both.feed).status_code == 200


def test_database_that_is_not_there_is_told_apart_from_an_unknown_address(
    tmp_path: Path, visit: Visit
) -> None:
    engine = visit.house.database.engine
    elsewhere = engine.url.set(database=str(tmp_path / "nowhere" / "x.sqlite3"))
    with visit.house.database.engine.connect():
        reader = StandingReader(engine)
    engine.url = elsewhere
    with pytest.raises(DatabaseUnreachable):
        reader.find(b"x" * 16)


def test_lost_recording_gets_503_in_plain_text_and_never_a_page(visit: Visit) -> None:
    with visit.house.database.reading() as session:
        for key in session.scalars(select(Recording.object_key)):
            visit.house.store.delete(ObjectKey(key))
    answer = visit.get(visit.audio())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert visit.get(visit.feed).status_code == 200


@pytest.mark.s3
def test_bucket_that_is_down_lets_polls_go_on(
    environ: dict[str, str],
    s3_url: str,
    make_visit: Callable[[dict[str, str]], Visit],
) -> None:
    keys = {"CADANS_FEED_KEYS": "1:" + "cd" * 32, "CADANS_SECRET_KEYS": "e" * 64}
    visit = make_visit({**environ, **keys, "CADANS_STORE": s3_url, "CADANS_AUDIO": "serve"})
    with visit.house.database.reading() as session:
        for key in session.scalars(select(Recording.object_key)):
            visit.house.store.delete(ObjectKey(key))
    assert visit.get(visit.audio()).status_code == 503
    assert (visit.get(visit.feed).status_code, visit.head(visit.audio()).status_code) == (200, 200)


def test_course_that_makes_no_feed_gets_500_in_plain_text(visit: Visit) -> None:
    visit.set(Course, visit.course_id, category="No such category")
    answer = visit.get(visit.feed)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_rule_21_no_token_reaches_a_log_whatever_goes_wrong(
    visit: Visit, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as events:
        visit.get(visit.feed)
        visit.get(visit.audio(2))
        visit.set(Course, visit.course_id, category="No such category")
        visit.get(visit.feed)
        break_database(visit)
        visit.get(visit.feed)
        visit.get(visit.audio())
    said = repr(events) + caplog.text + "".join(capfd.readouterr())
    assert "delivery_failed" in said
    assert "database_unreachable" in said
    assert visit.token not in said
    assert visit.lessons[0] not in said


def test_rule_21_answers_send_no_referrer_on(visit: Visit) -> None:
    for path in (visit.feed, visit.audio()):
        assert visit.get(path).headers["Referrer-Policy"] == "no-referrer"


def test_fetches_are_counted_by_app_and_outcome(both: Visit) -> None:
    agent = "AntennaPod/3.4.0"
    etag = both.get(both.feed, User_Agent=agent).headers["ETag"]
    for _ in range(2):
        both.get(both.feed, User_Agent=agent, If_None_Match=etag)
    both.get(both.audio(), User_Agent=agent, Range="bytes=0-99")
    both.get(both.audio(2), User_Agent=agent)
    both.delivery().flush()
    with both.house.database.reading() as session:
        found = session.execute(
            select(Fetches.resource, Fetches.app, Fetches.status, Fetches.count, Fetches.bytes_sent)
        ).all()
        who = session.get_one(Subscription, both.subscription_id)
    first, second = both.lessons[:2]
    feed_bytes = next(row.bytes_sent for row in found if row.status == 200)
    assert {tuple(row) for row in found} == {
        ("feed", "AntennaPod", 200, 1, feed_bytes),
        ("feed", "AntennaPod", 304, 2, 0),
        (first, "AntennaPod", 206, 1, 100),
        (second, "AntennaPod", 403, 1, 0),
    }
    assert (who.last_fetch_at, who.last_app) == (both.clock(), "AntennaPod")


def test_head_counts_for_nothing(visit: Visit) -> None:
    visit.head(visit.feed)
    visit.head(visit.audio())
    visit.delivery().flush()
    with visit.house.database.reading() as session:
        assert session.scalars(select(Fetches)).all() == []


def test_request_itself_writes_nothing(visit: Visit) -> None:
    with visit.house.database.reading() as session:
        before = session.scalar(text("PRAGMA data_version"))
        visit.at(visit.clock() + WEEK).get(visit.feed)
        visit.get(visit.audio())
        session.rollback()
        assert session.scalar(text("PRAGMA data_version")) == before


def test_counts_wait_while_the_database_takes_nothing(visit: Visit) -> None:
    visit.get(visit.feed)
    with visit.house.database.writing() as session:
        session.execute(text("ALTER TABLE fetches RENAME TO away"))
    visit.delivery().flush()
    with visit.house.database.writing() as session:
        session.execute(text("ALTER TABLE away RENAME TO fetches"))
    visit.delivery().flush()
    with visit.house.database.reading() as session:
        assert session.scalars(select(Fetches.count)).all() == [1]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("AntennaPod/3.4.0", "AntennaPod"),
        ("Overcast/3.0 (+http://overcast.fm/; iOS podcast app)", "Overcast"),
        ("Podcasts/1650.1 CFNetwork/1399 Darwin/22.1.0", "Apple Podcasts"),
        ("AppleCoreMedia/1.0.0.20B110 (iPhone; U; CPU OS 16_1_2)", "Apple Podcasts"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1) Chrome/99", "Google"),
        ("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/118.0", "Firefox"),
        ("something new", "other"),
        ("", "other"),
        ("x" * 5_000 + "AntennaPod", "other"),
    ],
)
def test_app_is_named_by_what_it_says_first(user_agent: str, name: str) -> None:
    assert app_named(user_agent) == name


def test_public_podcasts_are_not_served_yet(visit: Visit) -> None:
    assert visit.get("/p/some-name.xml").status_code == 404


def test_nginx_sends_the_bytes_when_the_operator_says_so(
    environ: dict[str, str], make_visit: Callable[[dict[str, str]], Visit]
) -> None:
    visit = make_visit({**environ, "CADANS_AUDIO": "accel"})
    with visit.house.database.reading() as session:
        key = session.scalars(select(Recording.object_key).order_by(Recording.id)).first()
    answer = visit.get(visit.audio())
    assert (answer.data, answer.headers["X-Accel-Redirect"]) == (b"", f"/_store/{key}")
    assert "X-Accel-Redirect" not in visit.get(visit.audio(2)).headers


def test_course_is_compiled_once_per_revision(visit: Visit) -> None:
    visit.get(visit.feed)
    with visit.house.database.writing() as session:
        # Behind the back of the revision, so that only a fresh rendering could know.
        session.execute(update(Course).values(title="Nobody may see this yet"))
    visit.at(visit.clock() + timedelta(days=7))
    assert "Nobody may see this yet" not in visit.get(visit.feed).text
    visit.set(Course, visit.course_id, author="Bea")
    assert "Nobody may see this yet" in visit.get(visit.feed).text


def test_sound_of_a_lesson_comes_whole(visit: Visit) -> None:
    assert visit.get(visit.audio()).data == SOUND
