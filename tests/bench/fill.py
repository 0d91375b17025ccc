"""Many subscriptions, fast: one course of four lessons, all of them heard and written down."""

import secrets
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.db import migrate
from app.db.models import Course, Lesson
from app.house import House
from app.services.feeds import load_served
from feeds.conditional import feed_etag
from feeds.tokens import build_token
from tests.builders import a_course

LESSONS = 4
BATCH = 20_000
# A screenful, as people write them.
NOTES = "\n\n".join(
    f"{word} people come for the subject and stay for each other, says this lesson. "
    "Write down who you would miss, and ask one of them a question **this week**."
    for word in ("Many", "Some", "New", "Old")
)


def fill(house: House, count: int, tokens_file: Path, *, now: datetime) -> None:
    """Fill the tables, and write a line `<token> <ETag>` for each subscription."""
    migrate.upgrade(house.database)
    started_at = now - timedelta(days=30)
    with house.database.writing() as session:
        course = a_course(session, lessons=LESSONS, created_at=started_at, revised_at=started_at)
        lessons = session.scalars(select(Lesson).order_by(Lesson.position)).all()
        for lesson in lessons:
            lesson.notes = NOTES
            lesson.published_at = lesson.placed_at = started_at
        course_id, lesson_ids = course.id, [lesson.id for lesson in lessons]
    _Rows(house, course_id, lesson_ids, started_at).put(count, tokens_file)


class _Rows:
    def __init__(
        self, house: House, course_id: int, lesson_ids: Sequence[int], started_at: datetime
    ) -> None:
        self.house = house
        self.course_id = course_id
        self.lesson_ids = lesson_ids
        self.started_at = started_at

    def put(self, count: int, tokens_file: Path) -> None:
        etag = self._etag()
        with tokens_file.open("w") as file:
            for first in range(1, count + 1, BATCH):
                numbers = range(first, min(first + BATCH, count + 1))
                random_ids = [secrets.token_bytes(16) for _ in numbers]
                self._put_batch(numbers, random_ids)
                keys = self.house.settings.feed_keys
                file.writelines(
                    f"{build_token(keys, keys.current, random_id)} {etag}\n"
                    for random_id in random_ids
                )
        self._tidy()

    def _tidy(self) -> None:
        """Do what the database does by itself soon, and else in the middle of a measurement."""
        engine = self.house.database.engine
        work = "VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(work)

    def _etag(self) -> str:
        with self.house.database.reading() as session:
            served = load_served(session, self.course_id, self.house.settings.base_url)
            course = session.get_one(Course, self.course_id)
        return feed_etag(
            base_url=self.house.settings.base_url,
            course_revision=f"{served.id}.{course.revision}",
            subscription_revision=1,
            unlocked_lesson_ids=self.lesson_ids,
        )

    def _put_batch(self, numbers: range, random_ids: Sequence[bytes]) -> None:
        at = self.started_at.strftime("%Y-%m-%d %H:%M:%S.000000")
        key = self.house.settings.feed_keys.current
        self._insert(
            "listeners (id, email, email_key, name, created_at)",
            ((n, f"l{n}@example.org", f"l{n}@example.org", "Ben", at) for n in numbers),
        )
        self._insert(
            "subscriptions (id, public_id, listener_id, course_id, started_at, zone, language,"
            " revision, revised_at, next_unlock_plan, consent_version, consented_at)",
            (
                (
                    n,
                    uuid.uuid4().hex,
                    n,
                    self.course_id,
                    at,
                    "Europe/Amsterdam",
                    "nl",
                    1,
                    at,
                    1,
                    "1",
                    at,
                )
                for n in numbers
            ),
        )
        self._insert(
            "feed_addresses (random_id, subscription_id, key_number, created_at)",
            ((random_ids[n - numbers.start], n, key, at) for n in numbers),
        )
        days = [
            (self.started_at + timedelta(days=7 * place)).strftime("%Y-%m-%d %H:%M:%S.000000")
            for place in range(len(self.lesson_ids))
        ]
        self._insert(
            "unlocks (subscription_id, lesson_id, unlocked_at, pub_at, recorded_at)",
            (
                (n, lesson_id, day, day, day)
                for n in numbers
                for lesson_id, day in zip(self.lesson_ids, days, strict=True)
            ),
        )

    def _insert(self, into: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self.house.database.connect_for_writing() as connection:
            cursor = connection.connection.cursor()
            if connection.dialect.name == "sqlite":
                marks = ",".join("?" * (into.count(",") + 1))
                cursor.executemany(f"INSERT INTO {into} VALUES ({marks})", list(rows))  # noqa: S608 (our own words)
                return
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
