"""What unlocks when, for a whole course: its lessons as the rhythm sees them, and changes of that.

Before the plan of a course changes, what is due under the old plan is written down for everybody
(`settle`), so that nothing that was visible can go. All under the lock of the course's row.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson
from app.kinds import LessonState
from app.services import revisions, unlocks
from feeds.rhythm import PlannedLesson

# Those that take a place, or took one for those who have them.
PLANNED_STATES = (LessonState.PUBLISHED, LessonState.WITHDRAWN, LessonState.REMOVED)


def planned(lesson: Lesson) -> PlannedLesson:
    """Answer a lesson as the rhythm sees it."""
    is_gone = lesson.state in {LessonState.WITHDRAWN, LessonState.REMOVED}
    return PlannedLesson(
        id=lesson.id,
        position=lesson.position,
        published_at=None if lesson.state is LessonState.DRAFT else lesson.published_at,
        placed_at=lesson.placed_at,
        release_at=lesson.release_at,
        is_withdrawn=is_gone,
    )


def planned_lessons(session: Session, course_id: int) -> tuple[PlannedLesson, ...]:
    """Answer the lessons of a course as the rhythm sees them, in order; without drafts."""
    lessons = session.scalars(
        select(Lesson)
        .where(Lesson.course_id == course_id, Lesson.state.in_(PLANNED_STATES))
        .order_by(Lesson.position, Lesson.id)
    )
    return tuple(planned(lesson) for lesson in lessons)


def settle(session: Session, course: Course, *, now: datetime) -> None:
    """Write down, for every subscription, what is due now under the plan as it stands."""
    unlocks.record_course(session, course.id, now=now)


@contextmanager
def change_of_order(session: Session, course: Course, *, now: datetime) -> Iterator[None]:
    """Change publication or order inside; whoever gets another place by it, got it now.

    The course's plan and revision move on. What is due under the old order is written down first.
    """
    settle(session, course, now=now)
    before = _places(session, course.id)
    yield
    session.flush()
    after = _places(session, course.id)
    moved = [lesson_id for lesson_id, place in after.items() if before.get(lesson_id) != place]
    session.execute(
        update(Lesson)
        .where(Lesson.id.in_(moved))
        .values(placed_at=now)
        .execution_options(synchronize_session="fetch")
    )
    revisions.note_plan(session, course.id, now=now)


def _places(session: Session, course_id: int) -> dict[int, int]:
    """Answer the place of each lesson that takes one."""
    ids: Sequence[int] = session.scalars(
        select(Lesson.id)
        .where(Lesson.course_id == course_id, Lesson.state == LessonState.PUBLISHED)
        .order_by(Lesson.position, Lesson.id)
    ).all()
    return {lesson_id: place for place, lesson_id in enumerate(ids)}
