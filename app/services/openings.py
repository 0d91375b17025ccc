"""A course's public life: opened, closed, archived, finished."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson
from app.errors import NotReady
from app.kinds import CourseState, LessonState, Visibility
from app.services import revisions


def open_course(session: Session, course_id: int, *, now: datetime) -> Course:
    """Let people sign up. A closed or archived course opens again the same way.

    Raises:
        NotReady: no lesson is published.
    """
    course = revisions.lock_course(session, course_id)
    if count_published(session, course_id) == 0:
        raise NotReady("course", "no_lessons")
    values: dict[str, object] = {"state": CourseState.OPEN}
    if course.opened_at is None:
        values["opened_at"] = now
    if course.visibility is Visibility.PUBLIC and course.feed_name is None:
        # For ever: apps remember it.
        values["feed_name"] = course.slug
    return _change(session, course, values, now=now)


def close_course(session: Session, course_id: int, *, now: datetime) -> Course:
    """Let nobody new sign up; who listens goes on.

    Raises:
        NotReady: it never opened.
    """
    course = revisions.lock_course(session, course_id)
    if course.state is CourseState.DRAFT:
        raise NotReady("course", "never_opened")
    return _change(session, course, {"state": CourseState.CLOSED}, now=now)


def archive_course(session: Session, course_id: int, *, now: datetime) -> Course:
    """Take the course out of sight: no page, nobody new. Feeds of those who have it go on."""
    course = revisions.lock_course(session, course_id)
    return _change(session, course, {"state": CourseState.ARCHIVED}, now=now)


def finish(session: Session, course_id: int, *, now: datetime) -> Course:
    """Say that no more lessons come: who has everything is told that it is complete.

    Raises:
        NotReady: no lesson is published.
    """
    course = revisions.lock_course(session, course_id)
    if count_published(session, course_id) == 0:
        raise NotReady("course", "no_lessons")
    return _change(session, course, {"finished_at": course.finished_at or now}, now=now)


def unfinish(session: Session, course_id: int, *, now: datetime) -> Course:
    """Say that more lessons may come after all. Apps that stopped asking may not notice."""
    course = revisions.lock_course(session, course_id)
    return _change(session, course, {"finished_at": None}, now=now)


def count_published(session: Session, course_id: int) -> int:
    """Answer how many lessons of a course are published."""
    published = select(func.count()).where(
        Lesson.course_id == course_id, Lesson.state == LessonState.PUBLISHED
    )
    return session.scalars(published).one()


def _change(
    session: Session, course: Course, values: dict[str, object], *, now: datetime
) -> Course:
    if any(getattr(course, name) != value for name, value in values.items()):
        revisions.set_on_course(session, course.id, **values)
        revisions.note_shown(session, course.id, now=now)
    return course
