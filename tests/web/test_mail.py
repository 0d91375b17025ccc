"""What comes into her mailbox as the weeks go by."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db.models import Course, Lesson
from app.house import House
from app.jobs.unlocks import record_unlocks
from app.kinds import LessonState
from feeds.rhythm import RhythmKind
from tests.builders import a_course, a_lesson
from tests.parts.house import SettableClock
from tests.parts.letters import html_of, path_in, send_mail, text_of

WEEK = timedelta(days=7)
KIM = {"name": "Kim <b>", "email": "kim@example.org", "zone": "Europe/Amsterdam"}


def join(client: FlaskClient, house: House, slug: str) -> None:
    client.post(f"/{slug}?lang=en", data=KIM)
    client.post(path_in(send_mail(house)[-1], "/my/confirm/"))


@pytest.fixture
def course(house: House) -> Course:
    with house.database.writing() as session:
        course = a_course(session, slug="bloei", title="Bloei", lessons=0)
        for number in (1, 2, 3):
            a_lesson(
                session, course, position=number, title=f"Les {number}", title_key=f"les {number}"
            )
    return course


@pytest.mark.usefixtures("course")
def test_welcome_says_how_to_follow_and_what_comes_when(client: FlaskClient, house: House) -> None:
    join(client, house, "bloei")
    (mail,) = send_mail(house)
    assert mail["Subject"] == "Your first lesson is ready: Les 1"
    assert "- Les 2: Monday 8 June at 08:00" in text_of(mail)
    assert "- Les 3: Monday 15 June at 08:00" in text_of(mail)
    assert client.get(path_in(mail, "/my/open/")).status_code == 303


@pytest.mark.usefixtures("course")
def test_name_is_used_once_confirmed_and_never_as_markup(client: FlaskClient, house: House) -> None:
    join(client, house, "bloei")
    (mail,) = send_mail(house)
    assert "Hello Kim <b>" in text_of(mail)
    assert "Hello Kim &lt;b&gt;" in html_of(mail)


@pytest.mark.usefixtures("course")
def test_each_unlock_brings_one_mail(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    join(client, house, "bloei")
    send_mail(house)
    clock.advance(WEEK - timedelta(seconds=1))
    record_unlocks(house)
    assert send_mail(house) == []
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        record_unlocks(house)
    (mail,) = send_mail(house)
    assert mail["Subject"] == "Lesson 2 is ready for you: Les 2"
    assert "The next one comes on Monday 15 June at 08:00." in text_of(mail)
    assert "15 min" in text_of(mail)


def test_last_mail_says_that_the_course_is_complete(
    client: FlaskClient, house: House, clock: SettableClock, course: Course
) -> None:
    with house.database.writing() as session:
        session.get_one(Course, course.id).finished_at = clock()
    join(client, house, "bloei")
    clock.advance(2 * WEEK)
    record_unlocks(house)
    mail = send_mail(house)[-1]
    assert mail["Subject"] == "2 lessons are ready for you: Bloei"
    assert "With this the course is complete." in text_of(mail)


def test_beat_row_shows_how_far_she_is(
    client: FlaskClient, house: House, clock: SettableClock, course: Course
) -> None:
    assert course.id
    join(client, house, "bloei")
    clock.advance(WEEK)
    record_unlocks(house)
    html = html_of(send_mail(house)[-1])
    beats = [sign for sign in ("&#9679;", "&#9678;", "&#9675;") for _ in range(html.count(sign))]
    assert beats == ["&#9679;", "&#9679;", "&#9678;"]
    assert "2 of 3 lessons unlocked, the next on Monday 15 June at 08:00" in html


def test_course_on_fixed_dates_welcomes_without_a_lesson(
    client: FlaskClient, house: House, clock: SettableClock, course: Course
) -> None:
    with house.database.writing() as session:
        session.get_one(Course, course.id).rhythm_kind = RhythmKind.FIXED_DATES
        for number, lesson in enumerate(session.scalars(select(Lesson).order_by(Lesson.position))):
            lesson.release_at = clock() + timedelta(days=3 + number)
    join(client, house, "bloei")
    (mail,) = send_mail(house)
    assert mail["Subject"] == "Welcome to Bloei"
    assert "- Les 1: Thursday 4 June at 08:00" in text_of(mail)


def test_lesson_that_was_removed_meanwhile_is_not_announced(
    client: FlaskClient, house: House, clock: SettableClock, course: Course
) -> None:
    assert course.id
    join(client, house, "bloei")
    send_mail(house)
    clock.advance(WEEK)
    record_unlocks(house)
    with house.database.writing() as session:
        lesson = session.scalars(select(Lesson).where(Lesson.position == 2)).one()
        lesson.state = LessonState.REMOVED
    assert send_mail(house) == []
