"""What was fetched, written down in batches, on both databases."""

from datetime import timedelta

from sqlalchemy import delete, select

from app.db.models import Fetches, Subscription
from app.db.session import Database
from app.services.fetches import FEED, FetchBuffer, FetchKey, Tally, write_fetches
from tests.builders import START, a_course, a_subscription

LATER = START + timedelta(hours=1)


def a_subscriber(database: Database) -> int:
    with database.writing() as session:
        return a_subscription(session, a_course(session)).id


def a_key(subscription_id: int, *, app: str = "AntennaPod", status: int = 304) -> FetchKey:
    return FetchKey(subscription_id, START.date(), FEED, app, status)


def write(database: Database, *pairs: tuple[FetchKey, Tally]) -> None:
    with database.writing() as session:
        write_fetches(session, pairs)


def test_counts_of_one_day_app_and_outcome_add_up(database: Database) -> None:
    key = a_key(a_subscriber(database))
    write(database, (key, Tally(2, 10, START, START)))
    write(database, (key, Tally(3, 5, LATER, LATER)))
    with database.reading() as session:
        row = session.scalars(select(Fetches)).one()
        assert (row.count, row.bytes_sent, row.first_at, row.last_at) == (5, 15, START, LATER)


def test_another_outcome_is_counted_apart(database: Database) -> None:
    number = a_subscriber(database)
    write(
        database,
        (a_key(number, status=200), Tally(1, 9, START, START)),
        (a_key(number, status=304), Tally(4, 0, START, START)),
    )
    with database.reading() as session:
        rows = session.scalars(select(Fetches).order_by(Fetches.status)).all()
        assert [(row.status, row.count) for row in rows] == [(200, 1), (304, 4)]


def test_subscription_knows_its_apps_last_sign_of_life(database: Database) -> None:
    number = a_subscriber(database)
    write(
        database,
        (a_key(number, app="Overcast"), Tally(1, 0, LATER, LATER)),
        (a_key(number, app="gPodder"), Tally(1, 0, START, START)),
    )
    write(database, (a_key(number, app="gPodder"), Tally(1, 0, START, START)))
    with database.reading() as session:
        row = session.get_one(Subscription, number)
        assert (row.last_fetch_at, row.last_app) == (LATER, "Overcast")


def test_fetch_of_an_erased_subscription_is_dropped_and_the_others_are_kept(
    database: Database,
) -> None:
    gone, here = a_subscriber(database), a_subscriber(database)
    with database.writing() as session:
        session.execute(delete(Subscription).where(Subscription.id == gone))
    tally = Tally(1, 0, START, START)
    write(database, (a_key(gone), tally), (a_key(here), tally))
    with database.reading() as session:
        assert session.scalars(select(Fetches.subscription_id)).all() == [here]


def test_buffer_gives_what_waited_longest_first() -> None:
    buffer = FetchBuffer(10)
    for number in (1, 2, 3):
        buffer.count(a_key(number), bytes_sent=0, at=START)
    assert [key.subscription_id for key in buffer.take(2)] == [1, 2]
    assert len(buffer) == 1


def test_buffer_adds_what_could_not_be_written_to_what_came_since() -> None:
    buffer = FetchBuffer(10)
    buffer.count(a_key(1), bytes_sent=5, at=START)
    taken = buffer.take(10)
    buffer.count(a_key(1), bytes_sent=7, at=LATER)
    buffer.put_back(taken)
    (tally,) = buffer.take(10).values()
    assert tally == Tally(2, 12, START, LATER)


def test_full_buffer_counts_on_what_it_knows_and_nothing_new() -> None:
    buffer = FetchBuffer(1)
    for number in (1, 2, 1):
        buffer.count(a_key(number), bytes_sent=0, at=START)
    assert [(key.subscription_id, tally.count) for key, tally in buffer.take(10).items()] == [
        (1, 2)
    ]
