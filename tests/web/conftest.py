"""A listener with an app, on both databases: for whatever feeds and audio answer."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import Client, TestResponse

from app import create_app
from app.db.models import Course, FeedAddress, Lesson, Recording, Subscription
from app.house import House
from app.services.addresses import FeedAddresses
from app.settings import Settings
from app.web.delivery import Delivery
from feeds.tokens import FeedToken
from media.keys import ObjectKey
from tests.builders import START, a_course, a_subscription
from tests.parts.house import SettableClock
from tests.parts.serving import serving_app

SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)
SOUND = bytes(range(256)) * 40


@dataclass(kw_only=True)
class Visit:
    """One house, one course of four lessons, one subscription that began at START."""

    house: House
    clock: SettableClock
    app: Flask
    course_id: int
    subscription_id: int
    token: FeedToken
    lessons: list[str]
    lesson_ids: list[int]

    @property
    def feed(self) -> str:
        return f"/f/{self.token}.xml"

    def audio(self, number: int = 1, *, recording: int = 1, extension: str = "mp3") -> str:
        """The path of the audio of the number-th lesson."""
        return f"/a/{self.token}/{self.lessons[number - 1]}-{recording}.{extension}"

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.open("GET", path, headers)

    def head(self, path: str, **headers: str) -> TestResponse:
        return self.open("HEAD", path, headers)

    def open(
        self, method: str, path: str, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        return Client(self.app).open(path, method=method, headers=named, buffered=True)

    def at(self, instant: datetime) -> "Visit":
        self.clock.instant = instant
        return self

    def change(self, work: Callable[[Session], object]) -> None:
        """Do something in a transaction."""
        with self.house.database.writing() as session:
            work(session)

    def set(self, row: type[Course | Lesson | Subscription], row_id: int, **values: object) -> None:
        """Set columns; feeds learn of it as they do when services do so."""
        with self.house.database.writing() as session:
            session.execute(update(row).where(row.id == row_id).values(**values))
            session.execute(
                update(Course)
                .where(Course.id == self.course_id)
                .values(revision=Course.revision + 1, plan_revision=Course.plan_revision + 1)
            )

    def another_token(self, course: Course | None = None) -> FeedToken:
        """The token of somebody else, in the same course when no other is named."""
        with self.house.database.writing() as session:
            course = course or session.get_one(Course, self.course_id)
            return token_of(self.house, session, a_subscription(session, course).id)

    def delivery(self) -> Delivery:
        return cast("Delivery", self.app.wsgi_app)


def token_of(house: House, session: Session, subscription_id: int) -> FeedToken:
    addresses = FeedAddresses(base_url=house.settings.base_url, keys=house.settings.feed_keys)
    return addresses.get_token(session, subscription_id)


def store_sound(house: House, recording: Recording, sound: bytes) -> None:
    """Put a recording into the store, and what it is into its row."""
    key = ObjectKey(recording.object_key)
    stored = house.store.put(key, [sound], recording.content_type)
    recording.size_bytes, recording.etag = stored.size_bytes, stored.etag


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """Where a browser of a test reaches the house."""
    with serving_app(app) as address:
        yield address


@pytest.fixture
def make_visit(
    clock: SettableClock, make_house: Callable[[Settings], House]
) -> Iterator[Callable[[dict[str, str]], Visit]]:
    made: list[Visit] = []

    def make(environ: dict[str, str]) -> Visit:
        house = make_house(Settings.from_env(environ))
        with house.database.writing() as session:
            course = a_course(session)
            subscription = a_subscription(session, course)
            lessons = session.scalars(
                select(Lesson).where(Lesson.course_id == course.id).order_by(Lesson.position)
            ).all()
            for recording in session.scalars(select(Recording)):
                store_sound(house, recording, SOUND)
            visit = Visit(
                house=house,
                clock=clock,
                app=create_app(house.settings, house),
                course_id=course.id,
                subscription_id=subscription.id,
                token=token_of(house, session, subscription.id),
                lessons=[lesson.public_id for lesson in lessons],
                lesson_ids=[lesson.id for lesson in lessons],
            )
        made.append(visit.at(START))
        return visit

    yield make
    for visit in made:
        visit.delivery().close()


@pytest.fixture
def both(
    database_url: str, environ: dict[str, str], make_visit: Callable[[dict[str, str]], Visit]
) -> Visit:
    """On SQLite and on PostgreSQL; the store is a folder."""
    keys = {
        "CADANS_DATABASE_URL": database_url,
        "CADANS_FEED_KEYS": f"1:{secrets.token_hex(32)}",
        "CADANS_SECRET_KEYS": secrets.token_hex(32),
    }
    return make_visit({**environ, **keys})


@pytest.fixture
def visit(environ: dict[str, str], make_visit: Callable[[dict[str, str]], Visit]) -> Visit:
    """On SQLite, where the database makes no difference."""
    return make_visit(environ)


def retire(visit: Visit, reason: str) -> None:
    """Take her address back."""
    with visit.house.database.writing() as session:
        session.execute(
            update(FeedAddress)
            .where(FeedAddress.subscription_id == visit.subscription_id)
            .values(retired_at=visit.clock(), reason=reason)
        )
