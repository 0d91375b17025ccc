"""Days on which a mail server is down, the clock is wrong, or half of the house is newer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.models import Lesson, OutboxMail
from app.house import House
from app.jobs.unlocks import record_unlocks
from app.mail.transport import open_transport
from app.services import letters, mailing, publishing, signup, unlocks
from app.services.email_addresses import parse_address
from app.services.signup import SignUp
from app.setting_values import parse_mail
from feeds.rhythm import RhythmKind
from tests.builders import START, a_course, a_listener, a_subscription
from tests.parts.house import SettableClock, environ_on
from tests.parts.smtp import MailServer

HOST = "cursus.example"
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MANY = 12
PACE = 5


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAIL": mail_server.url,
        "CADANS_MAIL_PACE": str(PACE),
    }


def a_house_full(house: House, *, count: int, zone: str = "Europe/Amsterdam", **more: Any) -> int:
    """So many listeners, all at one domain, who began at START; answer the course."""
    with house.database.writing() as session:
        course = a_course(session, **more)
        for number in range(count):
            listener = a_listener(session, email=f"kim{number}@example.org")
            a_subscription(session, course, listener, zone=zone)
    return course.id


def mails(house: House) -> Sequence[OutboxMail]:
    with house.database.reading() as session:
        return session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()


def wait_until(house: House, clock: SettableClock, instant: datetime, *, step: timedelta) -> None:
    """Let time pass with a worker at work."""
    while clock() < instant:
        clock.instant = min(clock() + step, instant)
        record_unlocks(house)
        while mailing.send_due(house):
            pass


def ask(house: House, course_id: int, email: str) -> None:
    """Let somebody sign up."""
    asked = SignUp(
        course_id=course_id, name="Zoe", address=parse_address(email), language="nl", zone=None
    )
    with house.database.writing() as session:
        signup.ask(session, asked, network="n", host=HOST, now=house.clock())


def sent_to(mail_server: MailServer) -> list[str]:
    return [mail.recipients[0] for mail in mail_server.received]


def test_mail_server_that_comes_back_at_three_in_the_morning_wakes_nobody(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    course_id = a_house_full(
        house, count=MANY, rhythm_kind=RhythmKind.EVERY_DAYS, rhythm_every_days=1
    )
    down = replace(house, mail=open_transport(parse_mail("smtp://127.0.0.1:1?tls=none")))
    # Two lessons come meanwhile, at eight in the morning in Amsterdam.
    wait_until(down, clock, START + 3 * DAY - 5 * HOUR, step=2 * HOUR)
    ask(house, course_id, "zoe@example.net")

    wait_until(house, clock, START + 3 * DAY - MINUTE, step=HOUR)

    # Somebody sits and waits for a confirm link; news is for people who are awake.
    assert sent_to(mail_server) == ["zoe@example.net"]
    mail_server.received.clear()
    for minute in range(4):
        wait_until(house, clock, clock() + MINUTE, step=MINUTE)
        assert len(mail_server.received) <= PACE * (minute + 1)
    assert Counter(sent_to(mail_server)) == {
        f"kim{number}@example.org": 1 for number in range(MANY)
    }


def test_clock_that_is_stepped_back_tells_nobody_a_second_time(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    a_house_full(house, count=1)
    wait_until(house, clock, START + WEEK, step=DAY)
    assert len(mail_server.received) == 1

    clock.advance(-3 * DAY)
    wait_until(house, clock, START + WEEK + DAY, step=HOUR)

    assert len(mail_server.received) == 1
    with house.database.reading() as session:
        assert [each.unlocked_at for each in unlocks.unlocked_now(session, 1, clock())] == [
            START,
            START + WEEK,
        ]


def test_lesson_that_is_withdrawn_shortly_before_its_turn_is_told_to_nobody(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    course_id = a_house_full(house, count=1, lessons=3)
    wait_until(house, clock, START + WEEK - MINUTE, step=DAY)
    with house.database.writing() as session:
        second, third = session.scalars(
            select(Lesson).where(Lesson.course_id == course_id).order_by(Lesson.position)
        ).all()[1:]
        publishing.withdraw(session, second, now=clock())

    wait_until(house, clock, START + WEEK, step=MINUTE)

    told = [mail.ids["lessons"] for mail in mails(house) if mail.template == "lesson_unlocked"]
    assert told == [str(third.id)]
    assert len(mail_server.received) == 1


def test_news_waits_for_the_morning_where_clocks_are_45_minutes_off(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    with house.database.writing() as session:
        course = a_course(session)
        # Four in the morning in Kathmandu, five and three quarters of an hour ahead of UTC.
        at = datetime.fromisoformat("2026-06-01T22:15:00+00:00")
        a_subscription(session, course, zone="Asia/Kathmandu", started_at=at, next_unlock_at=at)
    wait_until(house, clock, at + WEEK, step=DAY)

    wait_until(house, clock, at + WEEK + 4 * HOUR - timedelta(seconds=1), step=10 * MINUTE)
    assert mail_server.received == []

    wait_until(house, clock, at + WEEK + 4 * HOUR, step=MINUTE)
    assert len(mail_server.received) == 1


def test_mail_of_a_newer_release_waits_until_a_worker_knows_it(
    house: House, mail_server: MailServer, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_house_full(house, count=1)
    knows = letters.WRITERS
    older = {name: write for name, write in knows.items() if name != "lesson_unlocked"}
    monkeypatch.setattr(letters, "WRITERS", older)
    wait_until(house, clock, START + WEEK + HOUR, step=HOUR)
    (mail,) = mails(house)
    assert (mail.sent_at, mail.failed_at, mail.address) == (None, None, "kim0@example.org")

    monkeypatch.setattr(letters, "WRITERS", knows)
    wait_until(house, clock, START + WEEK + DAY, step=HOUR)

    assert sent_to(mail_server) == ["kim0@example.org"]


def test_course_whose_lessons_are_all_withdrawn_waits_for_one_without_trouble(
    house: House, clock: SettableClock
) -> None:
    course_id = a_house_full(house, count=1, lessons=2)
    clock.advance(HOUR)
    with house.database.writing() as session:
        for lesson in session.scalars(select(Lesson).where(Lesson.course_id == course_id)).all():
            publishing.withdraw(session, lesson, now=clock())
    wait_until(house, clock, START + 3 * WEEK, step=WEEK)
    with house.database.reading() as session:
        assert len(unlocks.unlocked_now(session, 1, clock())) == 1
    assert mails(house) == []
