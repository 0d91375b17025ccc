from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson, Recording, Unlock
from app.db.session import Database
from app.errors import InvalidInput, LessonHeard, NotReady, StaleVersion, TitleTaken
from app.kinds import LessonState, RecordingState
from app.services import lessons, previews, publishing
from app.services.lessons import LessonFields
from app.services.previews import Beat
from app.services.publishing import Direction
from tests.builders import START, a_course, a_lesson, a_recording, a_subscription

LATER = START + timedelta(days=7)


def a_draft(session: Session, course: Course, **more: Any) -> Lesson:
    fields: dict[str, Any] = {
        "state": LessonState.DRAFT,
        "published_at": None,
        "placed_at": None,
    }
    return a_lesson(session, course, **(fields | more))


def titles(session: Session, course: Course) -> list[str]:
    return [lesson.title for lesson in lessons.of_course(session, course.id)]


def ids(session: Session, course: Course) -> list[int]:
    return [lesson.id for lesson in lessons.of_course(session, course.id)]


def heard(session: Session) -> Sequence[int]:
    return session.scalars(select(Unlock.lesson_id).order_by(Unlock.pub_at)).all()


def test_lessons_are_added_at_the_end_with_ids_that_apps_can_tell_apart(
    database: Database,
) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=0)
        for title in ("Eén", "Two", "三"):
            lessons.create(session, course.id, LessonFields(title=title), now=START)

        rows = lessons.of_course(session, course.id)

    assert [row.title for row in rows] == ["Eén", "Two", "三"]
    assert all(len(row.public_id) == 8 and row.public_id.islower() for row in rows)
    assert len({row.guid for row in rows}) == 3


@pytest.mark.parametrize("same", ["de straße", "DE STRASSE", "  de   Straße "])
def test_a_title_that_differs_in_capitals_alone_is_taken(database: Database, same: str) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=0)
        lessons.create(session, course.id, LessonFields(title="De Straße"), now=START)

        with pytest.raises(TitleTaken):
            lessons.create(session, course.id, LessonFields(title=same), now=START)


def test_two_courses_may_have_a_lesson_of_one_title(database: Database) -> None:
    with database.writing() as session:
        for _ in range(2):
            course = a_course(session, lessons=0)
            lessons.create(session, course.id, LessonFields(title="Hello"), now=START)
            assert [each.title for each in lessons.of_course(session, course.id)] == ["Hello"]


def test_a_lesson_can_keep_its_title_when_it_is_edited(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=1)
        lesson = lessons.of_course(session, course.id)[0]
        fields = LessonFields(title=lesson.title.upper(), notes="New")

        lessons.edit(session, lesson, fields, version=lesson.version, now=LATER)

        assert lesson.notes == "New"


def test_the_second_of_two_who_save_a_lesson_at_once_is_told(database: Database) -> None:
    with database.writing() as session:
        lesson = a_lesson(session, a_course(session, lessons=0))
        version = lesson.version
    with database.writing() as session:
        row = lessons.get(session, lesson.course_id, lesson.id)
        lessons.edit(session, row, LessonFields(title="Mine"), version=version, now=LATER)

    with database.writing() as session:
        row = lessons.get(session, lesson.course_id, lesson.id)
        with pytest.raises(StaleVersion):
            lessons.edit(session, row, LessonFields(title="Theirs"), version=version, now=LATER)

    with database.reading() as session:
        assert lessons.get(session, lesson.course_id, lesson.id).title == "Mine"


@pytest.mark.parametrize(
    "state", [RecordingState.WAITING, RecordingState.ANALYSING, RecordingState.REFUSED]
)
def test_a_lesson_is_published_only_with_a_recording_that_was_found_fit(
    database: Database, state: RecordingState
) -> None:
    with database.writing() as session:
        lesson = a_draft(session, a_course(session, lessons=0))
        session.get_one(Recording, lesson.recording_id).state = state

        with pytest.raises(NotReady):
            publishing.publish(session, lesson, now=LATER)


def test_a_lesson_without_audio_is_not_published(database: Database) -> None:
    with database.writing() as session:
        lesson = a_draft(session, a_course(session, lessons=0))
        lesson.recording_id = None

        with pytest.raises(NotReady):
            publishing.publish(session, lesson, now=LATER)


def test_publishing_takes_a_place_now_and_moves_the_plan(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=1)
        lesson, plan = a_draft(session, course, position=2), course.plan_revision

        publishing.publish(session, lesson, now=LATER)

        assert (lesson.state, lesson.published_at) == (LessonState.PUBLISHED, LATER)
        assert lesson.placed_at == LATER
        assert course.plan_revision == plan + 1


