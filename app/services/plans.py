"""A change of what unlocks when, for a whole course: at once, or as a plan that waits.

Before a plan changes, what is due under the old one is written down for everybody, so that nothing
that was visible can go. Where few are due, that is done at once (`change`). Where many are, the
change becomes a pending plan: workers write down what is due in batches, and then, with the
course's row locked, the rest, and switch (`switch`). Until then every column that feeds look at is
the old plan's, so they follow it; the owner sees the new values, and how far it is (`progress`).

All changes go this way, none is free of it: another rhythm, order or date moves slots; a lesson
published or put back in the middle moves those behind it; a withdrawn one is lost to who had not
got it written down. Even one published at the very end, which moves no slot, shares a date with
what unlocks at its instant. Only a draft takes no place and changes at once.

A second change while one waits joins it, and both are carried out in the order in which they were
asked for, in one go; a later rhythm stands over an earlier one. What an owner saves is compared
with the new values, not with the old ones, and counts for `version` as always.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import queue
from app.db.models import Course, Lesson, PendingPlan
from app.kinds import LessonState
from app.services import changes, due, revisions, unlocking, unlocks
from app.services.changes import (
    Change,
    NewDate,
    NewerChange,
    NewOrder,
    NewRhythm,
    Publication,
    Withdrawal,
)

# So many are written down while the owner waits for the page: some tenths of a second.
FEW: Final = 500
# Nothing may fall due between the look and the commit: an app that asked in between would see what
# the new plan takes away again. So a switch waits for a gap of so long, more than a commit takes.
GAP: Final = timedelta(seconds=1)
# The periodic task that carries plans out.
TASK: Final = "plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a pending plan is. `seconds_left` None: nobody has begun yet."""

    listeners: int
    done: int
    seconds_left: int | None
    changes: tuple[Change, ...]


def change(session: Session, course: Course, wanted: Change, *, now: datetime) -> bool:
    """Change a course's plan; False: not yet, many listeners come first.

    The caller holds the course's row.
    """
    waiting = session.get(PendingPlan, course.id)
    if waiting is None and settle(session, course, now=now):
        changes.apply(session, course, wanted, now=now)
        return True
    if waiting is None:
        listeners = due.count_in_course(session, course, now=now)
        waiting = PendingPlan(course_id=course.id, changes=[], listeners=listeners, created_at=now)
        session.add(waiting)
    waiting.changes = [*waiting.changes, changes.pack(wanted)]
    session.flush()
    queue.defer(session, TASK, key=TASK)
    return False


def settle(session: Session, course: Course, *, now: datetime) -> bool:
    """Write down what is due now under the plan as it stands; False: not everything.

    False when that is too much for somebody to wait for, when a worker holds a part of it, or when
    more falls due in a moment.
    """
    if due.count_in_course(session, course, now=now, limit=FEW + 1) > FEW:
        return False
    while unlocking.record_course(session, course, now=now, limit=FEW):
        pass
    return due.count_in_course(session, course, now=now + GAP, limit=1) == 0


def switch(session: Session, course_id: int, *, now: datetime) -> bool:
    """Carry out the changes that wait, once nothing else is to be written down; False: not yet.

    Nor where a newer release asked for one of them: all are left to a worker that knows it.
    """
    course = revisions.lock_course(session, course_id)
    waiting = session.get(PendingPlan, course_id, populate_existing=True)
    wanted = _waiting(waiting) if waiting is not None else ()
    if waiting is None or any(isinstance(each, NewerChange) for each in wanted):
        return False
    if not settle(session, course, now=now):
        return False
    for each in wanted:
        changes.apply(session, course, each, now=now)
    session.delete(waiting)
    session.flush()
    return True


def courses_that_wait(session: Session) -> Sequence[int]:
    """Answer the courses with a pending plan, the oldest first."""
    return session.scalars(
        select(PendingPlan.course_id).order_by(PendingPlan.created_at, PendingPlan.course_id)
    ).all()


def progress(session: Session, course: Course, *, now: datetime) -> Progress | None:
    """Answer how far the pending plan of a course is; None: it has none."""
    waiting = session.get(PendingPlan, course.id)
    if waiting is None:
        return None
    left = due.count_in_course(session, course, now=now)
    listeners = max(waiting.listeners, left)
    done = listeners - left
    elapsed = max((now - waiting.created_at).total_seconds(), 1)
    return Progress(
        listeners=listeners,
        done=done,
        seconds_left=math.ceil(elapsed * left / done) if done else None,
        changes=_waiting(waiting),
    )


def new_rhythm(session: Session, course: Course) -> NewRhythm:
    """Answer rhythm and zone as they will be, which for most courses is as they are."""
    wanted = [each for each in pending(session, course.id) if isinstance(each, NewRhythm)]
    as_it_is = NewRhythm(rhythm=unlocks.course_rhythm(course), zone=course.zone)
    return wanted[-1] if wanted else as_it_is


def new_order(session: Session, course_id: int, present: Sequence[int]) -> list[int]:
    """Answer the lessons, by id, in the order in which they will be."""
    wanted = [each for each in pending(session, course_id) if isinstance(each, NewOrder)]
    named = [each for each in wanted[-1].lesson_ids if each in present] if wanted else []
    return [*named, *(each for each in present if each not in named)]


def new_date(session: Session, lesson: Lesson) -> datetime | None:
    """Answer the date of a lesson as it will be."""
    dates = [
        each.release_at
        for each in pending(session, lesson.course_id)
        if isinstance(each, NewDate) and each.lesson_id == lesson.id
    ]
    return dates[-1] if dates else lesson.release_at


def new_state(session: Session, lesson: Lesson) -> LessonState:
    """Answer the state of a lesson as it will be."""
    state = lesson.state
    for each in pending(session, lesson.course_id):
        if isinstance(each, Publication) and each.lesson_id == lesson.id:
            state = LessonState.PUBLISHED
        if isinstance(each, Withdrawal) and each.lesson_id == lesson.id:
            state = LessonState.WITHDRAWN
    return state


def pending(session: Session, course_id: int) -> tuple[Change, ...]:
    """Answer the changes that wait, in the order in which they were asked for."""
    waiting = session.get(PendingPlan, course_id)
    return _waiting(waiting) if waiting is not None else ()


def _waiting(waiting: PendingPlan) -> tuple[Change, ...]:
    return tuple(changes.unpack(each) for each in waiting.changes)
