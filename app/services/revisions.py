"""What makes feeds change: a course's revision, and the revision of its plan.

Both are raised by statements of their own, not through the course's object: its `version` counts
what people typed, and nobody's open form should go stale because a lesson was published.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.models import Course
from app.errors import CourseNotFound


def lock_course(session: Session, course_id: int) -> Course:
    """Answer the course as it stands now, and let nobody else change it until we commit.

    Raises:
        CourseNotFound: there is none.
    """
    course = session.scalar(
        select(Course)
        .where(Course.id == course_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if course is None:
        raise CourseNotFound(course_id)
    return course


def note_shown(session: Session, course_id: int, *, now: datetime) -> None:
    """Write down that something changed which a feed shows."""
    _set(session, course_id, revision=Course.revision + 1, revised_at=now)


def note_plan(session: Session, course_id: int, *, now: datetime) -> None:
    """Write down that something changed of what unlocks when; feeds show that too."""
    _set(
        session,
        course_id,
        revision=Course.revision + 1,
        revised_at=now,
        plan_revision=Course.plan_revision + 1,
    )


def set_on_course(session: Session, course_id: int, **values: object) -> None:
    """Set columns of a course that are no text of anybody's: its state and its instants."""
    _set(session, course_id, **values)


def _set(session: Session, course_id: int, **values: object) -> None:
    session.execute(
        update(Course)
        .where(Course.id == course_id)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
