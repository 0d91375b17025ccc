"""What a visitor sees of the courses: which are open, their lessons and lengths, their covers."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson, Recording
from app.errors import CourseNotFound
from app.kinds import CourseState, LessonState
from app.policy import may_see_course_page
from app.services import courses
from media.artwork import cover_sizes
from media.keys import ObjectKey, parse_object_key
from media.limits import COVER_SIZES_PX
from media.store import Store

# Sizes in which pages may ask for a cover; every cover is larger.
COVER_SIDES: Final = COVER_SIZES_PX


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfCourse:
    """A course as it stands on the front page."""

    course: Course
    lesson_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfLesson:
    """A lesson as it stands on the course page. `duration_ms` None: not measured yet."""

    title: str
    duration_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverPicture:
    """Where a course's cover lies in the store, and what it is."""

    key: ObjectKey
    content_type: str


def open_courses(session: Session) -> Sequence[ShelfCourse]:
    """Answer the courses that take sign-ups, the newest first."""
    rows = session.execute(
        select(Course, func.count(Lesson.id))
        .outerjoin(
            Lesson, (Lesson.course_id == Course.id) & (Lesson.state == LessonState.PUBLISHED)
        )
        .where(Course.state == CourseState.OPEN)
        .group_by(Course.id)
        .order_by(Course.opened_at.desc(), Course.id.desc())
    )
    return [ShelfCourse(course=course, lesson_count=count) for course, count in rows]


def get_visible(session: Session, slug: str) -> Course:
    """Answer the course of a page that anybody may see.

    Raises:
        CourseNotFound: there is none, or it is a draft or put away.
    """
    course = courses.get_by_slug(session, slug)
    if not may_see_course_page(course.state, None):
        raise CourseNotFound(slug)
    return course


def published_lessons(session: Session, course_id: int, *, now: datetime) -> list[ShelfLesson]:
    """Answer the lessons that a course page lists, in order."""
    rows = session.execute(
        select(Lesson.title, Recording.duration_ms)
        .outerjoin(Recording, Recording.id == Lesson.recording_id)
        .where(
            Lesson.course_id == course_id,
            Lesson.state == LessonState.PUBLISHED,
            Lesson.published_at <= now,
        )
        .order_by(Lesson.position, Lesson.id)
    )
    return [ShelfLesson(title=title, duration_ms=length) for title, length in rows]


def get_cover(session: Session, slug: str, number: int) -> CoverPicture:
    """Answer the cover that an address names; feeds of a course put away still show it.

    Raises:
        CourseNotFound: no such course was ever opened, or its cover has another number.
    """
    course = courses.get_by_slug(session, slug)
    if course.cover_key is None or course.cover_number != number or course.opened_at is None:
        raise CourseNotFound(slug)
    return CoverPicture(
        key=parse_object_key(course.cover_key),
        content_type=course.cover_type or "image/jpeg",
    )


def read_cover(store: Store, picture: CoverPicture) -> bytes:
    """Answer the bytes of a cover (at most 512 kB).

    Raises:
        StoreError: the store does not give them.
    """
    with store.open(picture.key) as chunks:
        return b"".join(chunks)


def read_small_cover(store: Store, picture: CoverPicture, side: int) -> bytes:
    """Answer a cover as a square JPEG of `side` pixels, one of COVER_SIDES.

    Raises:
        UnreadableCover: it is no picture that can be decoded.
        StoreError: the store does not give it.
    """
    # (a protocol says nothing of hashing; every store hashes as the object it is)
    return _small_covers(store, picture.key)[side]  # type: ignore[arg-type]


# Some 200 kB for each cover.
@lru_cache(maxsize=64)
def _small_covers(store: Store, key: ObjectKey) -> Mapping[int, bytes]:
    with store.open(key) as chunks:
        content = b"".join(chunks)
    with _UNPACKING:
        return cover_sizes(content)


# Unpacked, a cover takes a hundred megabytes: of many that are asked for at once, one at a time.
_UNPACKING: Final = threading.Lock()
