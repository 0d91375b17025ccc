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


def settle(session: Session, course: Course, *, now: datetime) -> None:
    """Write down, for every subscription, what is due now under the plan as it stands."""
    while unlocks.record_course(session, course, now=now, limit=500):
        pass


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
