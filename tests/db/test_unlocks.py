"""Unlocks as the worker writes them down, with their news, on both databases."""

import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.models import Course, OutboxMail, PauseSpan, Subscription, Unlock
from app.db.session import Database
from app.errors import PlanChanged
from app.kinds import EndReason
from app.services import subscriptions, unlocking, unlocks
from feeds.rhythm import RhythmKind
from tests.builders import START, a_course, a_lesson, a_subscription

SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)
HOST = "cursus.example"


def a_follower(database: Database, *, lessons: int = 4, **more: object) -> int:
    with database.writing() as session:
        subscription = a_subscription(session, a_course(session, lessons=lessons))
        for name, value in more.items():
            setattr(subscription, name, value)
        return subscription.id


def record(database: Database, now: datetime, *, limit: int = 100) -> int:
    with database.writing() as session:
        return unlocking.record_due(session, now=now, limit=limit, host=HOST)


def recorded(database: Database) -> Sequence[Unlock]:
    with database.reading() as session:
        return session.scalars(select(Unlock).order_by(Unlock.pub_at, Unlock.id)).all()


def notices(database: Database) -> Sequence[OutboxMail]:
    with database.reading() as session:
        return session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()


def subscription(database: Database, number: int) -> Subscription:
    with database.reading() as session:
        return session.get_one(Subscription, number)


def test_first_lesson_is_written_down_without_a_mail(database: Database) -> None:
    a_follower(database)
    record(database, START)
    (unlock,) = recorded(database)
    assert (unlock.unlocked_at, unlock.pub_at, unlock.notice_id) == (START, START, None)
    assert notices(database) == []


def test_nothing_is_written_down_a_second_early(database: Database) -> None:
    a_follower(database)
    record(database, START)
    assert record(database, START + WEEK - SECOND) == 0


def test_lesson_is_written_down_on_its_second_with_one_mail(database: Database) -> None:
    a_follower(database)
    record(database, START)
    assert record(database, START + WEEK) == 1
    (mail,) = notices(database)
    assert mail.template == "lesson_unlocked"
    assert [unlock.notice_id for unlock in recorded(database)] == [None, mail.id]


def test_planned_instant_is_kept_however_late_the_worker_comes(database: Database) -> None:
    a_follower(database)
    record(database, START)
    record(database, START + WEEK + timedelta(days=3))
    late = recorded(database)[-1]
    assert (late.unlocked_at, late.pub_at) == (START + WEEK, START + WEEK)
    assert late.recorded_at == START + WEEK + timedelta(days=3)


def test_what_unlocked_while_the_worker_was_away_comes_in_one_mail(database: Database) -> None:
    a_follower(database)
    record(database, START + 3 * WEEK)
    (mail,) = notices(database)
    assert [unlock.notice_id for unlock in recorded(database)] == [None, *[mail.id] * 3]


def test_second_look_at_the_same_instant_writes_nothing(database: Database) -> None:
    a_follower(database)
    record(database, START + WEEK)
    assert record(database, START + WEEK) == 0


def test_next_look_is_at_the_next_unlock_of_the_plan_that_holds(database: Database) -> None:
    number = a_follower(database)
    record(database, START)
    row = subscription(database, number)
    assert (row.next_unlock_at, row.next_unlock_plan) == (START + WEEK, 1)


def test_nobody_looks_again_once_everything_is_unlocked(database: Database) -> None:
    number = a_follower(database, lessons=1)
    record(database, START)
    assert subscription(database, number).next_unlock_at is None


def test_who_stopped_mail_gets_the_lesson_and_no_mail(database: Database) -> None:
    a_follower(database, mail_stopped_at=START)
    record(database, START + WEEK)
    assert len(recorded(database)) == 2
    assert notices(database) == []


def test_who_left_gets_what_fell_due_before_and_no_mail(database: Database) -> None:
    a_follower(database, ended_at=START + WEEK, end_reason=EndReason.LEFT)
    record(database, START + 3 * WEEK)
    assert len(recorded(database)) == 2
    assert notices(database) == []


def test_pause_holds_lessons_back_until_it_ends(database: Database) -> None:
    number = a_follower(database)
    record(database, START)
    with database.writing() as session:
        session.add(PauseSpan(subscription_id=number, starts_on=date(2026, 6, 3)))
        session.execute(update(Subscription).values(next_unlock_at=START + WEEK))
    record(database, START + 3 * WEEK)
    assert len(recorded(database)) == 1
    assert subscription(database, number).next_unlock_at is None


