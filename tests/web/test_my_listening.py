"""Her place in a lesson: said by a browser, shown by the next; and Eve, who says it for others."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.db.models import Course, Lesson, Listener, Position, Subscription
from app.house import House
from app.kinds import LessonState, RetireReason
from app.services.addresses import retire
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import SettableClock

MINUTE = 60_000


class Home:
    """A listener with one lesson unlocked, and how to come in as her."""

    def __init__(self, app: Flask, house: House) -> None:
        self.app, self.house = app, house
        with house.database.writing() as session:
            self.course: Course = a_course(session, lessons=2)
            self.listener: Listener = a_listener(session)
            self.subscription: Subscription = a_subscription(session, self.course, self.listener)
            self.lessons = session.scalars(select(Lesson.public_id).order_by(Lesson.position)).all()
        self.follow = f"/my/follow/{self.subscription.public_id}"
        self.save = f"/my/listening/{self.subscription.public_id}"

    def client_of(self, listener: Listener, *, only: int | None = None) -> FlaskClient:
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            now = int(self.house.clock().timestamp())
            until = now + int(timedelta(days=1).total_seconds())
            cookie["listener"] = [listener.id, only, until, now, "sign-in"]
        return client

    def said(self, minutes: float, *, lesson: int = 1, **more: str) -> dict[str, str]:
        place = {"lesson": self.lessons[lesson - 1], "position_ms": str(int(minutes * MINUTE))}
        return {**place, "age_ms": "0", **more}

    def rows(self) -> list[tuple[int, int]]:
        with self.house.database.reading() as session:
            found = session.scalars(select(Position))
            return [(row.subscription_id, row.position_ms) for row in found]


@pytest.fixture
def home(app: Flask, house: House) -> Home:
    return Home(app, house)


@pytest.fixture
def ben(home: Home) -> FlaskClient:
    return home.client_of(home.listener)


def test_what_one_device_said_the_next_one_shows(home: Home, ben: FlaskClient) -> None:
    answer = ben.post(home.save, data=home.said(12))
    assert answer.json == {"heard": "12 van 15 min beluisterd"}
    page = home.client_of(home.listener).get(home.follow).text
    assert "12 van 15 min beluisterd" in page
    assert 'data-resume-ms="720000"' in page
    assert re.search(r'href="/a/[^"]+\.mp3#t=720"', page)
    assert "12:00" in page


def test_pages_of_a_course_with_no_published_lesson_say_what_comes(
    home: Home, ben: FlaskClient
) -> None:
    with home.house.database.writing() as session:
        for lesson in session.scalars(select(Lesson)):
            lesson.state, lesson.published_at = LessonState.DRAFT, None
    for page in (home.follow, f"/my/course/{home.subscription.public_id}", "/my/"):
        answer = ben.get(page)
        assert answer.status_code == 200
        assert "<audio" not in answer.text


def test_course_page_plays_what_is_unlocked_and_shows_how_far_she_is(
    home: Home, ben: FlaskClient
) -> None:
    ben.post(home.save, data=home.said(12))
    page = ben.get(f"/my/course/{home.subscription.public_id}").text
    assert page.count("<audio") == 1
    assert f'data-save-url="{home.save}"' in page
    assert "12 van 15 min beluisterd" in page


def test_course_page_without_an_address_in_use_plays_nothing(
    home: Home, ben: FlaskClient, house: House
) -> None:
    with house.database.writing() as session:
        retire(session, home.subscription.id, reason=RetireReason.REVOKED, now=house.clock())
    answer = ben.get(f"/my/course/{home.subscription.public_id}")
    assert answer.status_code == 200
    assert "<audio" not in answer.text


def test_a_player_says_how_long_ago_she_was_there(
    home: Home, ben: FlaskClient, clock: SettableClock
) -> None:
    ben.post(home.save, data=home.said(1, age_ms="5000"))
    clock.advance(timedelta(seconds=7))
    assert 'data-age-ms="12000"' in ben.get(home.follow).text


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0.75, "45 s van 15 min beluisterd"), (1, "1 van 15 min"), (14.9, "Beluisterd")],
)
def test_how_far_she_is_stands_in_words(
    home: Home, ben: FlaskClient, minutes: float, words: str
) -> None:
    answer = ben.post(home.save, data=home.said(minutes))
    assert words in (answer.json or {})["heard"]
    assert words in ben.get(home.follow).text


def test_a_lesson_she_never_played_says_nothing(home: Home, ben: FlaskClient) -> None:
    page = ben.get(home.follow).text
    assert "beluisterd" not in page
    assert "#t=" not in page


def test_a_locked_lesson_takes_no_place(home: Home, ben: FlaskClient) -> None:
    assert ben.post(home.save, data=home.said(1, lesson=2)).status_code == 404
    assert home.rows() == []


@pytest.mark.parametrize("field", ["lesson", "position_ms", "age_ms"])
def test_half_a_message_changes_nothing(home: Home, ben: FlaskClient, field: str) -> None:
    said = home.said(1)
    del said[field]
    assert ben.post(home.save, data=said).status_code in {404, 422}
    assert home.rows() == []


def test_too_often_is_told_when_to_come_back(home: Home, ben: FlaskClient) -> None:
    ben.post(home.save, data=home.said(1))
    answer: TestResponse = ben.post(home.save, data=home.said(2))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert home.rows() == [(home.subscription.id, MINUTE)]


def test_eve_cannot_say_where_ben_is(home: Home, house: House) -> None:
    with house.database.writing() as session:
        course = session.get_one(Course, home.course.id)
        eve, other = a_listener(session), a_course(session)
        own = a_subscription(session, course, eve)
        elsewhere = a_subscription(session, other, eve)
    for client in (home.client_of(eve), home.client_of(eve, only=own.id)):
        assert client.post(home.save, data=home.said(1)).status_code == 404
    only_elsewhere = home.client_of(eve, only=elsewhere.id)
    own_save = f"/my/listening/{own.public_id}"
    assert only_elsewhere.post(own_save, data=home.said(1)).status_code == 404
    assert home.app.test_client().post(home.save, data=home.said(1)).status_code == 303
    assert home.rows() == []


def test_a_place_is_only_taken_from_our_own_pages(app: Flask, home: Home, ben: FlaskClient) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert ben.post(home.save, data=home.said(1), headers=elsewhere).status_code == 403
    app.config["WTF_CSRF_ENABLED"] = True
    assert ben.post(home.save, data=home.said(1)).status_code == 400
    found = re.search(r'data-csrf="([^"]+)"', ben.get(home.follow).text)
    assert found is not None
    assert ben.post(home.save, data=home.said(1, csrf_token=found[1])).status_code == 200
