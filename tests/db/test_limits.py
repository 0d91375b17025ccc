from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from app.db.models import DailySalt, LimitCount
from app.db.session import Database
from app.services import limits
from app.services.limits import Limit

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
THREE_AN_HOUR = Limit(name="three", times=3, window=timedelta(hours=1))


def try_once(database: Database, who: str, now: datetime, limit: Limit = THREE_AN_HOUR) -> bool:
    with database.writing() as session:
        return limits.is_within(session, limit, who, now=now)


def test_limit_is_reached_after_as_many_tries_as_it_says(database: Database) -> None:
    assert [try_once(database, "kim", NOON) for _ in range(4)] == [True, True, True, False]


def test_next_window_starts_on_the_second(database: Database) -> None:
    for _ in range(4):
        try_once(database, "kim", NOON)
    assert not try_once(database, "kim", NOON + timedelta(minutes=59, seconds=59))
    assert try_once(database, "kim", NOON + timedelta(hours=1))


def test_people_and_limits_are_counted_apart(database: Database) -> None:
    for _ in range(4):
        try_once(database, "kim", NOON)
    assert try_once(database, "ben", NOON)
    assert try_once(database, "kim", NOON, Limit(name="other", times=3, window=timedelta(hours=1)))


def test_nothing_kept_tells_who_tried(database: Database) -> None:
    try_once(database, "kim@example.org", NOON)
    with database.reading() as session:
        row = session.scalars(select(LimitCount)).one()
    assert b"kim" not in row.sha256


def test_hash_means_nothing_once_the_day_is_over(database: Database) -> None:
    with database.writing() as session:
        today = limits.count_key(session, "kim", now=NOON)
        assert limits.count_key(session, "kim", now=NOON + timedelta(hours=11)) == today
        assert limits.count_key(session, "kim", now=NOON + timedelta(days=1)) != today


def test_salts_and_counts_of_past_days_are_thrown_away(database: Database) -> None:
    tomorrow = NOON + timedelta(days=1)
    for now in (NOON, tomorrow):
        try_once(database, "kim", now)
    with database.writing() as session:
        assert limits.forget(session, now=tomorrow) == 2
        assert session.scalars(select(DailySalt.salt_on)).all() == [tomorrow.date()]
        assert session.scalar(select(func.count()).select_from(LimitCount)) == 1


def test_networks_hide_who_is_inside_them() -> None:
    assert limits.network_of("192.0.2.17") == limits.network_of("192.0.2.200") == "192.0.2.0/24"
    assert limits.network_of("2001:db8:1:2:aaaa::1") == "2001:db8:1:2::/64"
    assert limits.network_of("2001:db8:1:2::1") != limits.network_of("2001:db8:1:3::1")
    assert limits.network_of("::ffff:192.0.2.17") == "192.0.2.0/24"
    assert limits.network_of("fe80::1%eth0") == "fe80::/64"
    assert limits.network_of(None) == limits.network_of("nonsense") == "unknown"