def test_unlock_and_mail_come_together_or_not_at_all(database: Database) -> None:
    a_follower(database)
    record(database, START)

    def die_before_the_commit() -> None:
        with database.writing() as session:
            unlocking.record_due(session, now=START + WEEK, limit=10, host=HOST)
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        die_before_the_commit()
    assert (len(recorded(database)), len(notices(database))) == (1, 0)
    assert record(database, START + WEEK) == 1
    assert (len(recorded(database)), len(notices(database))) == (2, 1)


def test_limit_leaves_the_rest_for_the_next_batch(database: Database) -> None:
    for _ in range(3):
        a_follower(database)
    assert [record(database, START, limit=2) for _ in range(3)] == [2, 1, 0]


def test_two_workers_at_once_write_everything_down_once(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        for _ in range(30):
            a_subscription(session, course)
    gate = threading.Barrier(2)

    def work() -> None:
        gate.wait()
        while record(database, START + WEEK, limit=4):
            pass

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # One that is passed over because the other holds it is written down by the other.
    assert record(database, START + WEEK) == 0
    assert (len(recorded(database)), len(notices(database))) == (60, 30)


def test_recorded_unlock_stays_when_the_rhythm_slows_down(database: Database) -> None:
    number = a_follower(database)
    record(database, START + WEEK)
    change_rhythm(database, RhythmKind.EVERY_DAYS, every_days=30)
    with database.reading() as session:
        heard = unlocks.unlocked_now(session, number, START + WEEK)
    assert [unlock.is_recorded for unlock in heard] == [True, True]


def test_change_of_plan_makes_the_worker_look_again(database: Database) -> None:
    number = a_follower(database)
    record(database, START)
    change_rhythm(database, RhythmKind.EVERY_DAYS, every_days=2)
    assert record(database, START + SECOND) == 1
    row = subscription(database, number)
    assert (row.next_unlock_at, row.next_unlock_plan) == (START + timedelta(days=2), 2)


def test_course_is_settled_for_everybody_before_its_plan_changes(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        for _ in range(3):
            a_subscription(session, course)
        unlocking.record_course(session, course, now=START + WEEK, limit=10)
    assert len(recorded(database)) == 6
    assert record(database, START + WEEK) == 0


def test_settling_one_course_leaves_the_others_alone(database: Database) -> None:
    a_follower(database)
    with database.writing() as session:
        unlocking.record_course(session, a_course(session), now=START + WEEK, limit=10)
    assert recorded(database) == []


def test_lesson_added_in_a_place_already_passed_comes_at_once_with_a_mail(
    database: Database,
) -> None:
    a_follower(database, lessons=1)
    record(database, START)
    now = START + 3 * WEEK
    with database.writing() as session:
        course = session.scalars(select(Course)).one()
        a_lesson(session, course, position=2, published_at=now, placed_at=now)
        session.execute(update(Course).values(plan_revision=Course.plan_revision + 1))
    record(database, now)
    assert recorded(database)[-1].unlocked_at == now
    assert len(notices(database)) == 1


@pytest.mark.postgres
def test_worker_drops_what_it_wrote_when_the_plan_moved_on_meanwhile(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    a_follower(database)
    change_between = unlocks.load_plans

    def load_and_be_overtaken(*given: Any) -> list[unlocks.Plan]:
        plans = change_between(*given)
        change_rhythm(database, RhythmKind.EVERY_DAYS, every_days=2)
        return plans

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unlocking, "load_plans", load_and_be_overtaken)
        with pytest.raises(PlanChanged):
            record(database, START)
    assert recorded(database) == []
    assert record(database, START) == 1


@pytest.mark.postgres
def test_worker_passes_over_what_another_holds(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    a_follower(database)
    a_follower(database)
    with database.writing() as first:
        assert unlocking.record_due(first, now=START, limit=1, host=HOST) == 1
        assert record(database, START) == 1


def change_rhythm(database: Database, kind: RhythmKind, *, every_days: int) -> None:
    def change(session: Session) -> None:
        session.execute(
            update(Course).values(
                rhythm_kind=kind,
                rhythm_every_days=every_days,
                plan_revision=Course.plan_revision + 1,
            )
        )

    with database.writing() as session:
        change(session)


def test_who_left_gets_nothing_new_however_fast_the_course_goes_later(database: Database) -> None:
    number = a_follower(database)
    record(database, START)
    with database.writing() as session:
        subscriptions.leave(session, number, host=HOST, now=START + WEEK)
    change_rhythm(database, RhythmKind.EVERY_DAYS, every_days=1)
    with database.writing() as session:
        subscriptions.leave(session, number, host=HOST, now=START + 2 * WEEK)
        heard = unlocks.unlocked_now(session, number, START + 2 * WEEK)
    assert len(heard) == 2
