"""How far a listener is in a course: the beat row, and what stands beside it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson, Recording
from app.kinds import LessonState
from app.services.unlocks import Plan
from app.words import catalogue, say_moment

NOT_SHOWN: Final = {LessonState.DRAFT}


class State(StrEnum):
    """Where a subscription stands."""

    LIVE = "live"
    COMPLETE = "complete"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonStep:
    """One lesson on the way. `number` counts from 1.

    `unlocked_at` None: still locked; then `unlocks_at` says when, as far as that is known.
    `recording` None: there is nothing to hear (any more).
    """

    lesson: Lesson
    number: int
    recording: Recording | None
    unlocked_at: datetime | None
    unlocks_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A subscription's way through its course. `next_at` None: nothing has a date."""

    course: Course
    state: State
    zone: str
    steps: tuple[LessonStep, ...]
    next_at: datetime | None

    @property
    def unlocked(self) -> tuple[LessonStep, ...]:
        """Answer the lessons that are hers."""
        return tuple(step for step in self.steps if step.unlocked_at)

    @property
    def beats(self) -> list[str]:
        """Answer "unlocked", "next" or "locked" for each lesson; at most one is next."""
        beats = ["unlocked" if step.unlocked_at else "locked" for step in self.steps]
        if self.state is State.LIVE and "locked" in beats:
            coming = [step.unlocks_at for step in self.steps]
            soonest = min((at for at in coming if at), default=None)
            beats[coming.index(soonest) if soonest else beats.index("locked")] = "next"
        return beats

    def label(self, language: str) -> str:
        """Say the beat row in words."""
        words = catalogue(language)
        count, total = len(self.unlocked), len(self.steps)
        if self.state is State.LIVE and self.next_at:
            when = say_moment(self.next_at, zone=self.zone, language=language)
            return words.ngettext(
                "%(count)s of %(total)s lesson unlocked, the next on %(when)s",
                "%(count)s of %(total)s lessons unlocked, the next on %(when)s",
                total,
            ) % {"count": count, "total": total, "when": when}
        return words.ngettext(
            "%(count)s of %(total)s lesson unlocked",
            "%(count)s of %(total)s lessons unlocked",
            total,
        ) % {"count": count, "total": total}


def of_plan(session: Session, plan: Plan, *, now: datetime) -> Progress:
    """Answer how far one subscription is."""
    unlocked = {each.lesson_id: each.unlocked_at for each in plan.unlocked(now)}
    upcoming = {each.lesson_id: each.planned_at for each in plan.upcoming(now)}
    shown = [
        (lesson, recording)
        for lesson, recording in _lessons(session, plan.course.id)
        if lesson.id in unlocked or lesson.state is LessonState.PUBLISHED
    ]
    steps = tuple(
        LessonStep(
            lesson=lesson,
            number=number,
            recording=None if lesson.state is LessonState.REMOVED else recording,
            unlocked_at=unlocked.get(lesson.id),
            unlocks_at=upcoming.get(lesson.id),
        )
        for number, (lesson, recording) in enumerate(shown, start=1)
    )
    return Progress(
        course=plan.course,
        state=_state(plan, steps),
        zone=plan.subscription.zone,
        steps=steps,
        next_at=plan.next_unlock_at(now),
    )


def _state(plan: Plan, steps: tuple[LessonStep, ...]) -> State:
    if plan.subscription.ended_at is not None:
        return State.LEFT
    is_all = all(step.unlocked_at for step in steps)
    return State.COMPLETE if plan.course.finished_at and is_all else State.LIVE


def _lessons(session: Session, course_id: int) -> list[tuple[Lesson, Recording | None]]:
    rows = session.execute(
        select(Lesson, Recording)
        .outerjoin(Recording, Recording.id == Lesson.recording_id)
        .where(Lesson.course_id == course_id, Lesson.state.not_in(NOT_SHOWN))
        .order_by(Lesson.position, Lesson.id)
    )
    return [(lesson, recording) for lesson, recording in rows]
