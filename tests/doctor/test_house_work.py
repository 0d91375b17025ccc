"""The doctor on what waits: who is to do it, how old it is, and what went wrong with it."""

from datetime import timedelta

import pytest

from app.clock import system_clock
from app.db import queue
from app.db.models import TaskTrouble
from app.db.session import Database
from app.doctor.house_work import FAR_TOO_LATE, LATE, look_at_work
from app.doctor.report import Check, Grade
from app.services import outbox
from tests.builders import a_course, a_subscription

SECOND = timedelta(seconds=1)
AGES = [(LATE - SECOND, Grade.OK), (LATE, Grade.WARN), (FAR_TOO_LATE, Grade.FAIL)]


def look(database: Database, *, later: timedelta = timedelta(0)) -> dict[str, Check]:
    now = system_clock() + later
    found = look_at_work(database, now=now, true_now=now)
    return {check.code: check for check in found}


def put_a_mail(database: Database, **more: object) -> None:
    with database.writing() as session:
        subscription = a_subscription(session, a_course(session))
        notice = outbox.Notice(
            name="welcome:1",
            template="welcome",
            language="nl",
            address="kim@example.org",
            subscription_id=subscription.id,
        )
        mail = outbox.put(session, notice, host="h", now=system_clock())
        assert mail is not None
        for name, value in more.items():
            setattr(mail, name, value)


def test_house_with_nothing_to_do_only_lacks_a_worker(database: Database) -> None:
    found = look(database)
    assert {code: check.grade for code, check in found.items()} == {
        "worker": Grade.FAIL,
        "backlog_mails": Grade.OK,
        "backlog_jobs": Grade.OK,
    }
    assert "No worker is at work." in found["worker"].message


@pytest.mark.parametrize(("age", "grade"), AGES)
def test_mail_that_should_be_gone_is_judged_by_its_age(
    database: Database, age: timedelta, grade: Grade
) -> None:
    put_a_mail(database)
    found = look(database, later=age)["backlog_mails"]
    assert found.grade is grade
    assert "Mails that are due: 1, the oldest for" in found.message


def test_mail_that_waits_for_its_turn_is_not_late(database: Database) -> None:
    put_a_mail(database, due_at=system_clock() + 2 * FAR_TOO_LATE)
    found = look(database, later=FAR_TOO_LATE)["backlog_mails"]
    assert (found.grade, found.message) == (Grade.OK, "Mails that are due: 0.")


@pytest.mark.parametrize(("age", "grade"), AGES)
def test_job_that_nobody_does_is_judged_by_its_age(
    database: Database, age: timedelta, grade: Grade
) -> None:
    with database.writing() as session:
        queue.defer(session, "archive")
    # Its own clock may be a little before or behind.
    found = look(database, later=age + (SECOND if grade is not Grade.OK else -SECOND))
    assert found["backlog_jobs"].grade is grade


def test_job_of_tomorrow_is_not_late(database: Database) -> None:
    with database.writing() as session:
        queue.defer(session, "archive", wait=timedelta(days=1))
    assert look(database, later=FAR_TOO_LATE)["backlog_jobs"].message == "Jobs that are due: 0."


def test_what_went_wrong_is_said_in_numbers_without_people(database: Database) -> None:
    put_a_mail(database, failed_at=system_clock())
    with database.writing() as session:
        trouble = TaskTrouble(
            name="unlocks",
            failures=3,
            since_at=system_clock(),
            rests_until=system_clock(),
            reason="ValueError",
        )
        session.add(trouble)
    found = look(database)["troubles"]
    assert found.grade is Grade.WARN
    assert "mails given up: 1; tasks that go wrong: 1" in found.message
    assert "kim@example.org" not in found.message + found.remedy
    assert "cadans jobs retry" in found.remedy
