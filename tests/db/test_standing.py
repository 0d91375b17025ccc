"""The hot path's reader: many threads ask at once, and each gets its own answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from threading import Barrier
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import select

from app.db.asking import StandingReader
from app.db.models import FeedAddress
from app.db.session import Database, open_database
from app.db.standing import DatabaseUnreachable, Standing
from tests.builders import a_course, a_subscription
from tests.parts.postgres import Postgres

THREADS = 16
PATIENCE_SECONDS = 30
Given = TypeVar("Given")
Got = TypeVar("Got")


@pytest.fixture
def reader(database: Database) -> Iterator[StandingReader]:
    with StandingReader(database.engine) as opened:
        yield opened


@pytest.fixture
def addresses(database: Database) -> dict[bytes, int]:
    """The subscription of each random id."""
    with database.writing() as session:
        course = a_course(session)
        for _ in range(THREADS):
            a_subscription(session, course)
        rows = session.execute(select(FeedAddress.random_id, FeedAddress.subscription_id))
        return dict(rows.all())


def at_once(ask: Callable[[Given], Got], of: Sequence[Given]) -> list[Got]:
    """Ask in as many threads, all at the same moment."""
    barrier = Barrier(len(of))

    def one(given: Given) -> Got:
        barrier.wait()
        return ask(given)

    with ThreadPoolExecutor(len(of)) as pool:
        return list(pool.map(one, of))


def test_each_of_many_who_ask_at_once_gets_her_own_standing(
    reader: StandingReader, addresses: dict[bytes, int]
) -> None:
    for _ in range(20):
        found = at_once(reader.find, list(addresses))

        assert [each and each.subscription_id for each in found] == list(addresses.values())


def test_strangers_among_them_get_nothing(
    reader: StandingReader, addresses: dict[bytes, int]
) -> None:
    asked = [*list(addresses)[:8], *(bytes([number]) * 16 for number in range(8))]

    found = at_once(reader.find, asked)

    assert [each is not None for each in found] == [True] * 8 + [False] * 8


def test_who_asks_for_the_same_address_at_once_gets_the_same_answer(
    reader: StandingReader, addresses: dict[bytes, int]
) -> None:
    random_id, subscription_id = next(iter(addresses.items()))

    found = at_once(reader.find, [random_id] * THREADS)

    assert {each and each.subscription_id for each in found} == {subscription_id}


def test_reader_that_was_closed_opens_again(
    reader: StandingReader, addresses: dict[bytes, int]
) -> None:
    reader.close()

    assert reader.find(next(iter(addresses))) is not None


@pytest.mark.postgres
def test_everybody_who_waits_hears_that_the_database_is_gone_and_later_that_it_is_back(
    postgres: Postgres, open_test_database: Callable[[str], Database]
) -> None:
    with postgres.fresh() as url:
        database = open_test_database(url)
        with database.writing() as session:
            a_subscription(session, a_course(session))
            random_id = session.scalars(select(FeedAddress.random_id)).one()
        with StandingReader(database.engine) as reader:
            assert reader.find(random_id) is not None
            database.close()
            name = database.engine.url.database
            _allow(postgres, str(name), is_allowed=False)

            assert set(at_once(lambda each: outcome(reader, each), [random_id] * 8)) == {"gone"}

            _allow(postgres, str(name), is_allowed=True)
            wait_until(lambda: outcome(reader, random_id) == "found")


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


# Those of the question, backwards.
TABLES_FROM_THE_LAST = ["courses", "subscriptions", "feed_addresses"]


def outcome(reader: StandingReader, random_id: bytes) -> str:
    try:
        return "found" if reader.find(random_id) else "unknown"
    except DatabaseUnreachable:
        return "gone"


@pytest.mark.postgres
@pytest.mark.parametrize("is_first", [False, True], ids=["had asked before", "asks first"])
def test_who_is_held_up_by_a_change_of_the_tables_asks_again(
    postgres: Postgres, *, is_first: bool
) -> None:
    with postgres.fresh() as url, ThreadPoolExecutor(1) as asking:
        database = open_database(url)
        random_id = an_address(database)
        # Of two who wait for each other the one who asks gives way: once on each connection.
        tables = ["courses", "subscriptions"] if is_first else TABLES_FROM_THE_LAST
        with StandingReader(database.engine) as reader:
            if not is_first:
                assert outcome(reader, random_id) == "found"
            with psycopg.connect(url.replace("+psycopg", "")) as change:
                change.execute("SET deadlock_timeout = '1min'")
                change.execute(f"LOCK TABLE {tables[0]}")
                asked = asking.submit(outcome, reader, random_id)
                for held, wanted in pairwise(tables):
                    wait_until(partial(waits_for, held, change))
                    change.execute(f"LOCK TABLE {wanted}")
                wait_until(partial(waits_for, tables[-1], change))
                assert not reader.is_down()
            assert asked.result() == "found"
        database.close()


def an_address(database: Database) -> bytes:
    with database.writing() as session:
        a_subscription(session, a_course(session))
        return session.scalars(select(FeedAddress.random_id)).one()


def waits_for(table: str, connection: psycopg.Connection) -> bool:
    found = connection.execute(
        "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass", (table,)
    )
    return found.fetchone() is not None


def _allow(postgres: Postgres, name: str, *, is_allowed: bool) -> None:
    """Let nobody in any more and throw out who is, or let them in again."""
    postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(is_allowed).lower()}")
    if not is_allowed:
        postgres.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 (our own name)
        )


def test_waiters_are_woken_when_a_question_breaks_in_an_unforeseen_way(
    reader: StandingReader, addresses: dict[bytes, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lane in reader._lanes:  # noqa: SLF001 (nothing outside breaks so)

        def broken(question: str, parameter: object) -> object:
            raise MemoryError(question, parameter)

        monkeypatch.setattr(lane, "_ask", broken)

    def ask(random_id: bytes) -> str:
        try:
            return outcome(reader, random_id)
        except MemoryError:
            return "broken"

    assert set(at_once(ask, list(addresses))) <= {"broken", "gone"}


def test_work_that_breaks_for_one_breaks_for_nobody_else(
    reader: StandingReader, addresses: dict[bytes, int]
) -> None:
    asked = list(addresses)[:8]
    unlucky = addresses[asked[3]]

    def work(standing: Standing | None) -> int:
        assert standing is not None
        if standing.subscription_id == unlucky:
            raise ValueError(unlucky)
        return standing.subscription_id

    def ask(random_id: bytes) -> int | str:
        try:
            return reader.work_out(random_id, work)
        except ValueError:
            return "broken"

    found = at_once(ask, asked)

    assert found == [each if each != unlucky else "broken" for each in map(addresses.get, asked)]
