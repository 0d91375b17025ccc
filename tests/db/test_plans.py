"""A change of plan that waits, from the owner's save to the switch, on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson, PendingPlan, Subscription, Unlock
from app.errors import LessonHeard, NotReady, StaleVersion
from app.house import House
from app.jobs.plans import carry_out
from app.kinds import LessonState
from app.services import changes, courses, lessons, plans, publishing, unlocking, unlocks
from app.services.changes import NewerChange, NewOrder
from app.services.courses import CourseFields
from app.services.publishing import Direction
from feeds.rhythm import Rhythm, RhythmKind
from tests.builders import START, a_course, a_lesson
from tests.parts.crowds import Crowd, add_crowd
from tests.parts.house import SettableClock, environ_on

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
MANY = 5
SLOW = Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=30)
DAILY = Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=1)


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return environ_on(database_url, tmp_path)


@pytest.fixture
def course_id(house: House, monkeypatch: pytest.MonkeyPatch, clock: SettableClock) -> int:
    """A course of which more listeners wait for their second lesson than fit in a moment."""
    monkeypatch.setattr(plans, "FEW", MANY - 1)
    monkeypatch.setattr("app.jobs.plans.BATCH", 2)
    clock.instant = START + WEEK
    with house.database.writing() as session:
        course = a_course(session, lessons=4)
        first = session.scalars(select(Lesson).order_by(Lesson.position)).first()
        assert first is not None
        crowd = Crowd(
            count=MANY,
            first_id=1,
            started_at=START,
            next_unlock_at=START + WEEK,
            heard=[(first.id, START)],
        )
        add_crowd(session, course, crowd)
        return course.id


def edit(house: House, course_id: int, **wanted: object) -> None:
    """Save the form as it stands, but for this."""
    with house.database.writing() as session:
        course = courses.get(session, course_id)
        fields: CourseFields = replace(courses.fields_of(session, course), **wanted)  # type: ignore[arg-type] # any field
        courses.edit(session, course_id, fields, version=course.version, now=house.clock())


def course_of(house: House, course_id: int) -> Course:
    with house.database.reading() as session:
        return courses.get(session, course_id)


def lesson_ids(house: House, course_id: int) -> list[int]:
    with house.database.reading() as session:
        return [lesson.id for lesson in lessons.of_course(session, course_id)]


def with_lesson(house: House, course_id: int, lesson_id: int, do: Callable[..., object]) -> None:
    with house.database.writing() as session:
        do(session, lessons.get(session, course_id, lesson_id), now=house.clock())


def recorded(house: House) -> int:
    with house.database.reading() as session:
        return session.scalar(select(func.count(Unlock.id))) or 0


def heard(session: Session, number: int, house: House) -> int:
    return len(unlocks.unlocked_now(session, number, house.clock()))


def work(house: House) -> None:
    while carry_out(house):
        pass


def test_change_of_a_course_where_few_wait_is_done_when_the_page_comes_back(
    house: House, course_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "FEW", MANY)
    edit(house, course_id, rhythm=SLOW)
    assert course_of(house, course_id).rhythm_kind is RhythmKind.EVERY_DAYS
    assert recorded(house) == 2 * MANY


def test_change_of_a_course_where_many_wait_leaves_feeds_the_old_plan(
    house: House, course_id: int
) -> None:
    before = course_of(house, course_id)
    edit(house, course_id, rhythm=SLOW, zone="Asia/Kathmandu", title="Anders")
    now = course_of(house, course_id)
    assert (now.rhythm_kind, now.zone) == (before.rhythm_kind, before.zone)
    assert now.plan_revision == before.plan_revision
    assert now.title == "Anders"


def test_change_that_waits_is_carried_out_once_everything_is_written_down(
    house: House, course_id: int
) -> None:
    edit(house, course_id, rhythm=SLOW)
    work(house)
    course = course_of(house, course_id)
    assert (course.rhythm_kind, course.rhythm_every_days) == (RhythmKind.EVERY_DAYS, 30)
    assert course.plan_revision == 2
    assert recorded(house) == 2 * MANY
    with house.database.reading() as session:
        assert plans.progress(session, course, now=house.clock()) is None


def test_nobody_loses_a_lesson_at_the_switch(house: House, course_id: int) -> None:
    edit(house, course_id, rhythm=SLOW)
    work(house)
    with house.database.reading() as session:
        assert [heard(session, number, house) for number in range(1, MANY + 1)] == [2] * MANY


def test_what_falls_due_while_a_change_is_saved_stays(
    house: House, course_id: int, clock: SettableClock
) -> None:
    clock.instant = START + WEEK - SECOND / 2
    edit(house, course_id, rhythm=SLOW)
    work(house)
    clock.instant = START + WEEK
    with house.database.reading() as session:
        assert heard(session, 1, house) == 2
    work(house)
    assert course_of(house, course_id).rhythm_every_days == 30
    with house.database.reading() as session:
        assert heard(session, 1, house) == 2


def test_owner_sees_how_far_it_is(house: House, course_id: int, clock: SettableClock) -> None:
    edit(house, course_id, rhythm=SLOW)
    with house.database.reading() as session:
        course = courses.get(session, course_id)
        fresh = plans.progress(session, course, now=clock())
    carry_out(house)
    clock.advance(10 * SECOND)
    with house.database.reading() as session:
        later = plans.progress(session, course, now=clock())
    assert fresh is not None
    assert later is not None
    assert (fresh.listeners, fresh.done, fresh.seconds_left) == (MANY, 0, None)
    assert (later.listeners, later.done, later.seconds_left) == (MANY, 2, 15)


def test_second_change_joins_the_one_that_waits_and_stands_over_it(
    house: House, course_id: int
) -> None:
    edit(house, course_id, rhythm=SLOW)
    edit(house, course_id, rhythm=DAILY)
    work(house)
    assert course_of(house, course_id).rhythm_every_days == 1


def test_saving_other_fields_does_not_take_a_waiting_rhythm_back(
    house: House, course_id: int
) -> None:
    edit(house, course_id, rhythm=SLOW)
    edit(house, course_id, summary="Kort")
    work(house)
    assert course_of(house, course_id).rhythm_every_days == 30


def test_rhythm_that_waits_makes_the_form_of_another_owner_stale(
    house: House, course_id: int
) -> None:
    version = course_of(house, course_id).version
    edit(house, course_id, rhythm=SLOW)
    with house.database.writing() as session:
        fields = courses.fields_of(session, courses.get(session, course_id))
        with pytest.raises(StaleVersion):
            courses.edit(session, course_id, fields, version=version, now=house.clock())


def test_switch_itself_makes_no_form_stale(house: House, course_id: int) -> None:
    edit(house, course_id, rhythm=SLOW)
    version = course_of(house, course_id).version
    work(house)
    assert course_of(house, course_id).version == version


def test_changes_of_lessons_wait_and_come_together(house: House, course_id: int) -> None:
    first, second, third, fourth = lesson_ids(house, course_id)
    with house.database.writing() as session:
        course = courses.get(session, course_id)
        draft = a_lesson(
            session, course, position=5, state=LessonState.DRAFT, published_at=None, placed_at=None
        ).id
    with_lesson(house, course_id, draft, publishing.publish)
    with_lesson(house, course_id, draft, publishing.publish)
    with_lesson(house, course_id, third, publishing.withdraw)
    for _ in range(3):
        with house.database.writing() as session:
            lesson = lessons.get(session, course_id, draft)
            publishing.move(session, lesson, Direction.UP, now=house.clock())
    assert lesson_ids(house, course_id) == [first, second, third, fourth, draft]

    work(house)

    assert lesson_ids(house, course_id) == [first, draft, second, third, fourth]
    with house.database.reading() as session:
        states = {each.id: each.state for each in lessons.of_course(session, course_id)}
    assert (states[draft], states[third]) == (LessonState.PUBLISHED, LessonState.WITHDRAWN)


def test_withdrawn_lesson_is_kept_by_everybody_for_whom_it_was_due(
    house: House, course_id: int
) -> None:
    with_lesson(house, course_id, lesson_ids(house, course_id)[1], publishing.withdraw)
    work(house)
    with house.database.reading() as session:
        assert [heard(session, number, house) for number in range(1, MANY + 1)] == [2] * MANY


def test_date_that_waits_is_the_one_in_the_form(house: House, course_id: int) -> None:
    lesson_id = lesson_ids(house, course_id)[3]
    at = START + 9 * WEEK
    with house.database.writing() as session:
        lesson = lessons.get(session, course_id, lesson_id)
        fields = lessons.LessonFields(title=lesson.title, release_at=at)
        lessons.edit(session, lesson, fields, version=lesson.version, now=house.clock())
    with house.database.reading() as session:
        lesson = lessons.get(session, course_id, lesson_id)
        assert (lesson.release_at, plans.new_date(session, lesson)) == (None, at)
    work(house)
    with house.database.reading() as session:
        assert lessons.get(session, course_id, lesson_id).release_at == at


def test_lesson_that_many_are_about_to_get_is_not_deleted(house: House, course_id: int) -> None:
    _, second, *_, last = lesson_ids(house, course_id)
    with pytest.raises(NotReady):
        with_lesson(house, course_id, last, lessons.trash)
    work(house)
    while record(house):
        pass
    with pytest.raises(LessonHeard):
        with_lesson(house, course_id, second, lessons.trash)
    with_lesson(house, course_id, last, lessons.trash)


def test_lesson_deleted_while_its_publication_waits_is_just_gone(
    house: House, course_id: int
) -> None:
    with house.database.writing() as session:
        course = courses.get(session, course_id)
        draft = a_lesson(
            session, course, position=5, state=LessonState.DRAFT, published_at=None, placed_at=None
        ).id
    with_lesson(house, course_id, draft, publishing.publish)
    with_lesson(house, course_id, draft, lessons.trash)
    work(house)
    assert draft not in lesson_ids(house, course_id)
    with house.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(PendingPlan)) == 0


def test_what_falls_due_while_the_plan_waits_is_written_down_before_the_switch(
    house: House, course_id: int, clock: SettableClock
) -> None:
    edit(house, course_id, rhythm=SLOW)
    clock.advance(WEEK)
    work(house)
    assert recorded(house) == 3 * MANY


def test_who_signs_up_while_a_plan_waits_follows_the_old_one_until_the_switch(
    house: House, course_id: int
) -> None:
    edit(house, course_id, rhythm=DAILY)
    with house.database.writing() as session:
        crowd = Crowd(count=1, first_id=100, started_at=house.clock(), next_unlock_at=house.clock())
        add_crowd(session, courses.get(session, course_id), crowd)
        unlocking.record_subscription(session, 100, now=house.clock())
        assert session.get_one(Subscription, 100).next_unlock_at == house.clock() + WEEK
    work(house)
    while record(house):
        pass
    with house.database.reading() as session:
        at = session.get_one(Subscription, 100).next_unlock_at
    assert at == house.clock() + timedelta(days=1)


def test_change_that_only_a_newer_release_knows_waits_for_it_and_holds_up_no_other_course(
    house: House, course_id: int
) -> None:
    edit(house, course_id, rhythm=DAILY)
    with house.database.writing() as session:
        waiting = session.get_one(PendingPlan, course_id)
        waiting.changes = [*waiting.changes, {"what": "moon", "phase": 3}]
        other = a_course(session, lessons=2)
        session.add(
            PendingPlan(
                course_id=other.id,
                changes=[changes.pack(NewOrder(lesson_ids=()))],
                listeners=0,
                created_at=house.clock(),
            )
        )

    work(house)

    assert course_of(house, course_id).plan_revision == 1
    assert course_of(house, other.id).plan_revision == 2
    with house.database.reading() as session:
        found = plans.progress(session, courses.get(session, course_id), now=house.clock())
    assert found is not None
    assert found.changes[1:] == (NewerChange(what="moon"),)


@pytest.mark.postgres
def test_switch_waits_for_what_another_worker_holds_and_locks_nobody_up(
    house: House, course_id: int
) -> None:
    if house.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    edit(house, course_id, rhythm=SLOW)
    with house.database.writing() as other:
        other.execute(update(Subscription).where(Subscription.id == 3).values(last_app="x"))
        work(house)
        assert course_of(house, course_id).plan_revision == 1
    work(house)
    assert course_of(house, course_id).plan_revision == 2


def record(house: House) -> int:
    with house.database.writing() as session:
        return unlocking.record_due(session, now=house.clock(), limit=100, host="cursus.example")