def test_publishing_makes_a_finished_course_go_on(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=1, finished_at=START)

        publishing.publish(session, a_draft(session, course, position=2), now=LATER)

        assert course.finished_at is None


def test_what_was_due_is_written_down_before_a_lesson_is_withdrawn(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=2)
        a_subscription(session, course)
        first, second = lessons.of_course(session, course.id)

        publishing.withdraw(session, second, now=LATER)

        assert heard(session) == [first.id, second.id]


def test_what_was_not_due_is_not_given_when_a_lesson_is_withdrawn(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=2)
        a_subscription(session, course)
        first, second = lessons.of_course(session, course.id)

        publishing.withdraw(session, second, now=LATER - timedelta(seconds=1))

        assert heard(session) == [first.id]


def test_who_gets_another_place_by_a_withdrawal_got_it_now(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=3)
        first, second, third = lessons.of_course(session, course.id)
        placed_at = first.placed_at

        publishing.withdraw(session, second, now=LATER)

        assert (first.placed_at, third.placed_at) == (placed_at, LATER)


def test_a_withdrawn_lesson_can_be_published_again(database: Database) -> None:
    with database.writing() as session:
        lesson = a_lesson(session, a_course(session, lessons=0))
        publishing.withdraw(session, lesson, now=START)
        publishing.publish(session, lesson, now=LATER)

        assert (lesson.state, lesson.published_at) == (LessonState.PUBLISHED, LATER)


def test_a_draft_cannot_be_withdrawn(database: Database) -> None:
    with database.writing() as session:
        lesson = a_draft(session, a_course(session, lessons=0))
        with pytest.raises(NotReady):
            publishing.withdraw(session, lesson, now=LATER)


def test_a_lesson_moves_one_place_at_a_time(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=3)
        first, second, third = lessons.of_course(session, course.id)

        publishing.move(session, third, Direction.UP, now=LATER)

        assert ids(session, course) == [first.id, third.id, second.id]


def test_the_first_lesson_moves_no_further_up(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=2)
        before, plan = ids(session, course), course.plan_revision
        first = lessons.of_course(session, course.id)[0]

        publishing.move(session, first, Direction.UP, now=LATER)

        assert (ids(session, course), course.plan_revision) == (before, plan)


def test_drafts_between_lessons_do_not_change_who_is_where(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=2)
        first, second = lessons.of_course(session, course.id)
        draft = a_draft(session, course, position=3)
        before = second.placed_at

        publishing.put_in_order(session, course.id, [first.id, draft.id, second.id], now=LATER)

        assert second.placed_at == before


def test_an_order_of_other_lessons_is_refused(database: Database) -> None:
    with database.writing() as session:
        course, other = a_course(session, lessons=2), a_course(session, lessons=2)
        with pytest.raises(InvalidInput):
            publishing.put_in_order(session, course.id, ids(session, other), now=LATER)


def test_who_had_a_lesson_keeps_it_when_the_order_is_turned_round(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=3)
        a_subscription(session, course)
        first, second, third = lessons.of_course(session, course.id)

        publishing.put_in_order(session, course.id, [third.id, second.id, first.id], now=LATER)

        assert heard(session) == [first.id, second.id]


def test_a_lesson_that_somebody_has_is_not_thrown_away(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=1)
        a_subscription(session, course)
        lesson = lessons.of_course(session, course.id)[0]

        with pytest.raises(LessonHeard):
            lessons.trash(session, lesson, now=START)


def test_throwing_away_answers_every_object_that_is_left(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=0)
        lesson = a_lesson(session, course)
        second = a_recording(session, lesson, number=2)
        keys = {session.get_one(Recording, lesson.recording_id).object_key, second.object_key}

        trashed = lessons.trash(session, lesson, now=LATER)

        assert set(trashed.object_keys) == keys
        assert titles(session, course) == []


@pytest.mark.parametrize(
    ("day", "beats"),
    [
        (0, [Beat.UNLOCKED, Beat.NEXT, Beat.LOCKED]),
        (6, [Beat.UNLOCKED, Beat.NEXT, Beat.LOCKED]),
        (7, [Beat.UNLOCKED, Beat.UNLOCKED, Beat.NEXT]),
        (14, [Beat.UNLOCKED, Beat.UNLOCKED, Beat.UNLOCKED]),
        (10**9, [Beat.UNLOCKED, Beat.UNLOCKED, Beat.UNLOCKED]),
        (-3, [Beat.UNLOCKED, Beat.NEXT, Beat.LOCKED]),
    ],
)
def test_a_preview_shows_what_a_listener_of_that_day_hears(
    database: Database, day: int, beats: list[Beat]
) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=3)
        a_draft(session, course, position=4)

        found = previews.preview(session, course, day=day, now=START)

    assert [each.beat for each in found.lessons] == beats
