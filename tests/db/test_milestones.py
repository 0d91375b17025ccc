"""Mail that time causes, and mail that waits for the morning, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.db.models import Course, Lesson, OutboxMail, PauseSpan, Position, Subscription, Unlock
from app.db.session import Database
from app.services import mail_times, milestones, outbox, unlocking
from app.services.outbox import Notice
from tests.builders import START, a_course, a_subscription

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
HOST = "example.org"


def subscribe(database: Database, *, lessons: int = 4, **more: Any) -> int:
    with database.writing() as session:
        course = a_course(session, lessons=lessons, **more)
        return a_subscription(session, course).id


def change(database: Database, **values: object) -> None:
    with database.writing() as session:
        session.execute(update(Subscription).values(**values))


def mails(database: Database, template: str) -> list[OutboxMail]:
    with database.reading() as session:
        query = select(OutboxMail).where(OutboxMail.template == template).order_by(OutboxMail.id)
        return list(session.scalars(query))


def nudge(database: Database, after: timedelta) -> int:
    with database.writing() as session:
        return milestones.nudge(session, host=HOST, now=START + after)


def complete(database: Database, after: timedelta) -> int:
    with database.writing() as session:
        unlocking.record_due(session, now=START + after, limit=100, host=HOST)
    before = len(mails(database, "complete"))
    ended: int | None = 0
    while ended is not None:
        with database.writing() as session:
            ended = milestones.complete(session, after=ended, host=HOST, now=START + after)
    return len(mails(database, "complete")) - before


def test_who_put_it_in_no_app_is_asked_once_after_two_days(database: Database) -> None:
    subscribe(database)

    assert nudge(database, 2 * DAY - timedelta(seconds=1)) == 0
    assert [nudge(database, 2 * DAY + timedelta(hours=n)) for n in range(3)] == [1, 0, 0]
    assert len(mails(database, "nudge")) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"last_fetch_at": START},
        {"mail_stopped_at": START},
        {"ended_at": START, "end_reason": "left"},
    ],
)
def test_who_uses_it_or_wants_no_mail_is_not_asked(
    database: Database, values: dict[str, object]
) -> None:
    subscribe(database)
    change(database, **values)

    assert nudge(database, 2 * DAY) == 0


def test_who_listens_in_a_browser_is_not_asked(database: Database) -> None:
    number = subscribe(database)
    with database.writing() as session:
        lesson = session.scalars(select(Lesson.id)).first()
        session.add(
            Position(
                subscription_id=number,
                lesson_id=lesson,
                position_ms=1,
                heard_ms=1,
                updated_at=START,
                received_at=START,
            )
        )

    assert nudge(database, 2 * DAY) == 0


def test_who_paused_first_is_not_asked(database: Database) -> None:
    number = subscribe(database)
    with database.writing() as session:
        session.add(PauseSpan(subscription_id=number, starts_on=START.date()))

    assert nudge(database, 2 * DAY) == 0


def test_batches_are_told_one_after_the_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milestones, "BATCH", 2)
    with database.writing() as session:
        course = a_course(session, lessons=1, finished_at=START)
        for _ in range(5):
            a_subscription(session, course)

    assert complete(database, DAY) == 5


def test_who_signed_up_long_ago_is_not_asked_after_an_upgrade(database: Database) -> None:
    subscribe(database)

    assert nudge(database, milestones.NUDGE_UNTIL) == 0


def test_complete_is_told_once_a_day_after_the_last_lesson(database: Database) -> None:
    subscribe(database, lessons=2, finished_at=START)

    assert complete(database, WEEK - timedelta(seconds=1)) == 0
    assert [complete(database, WEEK + n * DAY) for n in range(3)] == [1, 0, 0]
    (mail,) = mails(database, "complete")
    assert mail.due_at == START + WEEK + DAY


def test_course_that_may_go_on_is_not_called_complete(database: Database) -> None:
    subscribe(database, lessons=2)

    assert complete(database, 2 * WEEK) == 0


def test_course_that_is_finished_later_is_called_complete_then(database: Database) -> None:
    subscribe(database, lessons=2)
    complete(database, 2 * WEEK)
    with database.writing() as session:
        session.execute(update(Course).values(finished_at=START + 3 * WEEK))

    assert complete(database, 3 * WEEK) == 1


def test_who_paused_without_end_is_not_called_complete(database: Database) -> None:
    number = subscribe(database, lessons=2, finished_at=START)
    with database.writing() as session:
        session.add(PauseSpan(subscription_id=number, starts_on=START.date() + DAY))
    change(database, next_unlock_at=None)

    assert complete(database, 2 * WEEK) == 0


def test_lesson_of_the_small_hours_is_told_in_the_morning(database: Database) -> None:
    # 06:00 UTC is eight in Amsterdam; three hours earlier people sleep.
    early = START - timedelta(hours=3)
    with database.writing() as session:
        course = a_course(session, lessons=2)
        a_subscription(session, course, started_at=early, next_unlock_at=early)
    with database.writing() as session:
        unlocking.record_due(session, now=early + WEEK, limit=9, host=HOST)

    (mail,) = mails(database, "lesson_unlocked")
    assert (mail.created_at, mail.due_at) == (early + WEEK, START + WEEK)


def test_news_that_comes_back_at_night_waits_and_a_sign_in_link_does_not(
    database: Database,
) -> None:
    number = subscribe(database)
    night = START + timedelta(hours=20)
    with database.writing() as session:
        for template in ("lesson_unlocked", "sign_in"):
            notice = Notice(
                name=template,
                template=template,
                language="nl",
                address="ben@example.org",
                subscription_id=number,
            )
            outbox.put(session, notice, host=HOST, now=START)
    with database.reading() as session:
        news, link = session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
        assert mail_times.held_until(session, news, night) == START + DAY
        assert mail_times.held_until(session, link, night) == night


def test_lessons_that_waited_for_a_mail_server_come_in_one_mail(database: Database) -> None:
    subscribe(database)
    for week in (1, 2, 3):
        with database.writing() as session:
            unlocking.record_due(session, now=START + week * WEEK, limit=9, host=HOST)
    first, _second, third = mails(database, "lesson_unlocked")

    with database.writing() as session:
        # Perhaps it is on its way this very moment.
        session.get_one(OutboxMail, third.id).leased_until = START + 4 * WEEK
        mail_times.gather_news(session, session.get_one(OutboxMail, first.id))

    left = mails(database, "lesson_unlocked")
    assert [mail.id for mail in left] == [first.id, third.id]
    assert len(str(left[0].ids["lessons"]).split(",")) == 2
    with database.reading() as session:
        told = session.scalars(select(Unlock.notice_id).order_by(Unlock.unlocked_at)).all()
    assert told == [None, first.id, first.id, third.id]
