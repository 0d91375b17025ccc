"""Pauses, paces and renewals as services carry them out, on both databases."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.db.asking import StandingReader
from app.db.models import (
    Course,
    FeedAddress,
    Lesson,
    LessonOverride,
    OutboxMail,
    PauseSpan,
    Subscription,
)
from app.db.session import Database
from app.db.standing import read_instant
from app.errors import SubscriptionNotFound
from app.kinds import CourseState, RetireReason
from app.services import paces, pauses, renewals, subscriptions, unlocks
from app.services.addresses import FeedAddresses
from app.services.delivery import hear, to_come
from app.services.feeds import load_served
from app.services.lives import SubscriptionEnded
from app.services.paces import Wish
from app.services.pauses import UntilUnusable
from app.services.polls import look
from app.services.renewals import MayNotRestart
from feeds.messages import Message, TurnKind
from feeds.rhythm import Rhythm, RhythmKind
from feeds.tokens import FeedKeys
from tests.builders import START, a_course, a_subscription

HOST = "cursus.example"
BASE_URL = "https://cursus.example"
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TODAY = date(2026, 6, 2)
ADDRESSES = FeedAddresses(base_url=BASE_URL, keys=FeedKeys(secrets={1: b"k" * 32}, current=1))


@pytest.fixture
def her(database: Database) -> int:
    with database.writing() as session:
        return a_subscription(session, a_course(session, may_hurry=True)).id


def row(database: Database, number: int) -> Subscription:
    with database.reading() as session:
        return session.get_one(Subscription, number)


def spans(database: Database) -> list[tuple[date, date | None]]:
    with database.reading() as session:
        rows = session.scalars(select(PauseSpan).order_by(PauseSpan.id)).all()
    return [(each.starts_on, each.ends_on) for each in rows]


def notices(database: Database) -> Sequence[str]:
    with database.reading() as session:
        return session.scalars(select(OutboxMail.template).order_by(OutboxMail.id)).all()


def pause(database: Database, number: int, until: date | None, now: datetime) -> None:
    with database.writing() as session:
        pauses.pause(session, number, until=until, host=HOST, now=now)


def resume(database: Database, number: int, now: datetime) -> None:
    with database.writing() as session:
        pauses.resume(session, number, host=HOST, now=now)


def test_pause_writes_down_what_was_due_and_moves_the_next_one(
    database: Database, her: int
) -> None:
    now = START + WEEK + DAY
    pause(database, her, date(2026, 6, 12), now)
    with database.reading() as session:
        heard = unlocks.unlocked_now(session, her, now)
    assert [each.is_recorded for each in heard] == [True, True]
    assert row(database, her).next_unlock_at == START + 2 * WEEK + 3 * DAY
    assert row(database, her).revision == 2
    assert row(database, her).revised_at == now


def test_change_of_pace_leaves_what_was_due_its_date(database: Database, her: int) -> None:
    # No worker came by since the second lesson was due.
    now = START + WEEK + DAY
    wish = Wish(rhythm=Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=30), zone="Europe/Amsterdam")
    with database.writing() as session:
        paces.set_pace(session, her, wish, host=HOST, now=now)
    with database.reading() as session:
        heard = unlocks.unlocked_now(session, her, now)
    assert [(each.unlocked_at, each.pub_at) for each in heard] == [
        (START, START),
        (START + WEEK, START + WEEK),
    ]
    assert row(database, her).next_unlock_at == START + WEEK + 30 * DAY


def test_pause_without_a_day_leaves_nothing_to_wait_for(database: Database, her: int) -> None:
    pause(database, her, None, START + DAY)
    assert row(database, her).next_unlock_at is None
    resume(database, her, START + 3 * DAY)
    assert row(database, her).next_unlock_at == START + WEEK + 2 * DAY


def test_pausing_the_same_again_tells_nobody_twice(database: Database, her: int) -> None:
    for _ in range(2):
        pause(database, her, date(2026, 6, 12), START + DAY)
    assert spans(database) == [(TODAY, date(2026, 6, 12))]
    assert notices(database) == ["paused"]


def said(database: Database, number: int, now: datetime) -> list[Message]:
    """What the feed says of itself."""
    with database.reading() as session:
        address = session.scalars(
            select(FeedAddress).where(FeedAddress.subscription_id == number)
        ).one()
        course_id = session.get_one(Subscription, number).course_id
        served = load_served(session, course_id, BASE_URL)
    with StandingReader(database.engine) as reader:
        standing = reader.find(address.random_id)
    assert standing is not None
    return list(look(standing, served, now).messages)


def said_when_paused(database: Database, number: int, now: datetime) -> Message:
    [message] = [each for each in said(database, number, now) if each.kind is TurnKind.PAUSED]
    return message


def hurry(database: Database, number: int, now: datetime) -> None:
    with database.writing() as session:
        paces.hurry(session, number, host=HOST, now=now)


def travel(database: Database, number: int, zone: str, now: datetime) -> None:
    with database.writing() as session:
        paces.set_pace(session, number, Wish(rhythm=None, zone=zone), host=HOST, now=now)


def test_lesson_taken_later_on_the_day_of_a_pause_moves_nothing_that_the_feed_said(
    database: Database, her: int
) -> None:
    pause(database, her, None, START + DAY)
    before = said_when_paused(database, her, START + DAY + HOUR)

    hurry(database, her, START + DAY + 2 * HOUR)

    assert said_when_paused(database, her, START + DAY + 3 * HOUR) == before
    assert before.pub_at == START + DAY


def test_pause_is_said_after_the_lesson_that_came_in_the_same_second(
    database: Database, her: int
) -> None:
    hurry(database, her, START + DAY)
    pause(database, her, None, START + DAY + SECOND / 2)

    assert said_when_paused(database, her, START + DAY + SECOND).pub_at == START + DAY + SECOND


def test_two_pauses_that_begin_on_one_day_are_two_items(database: Database, her: int) -> None:
    pause(database, her, None, START + DAY)
    first = said_when_paused(database, her, START + DAY)
    resume(database, her, START + DAY + HOUR)
    pause(database, her, None, START + DAY + 2 * HOUR)

    second = said_when_paused(database, her, START + DAY + 2 * HOUR)

    assert (first.pub_at, second.pub_at) == (START + DAY, START + DAY + 2 * HOUR)
    assert first.number != second.number


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_another_zone_moves_no_date_of_a_pause_or_of_going_on(
    database: Database, her: int, zone: str
) -> None:
    pause(database, her, TODAY + DAY, START + DAY)
    paused = said_when_paused(database, her, START + DAY)
    morning = datetime.fromisoformat("2026-06-02T22:00:00+00:00")
    [resumed] = [each for each in said(database, her, morning) if each.kind is TurnKind.RESUMED]

    travel(database, her, zone, morning + HOUR)

    assert paused.pub_at == START + DAY
    assert resumed.pub_at == morning
    assert resumed in said(database, her, morning + 2 * HOUR)


def test_pause_of_today_can_be_ended_where_it_is_still_yesterday(
    database: Database, her: int
) -> None:
    travel(database, her, "Pacific/Kiritimati", START + DAY)
    pause(database, her, None, START + DAY)
    paused = said_when_paused(database, her, START + DAY)
    travel(database, her, "Pacific/Honolulu", START + DAY + HOUR)
    assert said_when_paused(database, her, START + DAY + HOUR) == paused

    resume(database, her, START + DAY + 2 * HOUR)

    yesterday = TODAY - DAY
    assert spans(database) == [(yesterday, yesterday)]
    assert row(database, her).next_unlock_at == START + WEEK
    assert not any(
        each.kind is TurnKind.PAUSED for each in said(database, her, START + DAY + 3 * HOUR)
    )


def test_pause_of_which_no_moment_was_kept_is_said_as_before(database: Database, her: int) -> None:
    with database.writing() as session:
        session.add(PauseSpan(subscription_id=her, starts_on=TODAY))

    message = said_when_paused(database, her, START + DAY)

    assert message.pub_at == datetime.fromisoformat("2026-06-01T22:00:00+00:00")
    assert message.number == TODAY.toordinal()


def test_pausing_and_going_on_in_one_day_moves_nothing(database: Database, her: int) -> None:
    for hour in range(3):
        pause(database, her, None, START + DAY + timedelta(hours=2 * hour))
        resume(database, her, START + DAY + timedelta(hours=2 * hour + 1))
    assert row(database, her).next_unlock_at == START + WEEK


def test_pause_after_a_pause_counts_each_day_once(database: Database, her: int) -> None:
    pause(database, her, date(2026, 6, 4), START + DAY)
    pause(database, her, date(2026, 6, 6), START + 3 * DAY)
    assert row(database, her).next_unlock_at == START + WEEK + 4 * DAY


def test_pause_of_ten_years_is_one(database: Database, her: int) -> None:
    pause(database, her, TODAY + pauses.MAX_PAUSE, START + DAY)
    next_at = row(database, her).next_unlock_at
    assert next_at is not None
    assert next_at.year == 2036
    with pytest.raises(UntilUnusable):
        pause(database, her, TODAY + pauses.MAX_PAUSE + DAY, START + DAY)


@pytest.mark.parametrize("days", [0, -1, -400])
def test_day_that_is_no_day_to_come_is_refused(database: Database, her: int, days: int) -> None:
    with pytest.raises(UntilUnusable) as refused:
        pause(database, her, TODAY + days * DAY, START + DAY)
    assert refused.value.is_past
    assert spans(database) == []
    assert row(database, her).revision == 1


def test_today_is_the_day_of_her_own_zone(database: Database, her: int) -> None:
    # It is 2 June in Amsterdam, and 3 June already in Auckland.
    with database.writing() as session:
        session.get_one(Subscription, her).zone = "Pacific/Auckland"
    pause(database, her, None, START + DAY + timedelta(hours=7))
    assert spans(database) == [(date(2026, 6, 3), None)]


def test_what_ended_is_not_changed(database: Database, her: int) -> None:
    with database.writing() as session:
        subscriptions.leave(session, her, host=HOST, now=START + DAY)
    with pytest.raises(SubscriptionEnded):
        pause(database, her, None, START + 2 * DAY)
    with pytest.raises(SubscriptionEnded):
        resume(database, her, START + 2 * DAY)
    with pytest.raises(SubscriptionNotFound):
        resume(database, her + 1, START)


def test_feed_and_page_agree_on_a_pace_of_her_own_and_a_lesson_at_its_own_time(
    database: Database, her: int
) -> None:
    now = START + 8 * DAY
    wish = Wish(rhythm=Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=2), zone="Asia/Kathmandu")
    with database.writing() as session:
        paces.set_pace(session, her, wish, host=HOST, now=now)
        last = session.scalars(select(Lesson.id).order_by(Lesson.position.desc())).first()
        assert last is not None
        session.add(
            LessonOverride(
                subscription_id=her, lesson_id=last, unlock_at=now + 30 * DAY, created_at=now
            )
        )
    with database.reading() as session, StandingReader(database.engine) as reader:
        plan = unlocks.get_plan(session, her)
        served = load_served(session, plan.course.id, BASE_URL)
        address = session.scalars(select(FeedAddress)).one()
        standing = reader.find(address.random_id)
    assert standing is not None
    assert [each.planned_at for each in plan.upcoming(now)] == [now + DAY, now + 30 * DAY]
    assert to_come(standing, served, now) == plan.upcoming(now)
    later = now + 31 * DAY
    assert [(lesson, read_instant(at)) for at, lesson in hear(standing, served, later)] == [
        (each.lesson_id, each.pub_at) for each in plan.unlocked(later)
    ]


def test_own_pace_gives_way_to_fixed_dates_of_the_owner(database: Database, her: int) -> None:
    wish = Wish(rhythm=Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=1), zone="Europe/Amsterdam")
    with database.writing() as session:
        paces.set_pace(session, her, wish, host=HOST, now=START)
        course = session.scalars(select(Course)).one()
        course.rhythm_kind = RhythmKind.FIXED_DATES
    with database.reading() as session, StandingReader(database.engine) as reader:
        plan = unlocks.get_plan(session, her)
        served = load_served(session, plan.course.id, BASE_URL)
        standing = reader.find(session.scalars(select(FeedAddress)).one().random_id)
    assert standing is not None
    assert plan.upcoming(START) == to_come(standing, served, START) == ()


def test_new_address_retires_the_old_one_and_tells_her(database: Database, her: int) -> None:
    with database.writing() as session:
        # As well where mail was stopped: without it she would not find her lessons.
        session.get_one(Subscription, her).mail_stopped_at = START
        renewals.new_address(
            session, her, reason=RetireReason.LEAKED, addresses=ADDRESSES, host=HOST, now=START
        )
    with database.reading() as session:
        old, new = session.scalars(select(FeedAddress).order_by(FeedAddress.id)).all()
    assert (old.reason, old.retired_at) == (RetireReason.LEAKED, START)
    assert new.retired_at is None
    assert row(database, her).revision > 1
    assert notices(database) == ["address_changed"]


def test_beginning_again_takes_her_choices_along(database: Database, her: int) -> None:
    now = START + 2 * WEEK
    wish = Wish(rhythm=Rhythm(kind=RhythmKind.WEEKDAY, weekday=4, hour=7), zone="Asia/Tokyo")
    with database.writing() as session:
        paces.set_pace(session, her, wish, host=HOST, now=START + DAY)
        session.get_one(Subscription, her).mail_stopped_at = START
        new = renewals.restart(session, her, addresses=ADDRESSES, host=HOST, now=now)
    old, new = row(database, her), row(database, new.id)
    assert (old.successor_id, old.next_unlock_at) == (new.id, None)
    assert (new.pace_kind, new.pace_weekday, new.pace_hour) == (RhythmKind.WEEKDAY, 4, 7)
    assert (new.zone, new.language, new.mail_stopped_at) == ("Asia/Tokyo", "nl", START)
    assert new.pace_place is None
    assert new.public_id != old.public_id
    with database.reading() as session:
        assert len(unlocks.unlocked_now(session, new.id, now)) == 1


def test_course_that_was_put_away_is_not_begun_again(database: Database, her: int) -> None:
    with database.writing() as session:
        session.scalars(select(Course)).one().state = CourseState.ARCHIVED
    with pytest.raises(MayNotRestart), database.writing() as session:
        renewals.restart(session, her, addresses=ADDRESSES, host=HOST, now=START)
    assert row(database, her).ended_at is None
