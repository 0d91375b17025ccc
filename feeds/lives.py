"""What a listener may change about her rhythm: a life before and a life after, as pure functions.

Whoever carries a change out first writes down what is due (`settled`); a preview does the same in
memory. So a change never takes back what was visible, and a preview says what will happen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from feeds.errors import ImpossibleValue
from feeds.rhythm import (
    Life,
    Override,
    Pause,
    PlannedLesson,
    RecordedUnlock,
    Rhythm,
    anchor_now,
    places,
    unlocked,
    upcoming,
)
from feeds.slots import known_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a change means for one lesson that is still to come.

    `before`, `after`: when it comes; None: no date is known. An `after` that is not after now means
    at once.
    """

    lesson_id: int
    before: datetime | None
    after: datetime | None


def settled(life: Life, lessons: Sequence[PlannedLesson], now: datetime) -> Life:
    """Return the life with all that is unlocked now written down."""
    recorded = tuple(
        RecordedUnlock(lesson_id=each.lesson_id, unlocked_at=each.unlocked_at, pub_at=each.pub_at)
        for each in unlocked(life, lessons, now)
    )
    return replace(life, recorded=recorded)


def local_day(life: Life, now: datetime) -> date:
    """Return the day that it is on her calendar."""
    return now.astimezone(known_zone(life.zone, life.course_zone)).date()


def find_running(pauses: Sequence[Pause], day: date) -> Pause | None:
    """Return the pause that covers a day; None: it is not paused."""
    for pause in pauses:
        if pause.starts_on <= day and (pause.ends_on is None or pause.ends_on > day):
            return pause
    return None


def with_pause(life: Life, until: date | None, now: datetime) -> Life:
    """Return the life paused from today; one that is paused already gets another day of resuming.

    Raises:
        ImpossibleValue: `until` is no day after today.
    """
    today = local_day(life, now)
    if until is not None and until <= today:
        raise ImpossibleValue("Pause", "ends_on", "is no day to come")
    running = find_running(life.pauses, today)
    starts_on = running.starts_on if running else today
    others = tuple(pause for pause in life.pauses if pause is not running)
    return replace(life, pauses=(*others, Pause(starts_on=starts_on, ends_on=until)))


def without_pause(life: Life, now: datetime) -> Life:
    """Return the life with its pause ended today; unchanged when it is not paused."""
    today = local_day(life, now)
    running = find_running(life.pauses, today)
    if running is None:
        return life
    others = tuple(pause for pause in life.pauses if pause is not running)
    return replace(life, pauses=(*others, Pause(starts_on=running.starts_on, ends_on=today)))


def with_rhythm(
    life: Life, lessons: Sequence[PlannedLesson], *, rhythm: Rhythm, zone: str, now: datetime
) -> Life:
    """Return the life with another rhythm or zone, counted on from the lesson that came last."""
    changed = replace(life, rhythm=rhythm, zone=zone)
    return replace(changed, anchor=anchor_now(changed, lessons, now))


def find_next(life: Life, lessons: Sequence[PlannedLesson], now: datetime) -> int | None:
    """Return the lesson that could come now: the first in order that is ready and not hers yet."""
    heard = {unlock.lesson_id for unlock in unlocked(life, lessons, now)}
    for lesson in places(life, lessons):
        is_ready = lesson.published_at is not None and lesson.published_at <= now
        if is_ready and lesson.id not in heard:
            return lesson.id
    return None


def with_lesson_now(life: Life, lesson_id: int, now: datetime) -> Life:
    """Return the life in which this lesson comes now; the others keep their dates."""
    others = tuple(each for each in life.overrides if each.lesson_id != lesson_id)
    return replace(life, overrides=(*others, Override(lesson_id=lesson_id, unlock_at=now)))


def moves(
    before: Life, after: Life, lessons: Sequence[PlannedLesson], now: datetime
) -> tuple[Move, ...]:
    """Return what a change means for every lesson that is still to come, in order."""
    heard = {unlock.lesson_id for unlock in unlocked(before, lessons, now)}
    at_once = {unlock.lesson_id: unlock.unlocked_at for unlock in unlocked(after, lessons, now)}
    old = {each.lesson_id: each.planned_at for each in upcoming(before, lessons, now)}
    new = at_once | {each.lesson_id: each.planned_at for each in upcoming(after, lessons, now)}
    return tuple(
        Move(lesson_id=lesson.id, before=old.get(lesson.id), after=new.get(lesson.id))
        for lesson in places(before, lessons)
        if lesson.id not in heard
    )
