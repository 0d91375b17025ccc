"""Courses: made, found, edited."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.db.models import Course, FormerSlug, Lesson
from app.errors import CourseNotFound, InvalidInput, SlugTaken, StaleVersion
from app.kinds import CourseState, LessonState, Role, Visibility
from app.policy import Worker
from app.services import memberships, plans, revisions, slugs
from app.services.changes import NewRhythm
from feeds.categories import COURSES, parse_category
from feeds.errors import ImpossibleValue
from feeds.rhythm import Rhythm
from feeds.slots import known_zone
from feeds.text import clean

MAX_TITLE_CHARS: Final = 200
MAX_SUMMARY_CHARS: Final = 500
MAX_STORY_CHARS: Final = 50_000
MAX_TARGET: Final = timedelta(hours=10)
WEEKLY: Final = Rhythm()
# RFC 5646, as much of it as our column holds: "nl", "en-GB".
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFields:
    """All that people set on a course. `slug` None: made out of the title. `story` is Markdown."""

    title: str
    slug: str | None = None
    author: str = ""
    language: str = "nl"
    summary: str = ""
    story: str = ""
    category: str = str(COURSES)
    is_explicit: bool = False
    visibility: Visibility = Visibility.PRIVATE
    zone: str = "Europe/Amsterdam"
    rhythm: Rhythm = WEEKLY
    may_hurry: bool = False
    target: timedelta = timedelta(minutes=15)
    tolerance: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseLine:
    """A course as it stands in a list: how many lessons it has, and how many are published."""

    course: Course
    role: Role
    lessons: int
    published: int


def create(session: Session, fields: CourseFields, *, account_id: int, now: datetime) -> Course:
    """Make a course in draft, owned by an account.

    Raises:
        InvalidInput: a field cannot be used (SlugTaken among them).
    """
    values = _values(fields) | _rhythm_values(fields)
    slug = slugs.parse_slug(fields.slug) if fields.slug else slugs.free_slug(session, fields.title)
    slugs.check_free(session, slug)
    course = Course(slug=slug, created_at=now, revised_at=now, **values)
    _save(session, course)
    memberships.give(session, account_id=account_id, course_id=course.id, role=Role.OWNER, now=now)
    return course


def edit(
    session: Session, course_id: int, fields: CourseFields, *, version: int, now: datetime
) -> Course:
    """Set what people set on a course; `slug` None keeps the one it has.

    Raises:
        StaleVersion: somebody else saved since `version` was read; nothing was changed.
        InvalidInput: a field cannot be used (SlugTaken among them).
    """
    course = revisions.lock_course(session, course_id)
    if course.version != version:
        raise StaleVersion("course", course.version)
    values = _values(fields)
    if fields.visibility is not course.visibility and course.state is not CourseState.DRAFT:
        raise InvalidInput({"visibility": "cannot change once the course was opened"})
    wanted = NewRhythm(rhythm=fields.rhythm, zone=fields.zone)
    if wanted != plans.new_rhythm(session, course):
        plans.change(session, course, wanted, now=now)
        # Whoever has the form open has the old rhythm in it, also while the new one waits.
        flag_modified(course, "title")
    if fields.slug:
        _change_slug(session, course, slugs.parse_slug(fields.slug), now=now)
    if any(getattr(course, name) != value for name, value in values.items()):
        revisions.note_shown(session, course_id, now=now)
    for name, value in values.items():
        setattr(course, name, value)
    _save(session, course)
    return course


def get(session: Session, course_id: int) -> Course:
    """Answer a course.

    Raises:
        CourseNotFound: there is none by that id.
    """
    course = session.get(Course, course_id)
    if course is None:
        raise CourseNotFound(course_id)
    return course


def get_by_slug(session: Session, slug: str) -> Course:
    """Answer the course that has this slug now.

    Raises:
        CourseNotFound: none has; `find_current_slug` knows whether one had.
    """
    course = session.scalar(select(Course).where(Course.slug == slug))
    if course is None:
        raise CourseNotFound(slug)
    return course


def find_current_slug(session: Session, former: str) -> str | None:
    """Answer the present slug of the course that once had this one; None: none had."""
    return session.scalar(select(Course.slug).join(FormerSlug).where(FormerSlug.slug == former))


def of_worker(session: Session, worker: Worker) -> Sequence[CourseLine]:
    """Answer the courses that an account works on, newest first."""
    published = func.count().filter(Lesson.state == LessonState.PUBLISHED)
    rows = session.execute(
        select(Course, func.count(Lesson.id), published)
        .outerjoin(Lesson, Lesson.course_id == Course.id)
        .where(Course.id.in_(worker.roles))
        .group_by(Course.id)
        .order_by(Course.created_at.desc(), Course.id.desc())
    )
    return [
        CourseLine(course=course, role=worker.roles[course.id], lessons=lessons, published=done)
        for course, lessons, done in rows
    ]


def one_line(text: str) -> str:
    """Answer a text as one line that every feed and database takes: NFC, single spaces."""
    return " ".join(clean(unicodedata.normalize("NFC", text)).split())


def fields_of(session: Session, course: Course) -> CourseFields:
    """Answer what people set on a course; a rhythm that waits is the one they set."""
    wanted = plans.new_rhythm(session, course)
    return CourseFields(
        title=course.title,
        slug=course.slug,
        author=course.author,
        language=course.language,
        summary=course.summary or "",
        story=course.story,
        category=course.category,
        is_explicit=course.is_explicit,
        visibility=course.visibility,
        zone=wanted.zone,
        rhythm=wanted.rhythm,
        may_hurry=course.may_hurry,
        target=timedelta(milliseconds=course.target_ms),
        tolerance=timedelta(milliseconds=course.tolerance_ms),
    )


def _values(fields: CourseFields) -> dict[str, object]:
    """Answer the columns for these fields, but for rhythm and zone."""
    title = one_line(fields.title)
    problems = _problems(fields, title)
    if problems:
        raise InvalidInput(problems)
    return {
        "title": title,
        "author": one_line(fields.author),
        "language": fields.language,
        "summary": one_line(fields.summary) or None,
        "story": clean(fields.story),
        "category": fields.category,
        "is_explicit": fields.is_explicit,
        "visibility": fields.visibility,
        "may_hurry": fields.may_hurry,
        "target_ms": fields.target // timedelta(milliseconds=1),
        "tolerance_ms": fields.tolerance // timedelta(milliseconds=1),
    }


def _rhythm_values(fields: CourseFields) -> dict[str, object]:
    return {
        "zone": fields.zone,
        "rhythm_kind": fields.rhythm.kind,
        "rhythm_every_days": fields.rhythm.every_days,
        "rhythm_weekday": fields.rhythm.weekday,
        "rhythm_hour": fields.rhythm.hour,
    }


def _problems(fields: CourseFields, title: str) -> dict[str, str]:
    problems = {}
    if not title or len(title) > MAX_TITLE_CHARS:
        problems["title"] = f"write 1 to {MAX_TITLE_CHARS} characters"
    for name, limit in (
        ("author", MAX_TITLE_CHARS),
        ("summary", MAX_SUMMARY_CHARS),
        ("story", MAX_STORY_CHARS),
    ):
        if len(getattr(fields, name)) > limit:
            problems[name] = f"is longer than {limit} characters"
    if not timedelta() < fields.target <= MAX_TARGET:
        problems["target"] = "is no length of a lesson"
    if not timedelta() <= fields.tolerance < MAX_TARGET:
        problems["tolerance"] = "is no tolerance"
    return problems | _unknown_names(fields)


def _unknown_names(fields: CourseFields) -> dict[str, str]:
    problems = {}
    if not LANGUAGE.fullmatch(fields.language):
        problems["language"] = "is no language tag"
    try:
        parse_category(fields.category)
    except ImpossibleValue:
        problems["category"] = "is not in Apple's list"
    try:
        known_zone(fields.zone, "")
    except (LookupError, ValueError, OSError):
        problems["zone"] = "is no time zone"
    return problems


def _change_slug(session: Session, course: Course, slug: str, *, now: datetime) -> None:
    if slug == course.slug:
        return
    slugs.check_free(session, slug, course_id=course.id)
    # Nobody was ever sent to the address of a course that never opened.
    if course.state is not CourseState.DRAFT:
        slugs.retire(session, course, now=now)
    slugs.take_back(session, slug)
    course.slug = slug
    revisions.note_shown(session, course.id, now=now)


def _save(session: Session, course: Course) -> None:
    try:
        with session.begin_nested():
            session.add(course)
            session.flush()
    except IntegrityError as error:
        # Another course took the slug between our look and now.
        raise SlugTaken(course.slug) from error
