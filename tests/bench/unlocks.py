"""A million subscriptions on PostgreSQL, of which twenty thousand fall due in one minute.

What is measured is `cadans worker` as it is started anywhere, mail and all, from its start until
each of them is told: unlock and outbox row committed.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.clock import system_clock
from app.db import migrate
from app.db.models import Lesson, OutboxMail, Unlock
from app.db.session import Database, open_database
from tests.bench.figures import Measure, say
from tests.bench.houses import cluster, environ_of, socket_url, working
from tests.builders import a_course
from tests.parts.crowds import Crowd, add_crowd, analyse
from tests.parts.postgres import Postgres

WEEK = timedelta(days=7)
MINUTE_SECONDS = 60
GIVE_UP_SECONDS = 1_200
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How long it took from the workers' start, and how many a second once they were at it."""

    seconds: float
    rate: float


def run(*, is_quick: bool) -> list[Measure]:
    """Measure one worker, then two, by turns on copies of the same tables."""
    everybody, due = (50_000, 5_000) if is_quick else (1_000_000, 20_000)
    with cluster() as (postgres, socket), tempfile.TemporaryDirectory() as var:
        postgres.run("CREATE DATABASE filled")
        say(f"unlocks: {everybody:,} subscriptions …")
        fill(socket_url(postgres.port, socket, "filled"), everybody, due)
        runs: dict[int, list[Told]] = {1: [], 2: []}
        for number in range(ROUNDS):
            for workers, found in runs.items():
                say(f"unlocks: {workers} at work, round {number + 1} of {ROUNDS} …")
                name = f"round_{number}_{workers}"
                with _copied(postgres, name):
                    url = socket_url(postgres.port, socket, name)
                    found.append(measure(url, Path(var) / name, workers, due))
    told = {workers: _middle(each) for workers, each in runs.items()}
    return _measures(f"postgres, {due:,} of {everybody:,} subscriptions", told)


def _measures(what: str, told: Mapping[int, Told]) -> list[Measure]:
    return [
        Measure(
            bench="unlocks",
            name=f"{what} told by one worker",
            value=told[1].seconds,
            unit="s",
            target=300,
            is_at_most=True,
            facts={"per_second": round(told[1].rate)},
        ),
        Measure(
            bench="unlocks",
            name=f"{what}, two workers",
            value=told[2].rate / told[1].rate,
            unit="x one worker",
            target=1.5,
            facts={"seconds": round(told[2].seconds, 1), "per_second": round(told[2].rate)},
        ),
    ]


@contextmanager
def _copied(postgres: Postgres, name: str) -> Iterator[None]:
    """A copy of the filled tables for one round."""
    postgres.run(f"CREATE DATABASE {name} TEMPLATE filled")
    yield
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def _middle(runs: Sequence[Told]) -> Told:
    """The one of middling speed: a machine that does something else for a second spoils a run."""
    return sorted(runs, key=lambda told: told.rate)[len(runs) // 2]


def fill(url: str, everybody: int, due: int) -> None:
    """Fill the tables; the minute in which some fall due has just begun to be over."""
    database = open_database(url)
    migrate.upgrade(database)
    now = system_clock().replace(microsecond=0)
    with database.writing() as session:
        course = a_course(session, zone="UTC", created_at=now - 9 * WEEK, opened_at=now - 9 * WEEK)
        first = open_lessons(session, now - 8 * WEEK)
        first_id = 1
        for second in range(MINUTE_SECONDS):
            for count, ends_at in (
                (due // MINUTE_SECONDS + (second < due % MINUTE_SECONDS), now),
                ((everybody - due) // MINUTE_SECONDS, now + timedelta(days=1 + second % 6)),
            ):
                next_at = ends_at - timedelta(seconds=second)
                add_crowd(session, course, waiting(count, first_id, next_at, first))
                first_id += count
    with database.writing() as session:
        analyse(session)
    database.close()


def waiting(count: int, first_id: int, next_at: datetime, heard: int) -> Crowd:
    """So many who heard lesson 1 and get lesson 2 at this instant."""
    return Crowd(
        count=count,
        first_id=first_id,
        started_at=next_at - WEEK,
        next_unlock_at=next_at,
        heard=[(heard, next_at - WEEK)],
    )


def open_lessons(session: Session, at: datetime) -> int:
    """Let all lessons be published at this instant; answer the first."""
    rows = session.scalars(select(Lesson).order_by(Lesson.position)).all()
    for lesson in rows:
        lesson.published_at = lesson.placed_at = at
    session.flush()
    return rows[0].id


def measure(url: str, folder: Path, workers: int, due: int) -> Told:
    """Start workers and watch until everybody was told."""
    database = open_database(url)
    begun, samples = time.monotonic(), []
    with working(environ_of(folder, url, CADANS_MAIL=f"maildir:{folder}/mail"), workers):
        while (done := told_so_far(database)) < due:
            if time.monotonic() - begun > GIVE_UP_SECONDS:
                raise TimeoutError(f"{done} of {due} were told")
            samples.append((time.monotonic(), done))
            # Each look takes from the two cores that are measured.
            time.sleep(0.5)
        ended = time.monotonic()
    database.close()
    at_work = [sample for sample in samples if sample[1] > 0]
    first_at, first = at_work[0] if at_work else (begun, 0)
    return Told(seconds=ended - begun, rate=(due - first) / max(ended - first_at, 0.001))


def told_so_far(database: Database) -> int:
    """How many have both: the unlock, and the row of its mail."""
    with database.reading() as session:
        query = select(func.count(Unlock.id)).join(OutboxMail, OutboxMail.id == Unlock.notice_id)
        return session.scalar(query) or 0
