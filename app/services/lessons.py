"""Lessons: made, found, edited, thrown away."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import flag_modified

from app.db.models import Course, Lesson, Recording, Unlock
from app.errors import InvalidInput, LessonHeard, LessonNotFound, NotReady, StaleVersion, TitleTaken
from app.kinds import LessonState
from app.services import changes, plans, revisions
from app.services.changes import NewDate
from app.services.courses import one_line
from feeds.text import clean
from media.keys import ObjectKey

MAX_TITLE_CHARS: Final = 200
MAX_NOTES_CHARS: Final = 20_000
# Lower case only (apps compare paths without case), without what people misread: 0 o 1 l i.
ID_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
ID_CHARS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonFields:
    """All that people set on a lesson. `notes` is Markdown.

    `release_at`: its date in the rhythm of fixed dates; None when it has none yet.
    """

    title: str
    notes: str = ""
    release_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trashed:
    """What is left to do once a lesson's row is gone and committed: delete these objects."""

    lesson_id: int
    object_keys: tuple[ObjectKey, ...] = field(default=())


def create(session: Session, course_id: int, fields: LessonFields, *, now: datetime) -> Lesson:
    """Make a lesson in draft, at the end of its course.

    Raises:
        InvalidInput: a field cannot be used (TitleTaken among them).
    """
    revisions.lock_course(session, course_id)
    last = session.scalar(select(func.max(Lesson.position)).where(Lesson.course_id == course_id))
    lesson = Lesson(
        course_id=course_id,
        public_id="".join(secrets.choice(ID_LETTERS) for _ in range(ID_CHARS)),
        guid=uuid.uuid4(),
        position=(last or 0) + 1,
        created_at=now,
        release_at=fields.release_at,
        **_values(fields),
    )
    _check_title(session, lesson)
    _save(session, lesson)
    return lesson


def edit(
    session: Session, lesson: Lesson, fields: LessonFields, *, version: int, now: datetime
) -> Lesson:
    """Set what people set on a lesson.

    Raises:
        StaleVersion: somebody else saved since `version` was read; nothing was changed.
        InvalidInput: a field cannot be used (TitleTaken among them).
    """
    course = revisions.lock_course(session, lesson.course_id)
    session.refresh(lesson)
    if lesson.version != version:
        raise StaleVersion("lesson", lesson.version)
    is_moved = plans.new_date(session, lesson) != fields.release_at
    for name, value in _values(fields).items():
        setattr(lesson, name, value)
    if is_moved and plans.new_state(session, lesson) is LessonState.PUBLISHED:
        wanted = NewDate(lesson_id=lesson.id, release_at=fields.release_at)
        plans.change(session, course, wanted, now=now)
        # Whoever has the form open has the old date in it, also while the new one waits.
        flag_modified(lesson, "title")
    elif is_moved:
        lesson.release_at = fields.release_at
    _check_title(session, lesson)
    _save(session, lesson)
    if lesson.published_at is not None:
        revisions.note_shown(session, course.id, now=now)
    return lesson


def set_transcript(
    session: Session, lesson: Lesson, transcript: str | None, *, now: datetime
) -> None:
    """Set a lesson's transcript, WebVTT; None takes it away."""
    _set(session, lesson, transcript=transcript)
    revisions.note_shown(session, lesson.course_id, now=now)


def set_chapters(
    session: Session, lesson: Lesson, chapters: list[object] | None, *, now: datetime
) -> None:
    """Set a lesson's chapters, as application/json+chapters lists them; None takes them away."""
    _set(session, lesson, chapters=chapters)
    revisions.note_shown(session, lesson.course_id, now=now)


def get(session: Session, course_id: int, lesson_id: int) -> Lesson:
    """Answer one lesson of a course, with its recording.

    Raises:
        LessonNotFound: the course has none by that id.
    """
    lesson = session.scalar(
        select(Lesson)
        .where(Lesson.id == lesson_id, Lesson.course_id == course_id)
        .options(joinedload(Lesson.recording))
    )
    if lesson is None:
        raise LessonNotFound(lesson_id)
    return lesson


