"""Where a listener is in the lessons that she hears in a browser, the same on all her devices.

A row here is evidence that she put the course to use, also when no app of hers ever fetched the
feed: whoever asks "did she listen?" looks at `has_listened` beside `subscriptions.last_fetch_at`.

Of two devices the later one counts, by when she was there, not by which message came last; how far
she has come never goes back. A device does not say at what time she was there but how long ago, so
that its clock may be wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import Lesson, Position, Recording
from app.errors import InvalidInput, LessonNotFound, TooManyRequests
from app.kinds import LessonState
from app.services import unlocks

# This near the end she has heard it: what is left is a greeting. Short lessons: a tenth of them.
TAIL_MS: Final = 20_000
TAIL_SHARE: Final = 10
# A browser says it every five seconds; what is refused waits in the browser and comes again.
MIN_GAP: Final = timedelta(seconds=1)
# What a device kept for longer than this while it was offline is as good as any earlier moment.
MAX_AGE: Final = timedelta(days=365)
# No lesson is longer than a day; a number beyond is a mistake or a joke.
MAX_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a browser says: where she was in a lesson, and how long ago that was."""

    lesson: str
    position_ms: int
    age: timedelta
    is_at_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How far she is in one lesson. `resume_ms` 0: from its start."""

    position_ms: int
    heard_ms: int
    is_finished: bool
    resume_ms: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """How far she is in the lesson of which she said something. `duration_ms` None: not known."""

    heard: Heard
    duration_ms: int | None


def parse_said(fields: Mapping[str, str]) -> Said:
    """Take what a browser sent.

    Raises:
        InvalidInput: a number is missing, is none, or is impossible.
    """
    return Said(
        lesson=fields.get("lesson", ""),
        position_ms=_parse_number(fields, "position_ms", MAX_MS),
        age=timedelta(milliseconds=_parse_number(fields, "age_ms", 10**15)),
        is_at_end=fields.get("is_at_end") == "1",
    )


def save(session: Session, subscription_id: int, said: Said, *, now: datetime) -> Saved:
    """Remember where she is, unless something later is known; answer what is known then.

    Raises:
        LessonNotFound: the lesson is not hers (yet), or is no more.
        TooManyRequests: she said something a moment ago.
        SubscriptionNotFound: there is no subscription by that id.
    """
    lesson_id, duration_ms = _get_unlocked(session, subscription_id, said.lesson, now)
    _refuse_flood(session, subscription_id, now)
    position_ms = min(said.position_ms, duration_ms or MAX_MS)
    is_end = said.is_at_end or _is_near_end(position_ms, duration_ms)
    at = now - min(max(said.age, timedelta(0)), MAX_AGE)
    row = _lock_row(session, subscription_id, lesson_id, at=at, now=now)
    row.heard_ms = max(row.heard_ms, position_ms)
    if at >= row.updated_at:
        row.position_ms, row.updated_at = position_ms, at
    if is_end and row.finished_at is None:
        row.finished_at = at
    row.received_at = now
    session.flush()
    return Saved(heard=_heard(row, duration_ms), duration_ms=duration_ms)


def of_subscription(session: Session, subscription_id: int) -> dict[int, Heard]:
    """Answer how far she is in each lesson that she heard in a browser, by lesson id."""
    rows = session.execute(
        select(Position, Recording.duration_ms)
        .join(Lesson, Lesson.id == Position.lesson_id)
        .outerjoin(Recording, Recording.id == Lesson.recording_id)
        .where(Position.subscription_id == subscription_id)
    )
    return {row.lesson_id: _heard(row, duration_ms) for row, duration_ms in rows}


def has_listened(session: Session, subscription_id: int) -> bool:
    """Tell whether she ever played a lesson in a browser."""
    found = select(Position.id).where(Position.subscription_id == subscription_id)
    return session.scalar(found.limit(1)) is not None


def _get_unlocked(
    session: Session, subscription_id: int, public_id: str, now: datetime
) -> tuple[int, int | None]:
    """Answer a lesson that is hers, and how long it is, if that is known."""
    plan = unlocks.get_plan(session, subscription_id)
    hers = {each.lesson_id for each in plan.unlocked(now)}
    found = session.execute(
        select(Lesson.id, Recording.duration_ms)
        .join(Recording, Recording.id == Lesson.recording_id)
        .where(
            Lesson.course_id == plan.course.id,
            Lesson.public_id == public_id,
            Lesson.state != LessonState.REMOVED,
        )
    ).one_or_none()
    if found is None or found.id not in hers:
        raise LessonNotFound(public_id)
    return found.id, found.duration_ms


def _refuse_flood(session: Session, subscription_id: int, now: datetime) -> None:
    last = session.scalar(
        select(func.max(Position.received_at)).where(Position.subscription_id == subscription_id)
    )
    # A clock that was set back must not silence her for as long.
    if last is not None and timedelta(0) <= now - last < MIN_GAP:
        raise TooManyRequests(MIN_GAP)


def _lock_row(
    session: Session, subscription_id: int, lesson_id: int, *, at: datetime, now: datetime
) -> Position:
    """Answer the row of this lesson, made now if need be, and ours until we commit."""
    values = {"position_ms": 0, "heard_ms": 0, "updated_at": at, "received_at": now}
    session.execute(
        insert_into(session, Position)
        .values(subscription_id=subscription_id, lesson_id=lesson_id, **values)
        .on_conflict_do_nothing(index_elements=["subscription_id", "lesson_id"])
    )
    return session.scalars(
        select(Position)
        .where(Position.subscription_id == subscription_id, Position.lesson_id == lesson_id)
        .with_for_update()
    ).one()


def _heard(row: Position, duration_ms: int | None) -> Heard:
    # A recording may have been replaced by a shorter one.
    position_ms = min(row.position_ms, duration_ms or MAX_MS)
    return Heard(
        position_ms=position_ms,
        heard_ms=min(row.heard_ms, duration_ms or MAX_MS),
        is_finished=row.finished_at is not None,
        resume_ms=0 if _is_near_end(position_ms, duration_ms) else position_ms,
        updated_at=row.updated_at,
    )


def _is_near_end(position_ms: int, duration_ms: int | None) -> bool:
    if not duration_ms:
        return False
    return position_ms >= duration_ms - min(TAIL_MS, duration_ms // TAIL_SHARE)


def _parse_number(fields: Mapping[str, str], name: str, most: int) -> int:
    text = fields.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        raise InvalidInput({name: "this is no whole number of milliseconds"})
    return min(int(text), most)
