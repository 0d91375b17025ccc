"""Listen as a listener of day N: what somebody would hear who starts now, N days on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from app.db.models import Course, Lesson
from app.services import lessons, unlocks
from feeds.rhythm import Life, next_unlock_at, unlocked, upcoming

# A course may go on for years; nobody looks further ahead by hand.
LAST_DAY: Final = 3650


class Beat(StrEnum):
    """How one lesson stands in the beat row."""

    UNLOCKED = "unlocked"
    NEXT = "next"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedLesson:
    """One lesson as that listener finds it. `at`: when it unlocks; None: no date is known."""

    lesson: Lesson
    beat: Beat
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A course as its listener of one day finds it, in order; without lessons nobody gets."""

    at: datetime
    lessons: tuple[PreviewedLesson, ...]
    next_at: datetime | None

    @property
    def unlocked(self) -> int:
        """How many lessons she may hear."""
        return sum(each.beat is Beat.UNLOCKED for each in self.lessons)


def preview(session: Session, course: Course, *, day: int, now: datetime) -> Preview:
    """Answer what a listener who starts now hears after `day` days; day 0 is the first.

    She lives in the course's own time zone. Drafts and withdrawn lessons are not hers.
    """
    rows = [row for row in lessons.of_course(session, course.id) if lessons.is_placed(row)]
    planned = tuple(unlocks.planned_lesson(row) for row in rows)
    life = Life(
        rhythm=unlocks.course_rhythm(course),
        zone=course.zone,
        course_zone=course.zone,
        started_at=now,
    )
    at = now + timedelta(days=min(max(day, 0), LAST_DAY))
    had = {each.lesson_id: each.unlocked_at for each in unlocked(life, planned, at)}
    to_come = {each.lesson_id: each.planned_at for each in upcoming(life, planned, at)}
    next_at = next_unlock_at(life, planned, at)
    return Preview(at=at, next_at=next_at, lessons=_in_words(rows, had, to_come, next_at))


def _in_words(
    rows: Sequence[Lesson],
    had: dict[int, datetime],
    to_come: dict[int, datetime],
    next_at: datetime | None,
) -> tuple[PreviewedLesson, ...]:
    shown = []
    for row in rows:
        at = had.get(row.id) or to_come.get(row.id)
        is_next = row.id not in had and at is not None and at == next_at
        beat = Beat.UNLOCKED if row.id in had else Beat.NEXT if is_next else Beat.LOCKED
        shown.append(PreviewedLesson(lesson=row, beat=beat, at=at))
    return tuple(shown)
