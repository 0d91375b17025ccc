"""The rhythm of a course with many listeners is edited while their apps poll.

Two edits. The first while every listener has a lesson to be written down: the worst there is, so
it waits for all of them (`app.services.plans`). The second once all is written down: done with the
page. Measured from the owner's save until feeds follow the new plan and every listener is settled
in it, by one worker; and how long polls take meanwhile.
"""

import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from app.clock import system_clock
from app.db import migrate
from app.db.models import Course, FeedAddress
from app.house import House
from app.services import courses, due
from app.settings import Settings
from app.wiring import open_house
from feeds.rhythm import Rhythm, RhythmKind
from feeds.tokens import build_token
from tests.bench.figures import Measure, say
from tests.bench.houses import cluster, environ_of, socket_url, working
from tests.bench.polls import serving
from tests.bench.unlocks import open_lessons, waiting
from tests.builders import a_course
from tests.parts.crowds import add_crowd, analyse

WEEK = timedelta(days=7)
POLLED = 2_000
# One after another, as often as all apps of 100,000 listeners ask who poll once in half an hour.
PAUSE_SECONDS = 0.018
GIVE_UP_SECONDS = 1_200


@dataclass(kw_only=True)
class Edit:
    """What one edit cost."""

    answered: float
    switched: float
    settled: float
    polls: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.polls, n=100)[-1]


def run(databases: Sequence[str], *, is_quick: bool) -> list[Measure]:
    """Measure both edits on each database."""
    count = 5_000 if is_quick else 100_000
    return [each for database in databases for each in _measure(database, count)]


def _measure(database: str, count: int) -> list[Measure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cadans-bench-")))
        url = stack.enter_context(_url(database, folder))
        environ = environ_of(folder, url, CADANS_MAIL=f"maildir:{folder}/mail")
        house = open_house(Settings.from_env(environ))
        stack.callback(house.close)
        say(f"edits: {database}, {count:,} subscriptions …")
        course_id, tokens = fill(house, count)
        port = stack.enter_context(serving("tests.bench.apps:product", environ, 16))
        stack.enter_context(working(environ))
        heavy = edit(house, course_id, 3, port, tokens)
        light = edit(house, course_id, 5, port, tokens)
    what = f"{database}, {count:,} listeners"
    return [
        *_figures(f"{what}, all of them due", heavy, count),
        *_figures(f"{what}, nobody due", light, count),
    ]


def _figures(name: str, edit: Edit, count: int) -> list[Measure]:
    facts = {
        "page_s": round(edit.answered, 2),
        "switched_s": round(edit.switched, 1),
        "listeners_per_second": round(count / edit.settled),
    }
    return [
        Measure(
            bench="edits",
            name=f"{name}: in force",
            value=edit.switched,
            unit="s",
            target=60,
            is_at_most=True,
            facts=facts,
        ),
        Measure(bench="edits", name=f"{name}: all settled in it", value=edit.settled, unit="s"),
        Measure(
            bench="edits",
            name=f"{name}: slowest poll meanwhile",
            value=max(edit.polls),
            unit="s",
            target=1,
            is_at_most=True,
            facts={"polls": len(edit.polls), "p99_ms": round(edit.p99 * 1000, 1)},
        ),
    ]


def fill(house: House, count: int) -> tuple[int, list[str]]:
    """One course whose listeners all got their second lesson a moment ago; some of their tokens."""
    migrate.upgrade(house.database)
    now = system_clock().replace(microsecond=0)
    with house.database.writing() as session:
        course = a_course(
            session, lessons=8, zone="UTC", created_at=now - 9 * WEEK, opened_at=now - 9 * WEEK
        )
        add_crowd(session, course, waiting(count, 1, now, open_lessons(session, now - 8 * WEEK)))
    with house.database.writing() as session:
        analyse(session)
    keys = house.settings.feed_keys
    with house.database.reading() as session:
        ids = session.scalars(select(FeedAddress.random_id).limit(POLLED)).all()
    return course.id, [str(build_token(keys, keys.current, each)) for each in ids]


def edit(house: House, course_id: int, days: int, port: int, tokens: Sequence[str]) -> Edit:
    """Save another rhythm, and watch until everybody is settled in it."""
    with house.database.reading() as session:
        before = courses.get(session, course_id).plan_revision
    with polling(port, tokens) as polls:
        begun = time.monotonic()
        _save(house, course_id, days)
        answered = time.monotonic() - begun
        until(lambda: _look(house, course_id)[0].plan_revision > before)
        switched = time.monotonic() - begun
        until(lambda: not _look(house, course_id)[1])
        settled = time.monotonic() - begun
    return Edit(answered=answered, switched=switched, settled=settled, polls=polls)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; gives up in the end."""
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while not is_so():
        if time.monotonic() > give_up_at:
            raise TimeoutError
        time.sleep(0.25)


def _save(house: House, course_id: int, days: int) -> None:
    rhythm = Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=days)
    with house.database.writing() as session:
        course = courses.get(session, course_id)
        fields = replace(courses.fields_of(session, course), rhythm=rhythm)
        courses.edit(session, course_id, fields, version=course.version, now=house.clock())


def _look(house: House, course_id: int) -> tuple[Course, int]:
    with house.database.reading() as session:
        course = courses.get(session, course_id)
        return course, due.count_in_course(session, course, now=house.clock())


@contextmanager
def polling(port: int, tokens: Sequence[str]) -> Iterator[list[float]]:
    """Poll one feed after another; gives how long each poll took, in seconds."""
    took: list[float] = []
    stop = threading.Event()

    def poll() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        number = 0
        while not stop.wait(PAUSE_SECONDS):
            begun = time.monotonic()
            connection.request("GET", f"/f/{tokens[number % len(tokens)]}.xml")
            answer = connection.getresponse()
            answer.read()
            took.append(time.monotonic() - begun if answer.status == 200 else float("inf"))
            number += 1
        connection.close()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


@contextmanager
def _url(database: str, folder: Path) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/cadans.sqlite3"
        return
    with cluster() as (postgres, socket):
        postgres.run("CREATE DATABASE edits")
        yield socket_url(postgres.port, socket, "edits")
