"""News by mail: at a human hour, several at once, halfway, complete, and not yet in an app."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db.models import Course, OutboxMail, Subscription, Unlock
from app.house import House
from app.jobs.milestones import MILESTONES
from app.jobs.unlocks import record_unlocks
from feeds.rhythm import RhythmKind
from tests.builders import a_course
from tests.parts.house import SettableClock
from tests.parts.letters import html_of, path_in, send_mail, text_of

KIM = {"name": "Kim", "email": "kim@example.org", "zone": "Europe/Amsterdam"}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@pytest.fixture
def course(house: House) -> Course:
    with house.database.writing() as session:
        return a_course(session, slug="bloei", title="Bloei", lessons=4)


@pytest.fixture
def kim(client: FlaskClient, house: House, course: Course) -> None:
    """Kim joins at 08:00 on her clock and has her welcome."""
    assert course.id
    client.post("/bloei?lang=en", data=KIM)
    client.post(path_in(send_mail(house)[-1], "/my/confirm/"))
    send_mail(house)
    follows(house)


def follows(house: House, *, is_following: bool = True) -> None:
    with house.database.writing() as session:
        at = house.clock() if is_following else None
        session.execute(update(Subscription).values(last_fetch_at=at))


def tell(house: House) -> None:
    MILESTONES.run(house)


def finish(house: House, **more: object) -> None:
    with house.database.writing() as session:
        session.execute(update(Course).values(finished_at=house.clock(), **more))


@pytest.mark.usefixtures("kim")
def test_news_of_the_night_waits_for_the_morning(house: House, clock: SettableClock) -> None:
    with house.database.writing() as session:
        session.execute(update(Course).values(mail_hour=10))
    clock.advance(WEEK)
    record_unlocks(house)
    clock.advance(2 * HOUR - timedelta(seconds=1))
    assert send_mail(house) == []
    clock.advance(timedelta(seconds=1))
    assert len(send_mail(house)) == 1


@pytest.mark.usefixtures("kim")
def test_what_a_mail_server_held_up_past_the_day_waits_for_the_next_and_is_one_mail(
    house: House, clock: SettableClock
) -> None:
    clock.advance(WEEK)
    record_unlocks(house)
    clock.advance(WEEK)
    record_unlocks(house)
    clock.advance(19 * HOUR)
    assert send_mail(house) == []
    clock.advance(5 * HOUR)
    (mail,) = send_mail(house)
    assert mail["Subject"] == "2 lessons are ready for you: Bloei"
    with house.database.reading() as session:
        is_news = OutboxMail.template == "lesson_unlocked"
        sent = session.scalars(select(OutboxMail).where(is_news)).one()
        told = session.scalars(select(Unlock.notice_id).where(Unlock.notice_id.is_not(None))).all()
    assert told == [sent.id, sent.id]
    clock.advance(DAY)
    record_unlocks(house)
    assert send_mail(house) == []


@pytest.mark.usefixtures("kim")
def test_mail_that_was_claimed_before_takes_in_no_other(house: House, clock: SettableClock) -> None:
    clock.advance(WEEK)
    record_unlocks(house)
    with house.database.writing() as session:
        late = OutboxMail.template == "lesson_unlocked"
        session.execute(update(OutboxMail).where(late).values(leased_until=clock()))
    clock.advance(WEEK)
    record_unlocks(house)
    assert len(send_mail(house)) == 2


@pytest.mark.usefixtures("kim")
def test_lesson_mail_says_halfway_once(house: House, clock: SettableClock) -> None:
    said = []
    for _ in range(3):
        clock.advance(WEEK)
        record_unlocks(house)
        (mail,) = send_mail(house)
        said.append(("halfway" in text_of(mail), "halfway" in html_of(mail)))
    assert said == [(True, True), (False, False), (False, False)]


@pytest.mark.usefixtures("kim")
def test_last_lesson_and_complete_are_one_mail(house: House, clock: SettableClock) -> None:
    clock.advance(3 * WEEK)
    record_unlocks(house)
    clock.advance(timedelta(minutes=1))
    finish(house)
    tell(house)
    (mail,) = send_mail(house)
    assert "With this the course is complete." in text_of(mail)


@pytest.mark.usefixtures("kim")
def test_complete_that_is_taken_back_is_not_told(house: House, clock: SettableClock) -> None:
    clock.advance(3 * WEEK)
    record_unlocks(house)
    send_mail(house)
    clock.advance(DAY)
    finish(house)
    tell(house)
    with house.database.writing() as session:
        session.execute(update(Course).values(finished_at=None))
    assert send_mail(house) == []


@pytest.mark.usefixtures("kim")
def test_who_put_it_in_no_app_is_asked_once_after_two_days(
    house: House, clock: SettableClock
) -> None:
    follows(house, is_following=False)
    clock.advance(2 * DAY - timedelta(seconds=1))
    tell(house)
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        tell(house)
    (mail,) = send_mail(house)
    assert mail["Subject"] == "Shall we put Bloei into your app together?"
    clock.advance(DAY)
    tell(house)
    assert send_mail(house) == []


@pytest.mark.usefixtures("kim")
def test_who_put_it_in_an_app_meanwhile_is_not_asked(house: House, clock: SettableClock) -> None:
    follows(house, is_following=False)
    clock.advance(2 * DAY)
    tell(house)
    follows(house)
    assert send_mail(house) == []


@pytest.mark.usefixtures("kim")
def test_no_question_comes_in_the_hour_of_a_lesson_mail(house: House, clock: SettableClock) -> None:
    with house.database.writing() as session:
        session.execute(
            update(Course).values(rhythm_kind=RhythmKind.EVERY_DAYS, rhythm_every_days=3)
        )
    follows(house, is_following=False)
    clock.advance(3 * DAY)
    with house.database.writing() as session:
        session.execute(update(Subscription).values(next_unlock_at=clock()))
    record_unlocks(house)
    tell(house)
    (mail,) = send_mail(house)
    assert mail["Subject"].startswith("Lesson 2 is ready for you")
    clock.advance(HOUR)
    (mail,) = send_mail(house)
    assert mail["Subject"] == "Shall we put Bloei into your app together?"