def of_course(session: Session, course_id: int) -> Sequence[Lesson]:
    """Answer the lessons of a course in order, with their recordings."""
    return session.scalars(
        select(Lesson)
        .where(Lesson.course_id == course_id)
        .options(joinedload(Lesson.recording))
        .order_by(Lesson.position, Lesson.id)
    ).all()


def find_by_title(session: Session, course_id: int, title: str) -> Lesson | None:
    """Answer the lesson of a course that has this title, give or take capitals; None: none has."""
    return session.scalar(
        select(Lesson).where(Lesson.course_id == course_id, Lesson.title_key == title_key(title))
    )


def newest_recording(session: Session, lesson_id: int) -> Recording | None:
    """Answer the last recording that was uploaded for a lesson; None: none was."""
    return session.scalar(
        select(Recording)
        .where(Recording.lesson_id == lesson_id)
        .order_by(Recording.number.desc())
        .limit(1)
    )


def trash(session: Session, lesson: Lesson, *, now: datetime) -> Trashed:
    """Delete a lesson that nobody has unlocked; delete its objects after the commit.

    Raises:
        LessonHeard: somebody has it: withdraw it instead.
        NotReady: many are about to get lessons; which of them get this one is not written down yet.
    """
    course = revisions.lock_course(session, lesson.course_id)
    is_settled = not is_placed(lesson) or plans.settle(session, course, now=now)
    if is_heard(session, lesson.id):
        raise LessonHeard(lesson.id)
    if not is_settled:
        raise NotReady("lesson", "being_unlocked")
    keys = session.scalars(select(Recording.object_key).where(Recording.lesson_id == lesson.id))
    trashed = Trashed(lesson_id=lesson.id, object_keys=tuple(ObjectKey(key) for key in keys))
    before = changes.places(session, course.id)
    session.execute(delete(Lesson).where(Lesson.id == lesson.id))
    session.expunge(lesson)
    changes.note_moved(session, course.id, before, now=now)
    return trashed


def is_heard(session: Session, lesson_id: int) -> bool:
    """Tell whether anybody has unlocked the lesson."""
    found = session.scalar(select(Unlock.id).where(Unlock.lesson_id == lesson_id).limit(1))
    return found is not None


def is_placed(lesson: Lesson) -> bool:
    """Tell whether the lesson takes a place in the rhythm for those who do not have it yet."""
    return lesson.state is LessonState.PUBLISHED


def title_key(title: str) -> str:
    """Answer what must be unique of a title in its course."""
    return one_line(title).casefold()


def _values(fields: LessonFields) -> dict[str, object]:
    title = one_line(fields.title)
    problems = {}
    if not title or len(title) > MAX_TITLE_CHARS or len(title_key(title)) > 255:  # noqa: PLR2004 (column)
        problems["title"] = f"write 1 to {MAX_TITLE_CHARS} characters"
    if len(fields.notes) > MAX_NOTES_CHARS:
        problems["notes"] = f"is longer than {MAX_NOTES_CHARS} characters"
    if problems:
        raise InvalidInput(problems)
    return {
        "title": title,
        "title_key": title_key(title),
        "notes": clean(fields.notes),
    }


def _set(session: Session, lesson: Lesson, **values: object) -> None:
    # Not through the object: its version counts what people typed into its form.
    session.execute(
        update(Lesson)
        .where(Lesson.id == lesson.id)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )


def _check_title(session: Session, lesson: Lesson) -> None:
    with session.no_autoflush:
        other = find_by_title(session, lesson.course_id, lesson.title)
    if other is not None and other.id != lesson.id:
        raise TitleTaken(lesson.title)


def _save(session: Session, lesson: Lesson) -> None:
    try:
        with session.begin_nested():
            session.add(lesson)
            session.flush()
    except IntegrityError as error:
        raise TitleTaken(lesson.title) from error


def course_of(session: Session, lesson: Lesson) -> Course:
    """Answer the course of a lesson."""
    return session.get_one(Course, lesson.course_id)
