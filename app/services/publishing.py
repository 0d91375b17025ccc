"""A lesson's public life: published, withdrawn, moved; at once or as soon as many are told."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from sqlalchemy.orm import Session

from app.db.models import Lesson
from app.errors import InvalidInput, NotReady
from app.kinds import LessonState
from app.services import changes, lessons, plans, revisions
from app.services.changes import NewOrder, Publication, Withdrawal


class Direction(IntEnum):
    """Which way a lesson moves by one place."""

    UP = -1
    DOWN = 1


def publish(session: Session, lesson: Lesson, *, now: datetime) -> bool:
    """Let listeners have a lesson when it is its turn. Publishing again after a withdrawal too.

    False: not yet, many get what is due first (`app.services.plans`). A course that was finished
    is so no more: there is something to come.

    Raises:
        NotReady: it has no recording, or one that is not judged fit yet.
    """
    course = revisions.lock_course(session, lesson.course_id)
    session.refresh(lesson)
    _check_may_publish(session, lesson)
    if plans.new_state(session, lesson) is LessonState.PUBLISHED:
        return lesson.state is LessonState.PUBLISHED
    return plans.change(session, course, Publication(lesson_id=lesson.id), now=now)


def withdraw(session: Session, lesson: Lesson, *, now: datetime) -> bool:
    """Give a lesson to nobody new; who has it keeps it. False: not yet, as with `publish`.

    Raises:
        NotReady: it is not published; or it is the last one of a course that is open.
    """
    course = revisions.lock_course(session, lesson.course_id)
    session.refresh(lesson)
    if plans.new_state(session, lesson) is not LessonState.PUBLISHED:
        raise NotReady("lesson", "not_published")
    return plans.change(session, course, Withdrawal(lesson_id=lesson.id), now=now)


def move(session: Session, lesson: Lesson, direction: Direction, *, now: datetime) -> None:
    """Move a lesson one place up or down among all lessons; at the end nothing happens."""
    revisions.lock_course(session, lesson.course_id)
    ids = _order(session, lesson.course_id)
    here = ids.index(lesson.id)
    there = here + direction
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        put_in_order(session, lesson.course_id, ids, now=now)


def put_in_order(
    session: Session, course_id: int, lesson_ids: Sequence[int], *, now: datetime
) -> bool:
    """Put all lessons of a course into this order. False: not yet, as with `publish`.

    Raises:
        InvalidInput: these are not exactly its lessons, such as when one was added meanwhile.
    """
    course = revisions.lock_course(session, course_id)
    present = _order(session, course_id)
    if sorted(present) != sorted(lesson_ids):
        raise InvalidInput({"order": "these are not the lessons of the course"})
    if present == list(lesson_ids):
        return True
    return plans.change(session, course, NewOrder(lesson_ids=tuple(lesson_ids)), now=now)


def _order(session: Session, course_id: int) -> list[int]:
    """Answer the lessons in the order in which they are, or will be."""
    present = [lesson.id for lesson in lessons.of_course(session, course_id)]
    return plans.new_order(session, course_id, present)


def _check_may_publish(session: Session, lesson: Lesson) -> None:
    obstacle = changes.find_obstacle(session, lesson)
    if obstacle is not None:
        raise NotReady(*obstacle)
