"""A lesson's public life: published, withdrawn, moved."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db.models import Lesson, Recording
from app.errors import InvalidInput, NotReady
from app.kinds import LessonState, RecordingState
from app.services import lessons, plans, revisions


class Direction(IntEnum):
    """Which way a lesson moves by one place."""

    UP = -1
    DOWN = 1


def publish(session: Session, lesson: Lesson, *, now: datetime) -> None:
    """Let listeners have a lesson when it is its turn. Publishing again after a withdrawal too.

    A course that was finished is so no more: there is something to come.

    Raises:
        NotReady: it has no recording, or one that is not judged fit yet.
    """
    course = revisions.lock_course(session, lesson.course_id)
    session.refresh(lesson)
    _check_may_publish(session, lesson)
    if lesson.state is LessonState.PUBLISHED:
        return
    with plans.change_of_order(session, course, now=now):
        _set(session, lesson, state=LessonState.PUBLISHED, published_at=now)
    if course.finished_at is not None:
        revisions.set_on_course(session, course.id, finished_at=None)


def withdraw(session: Session, lesson: Lesson, *, now: datetime) -> None:
    """Give a lesson to nobody new; who has it keeps it.

    Raises:
        NotReady: it is not published; or it is the last one of a course that is open.
    """
    course = revisions.lock_course(session, lesson.course_id)
    session.refresh(lesson)
    if lesson.state is not LessonState.PUBLISHED:
        raise NotReady("lesson", "not_published")
    with plans.change_of_order(session, course, now=now):
        _set(session, lesson, state=LessonState.WITHDRAWN)


def move(session: Session, lesson: Lesson, direction: Direction, *, now: datetime) -> None:
    """Move a lesson one place up or down among all lessons; at the end nothing happens."""
    revisions.lock_course(session, lesson.course_id)
    ids = [other.id for other in lessons.of_course(session, lesson.course_id)]
    here = ids.index(lesson.id)
    there = here + direction
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        put_in_order(session, lesson.course_id, ids, now=now)


def put_in_order(
    session: Session, course_id: int, lesson_ids: Sequence[int], *, now: datetime
) -> None:
    """Put all lessons of a course into this order.

    Raises:
        InvalidInput: these are not exactly its lessons, such as when one was added meanwhile.
    """
    course = revisions.lock_course(session, course_id)
    present = [lesson.id for lesson in lessons.of_course(session, course_id)]
    if sorted(present) != sorted(lesson_ids):
        raise InvalidInput({"order": "these are not the lessons of the course"})
    if present == list(lesson_ids):
        return
    with plans.change_of_order(session, course, now=now):
        for position, lesson_id in enumerate(lesson_ids, start=1):
            session.execute(
                update(Lesson)
                .where(Lesson.id == lesson_id)
                .values(position=position)
                .execution_options(synchronize_session="fetch")
            )


def _check_may_publish(session: Session, lesson: Lesson) -> None:
    if lesson.state is LessonState.REMOVED:
        raise NotReady("lesson", "removed")
    if lesson.recording_id is None:
        raise NotReady("recording", "missing")
    recording = session.get_one(Recording, lesson.recording_id)
    if recording.state is not RecordingState.READY:
        raise NotReady("recording", recording.state.value)


def _set(session: Session, lesson: Lesson, **values: object) -> None:
    # Not through the object: its version counts what people typed.
    session.execute(
        update(Lesson)
        .where(Lesson.id == lesson.id)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
