"""The changes of a course's plan: all that moves the instant at which somebody gets a lesson.

Each can wait as a row (`pack`, `unpack`) and is carried out by `apply`, once `app.services.plans`
has seen to it that nobody loses by it what she could hear. They are few: rhythm and zone, order,
publication, withdrawal, and the date of a lesson.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson, Recording
from app.kinds import LessonState, RecordingState
from app.services import revisions
from feeds.rhythm import Rhythm, RhythmKind

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRhythm:
    """The rhythm of the course, and the zone of who has none of her own."""

    rhythm: Rhythm
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """The lessons by id; those that are not named come after them, as they stood."""

    lesson_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A lesson is published: for the first time, or again after a withdrawal."""

    lesson_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A lesson goes to nobody new."""

    lesson_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDate:
    """The date of a lesson in the rhythm of fixed dates; None: none."""

    lesson_id: int
    release_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerChange:
    """A change that a newer release asked for, during an upgrade: for one of its own workers."""

    what: str


Change = NewRhythm | NewOrder | Publication | Withdrawal | NewDate | NewerChange


def pack(change: Change) -> dict[str, Any]:
    """Answer a change as JSON."""
    match change:
        case NewRhythm(rhythm=rhythm, zone=zone):
            return {
                "what": "rhythm",
                "kind": rhythm.kind,
                "every_days": rhythm.every_days,
                "weekday": rhythm.weekday,
                "hour": rhythm.hour,
                "zone": zone,
            }
        case NewOrder(lesson_ids=ids):
            return {"what": "order", "lessons": list(ids)}
        case Publication(lesson_id=lesson_id):
            return {"what": "publication", "lesson": lesson_id}
        case Withdrawal(lesson_id=lesson_id):
            return {"what": "withdrawal", "lesson": lesson_id}
        case NewDate(lesson_id=lesson_id, release_at=at):
            return {"what": "date", "lesson": lesson_id, "at": at.isoformat() if at else None}
        case NewerChange(what=what):
            return {"what": what}
        case _:
            assert_never(change)


def unpack(packed: Mapping[str, Any]) -> Change:
    """Answer the change that was packed."""
    match packed["what"]:
        case "rhythm":
            rhythm = Rhythm(
                kind=RhythmKind(packed["kind"]),
                every_days=packed["every_days"],
                weekday=packed["weekday"],
                hour=packed["hour"],
            )
            return NewRhythm(rhythm=rhythm, zone=packed["zone"])
        case "order":
            return NewOrder(lesson_ids=tuple(packed["lessons"]))
        case "publication":
            return Publication(lesson_id=packed["lesson"])
        case "withdrawal":
            return Withdrawal(lesson_id=packed["lesson"])
        case "date":
            at = packed["at"]
            return NewDate(
                lesson_id=packed["lesson"], release_at=datetime.fromisoformat(at) if at else None
            )
        case what:
            return NewerChange(what=str(what))


def apply(session: Session, course: Course, change: Change, *, now: datetime) -> None:
    """Carry a change out; the course's plan and revision move on.

    The caller holds the course's row, and what is due under the old plan was written down. What a
    change is about may be gone since it was asked for: then nothing happens.
    """
    before = places(session, course.id)
    match change:
        case NewRhythm():
            _set_rhythm(session, course, change)
        case NewOrder(lesson_ids=ids):
            _put_in_order(session, course.id, ids)
        case Publication(lesson_id=lesson_id):
            _publish(session, course, lesson_id, now=now)
        case Withdrawal(lesson_id=lesson_id):
            _set_lessons(session, [lesson_id], state=LessonState.WITHDRAWN)
        case NewDate(lesson_id=lesson_id, release_at=release_at):
            _set_lessons(session, [lesson_id], release_at=release_at)
        case NewerChange(what=what):
            # Nobody gets here: `app.services.plans` leaves it to who knows it.
            raise NotImplementedError(what)
        case _:
            assert_never(change)
    note_moved(session, course.id, before, now=now)


def note_moved(
    session: Session, course_id: int, before: Mapping[int, int], *, now: datetime
) -> None:
    """Write down that the plan moved on; a lesson in another place than `before` came there now."""
    session.flush()
    after = places(session, course_id)
    moved = [lesson_id for lesson_id, place in after.items() if before.get(lesson_id) != place]
    _set_lessons(session, moved, placed_at=now)
    revisions.note_plan(session, course_id, now=now)


def places(session: Session, course_id: int) -> dict[int, int]:
    """Answer the place of each lesson that takes one."""
    ids: Sequence[int] = session.scalars(
        select(Lesson.id)
        .where(Lesson.course_id == course_id, Lesson.state == LessonState.PUBLISHED)
        .order_by(Lesson.position, Lesson.id)
    ).all()
    return {lesson_id: place for place, lesson_id in enumerate(ids)}


def find_obstacle(session: Session, lesson: Lesson) -> tuple[str, str] | None:
    """Answer what keeps a lesson from being published, and why, in a word each; None: nothing."""
    if lesson.state is LessonState.REMOVED:
        return "lesson", "removed"
    if lesson.recording_id is None:
        return "recording", "missing"
    recording = session.get_one(Recording, lesson.recording_id)
    return None if recording.state is RecordingState.READY else ("recording", recording.state.value)


def _set_rhythm(session: Session, course: Course, change: NewRhythm) -> None:
    revisions.set_on_course(
        session,
        course.id,
        zone=change.zone,
        rhythm_kind=change.rhythm.kind,
        rhythm_every_days=change.rhythm.every_days,
        rhythm_weekday=change.rhythm.weekday,
        rhythm_hour=change.rhythm.hour,
    )


def _put_in_order(session: Session, course_id: int, wanted: Sequence[int]) -> None:
    present = session.scalars(
        select(Lesson.id).where(Lesson.course_id == course_id).order_by(Lesson.position, Lesson.id)
    ).all()
    named = [lesson_id for lesson_id in wanted if lesson_id in present]
    others = [lesson_id for lesson_id in present if lesson_id not in named]
    for position, lesson_id in enumerate([*named, *others], start=1):
        _set_lessons(session, [lesson_id], position=position)


def _publish(session: Session, course: Course, lesson_id: int, *, now: datetime) -> None:
    lesson = session.get(Lesson, lesson_id, populate_existing=True)
    if lesson is None or lesson.state is LessonState.PUBLISHED:
        return
    if obstacle := find_obstacle(session, lesson):
        # It was fit when it was asked for; what stands there now must not be heard.
        log.warning("publication_dropped", lesson=lesson_id, why=obstacle[1])
        return
    _set_lessons(session, [lesson_id], state=LessonState.PUBLISHED, published_at=now)
    if course.finished_at is not None:
        revisions.set_on_course(session, course.id, finished_at=None)


def _set_lessons(session: Session, lesson_ids: Sequence[int], **values: object) -> None:
    # Not through the objects: their version counts what people typed.
    session.execute(
        update(Lesson)
        .where(Lesson.id.in_(lesson_ids))
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
