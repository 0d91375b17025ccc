"""Unlocks: what a subscription may hear now, and what comes next.

It is always computed (`feeds.rhythm`) from rows; nothing waits for the worker, who writes it down
(`app.services.unlocking`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.many import is_one_of
from app.db.models import (
    Course,
    Lesson,
    LessonOverride,
    PauseSpan,
    Subscription,
    Unlock,
)
from app.errors import SubscriptionNotFound
from app.kinds import LessonState
from feeds.rhythm import (
    Anchor,
    Life,
    Override,
    Pause,
    PlannedLesson,
    PlannedUnlock,
    RecordedUnlock,
    Rhythm,
    RhythmKind,
    next_unlock_at,
    unlocked,
    upcoming,
)
from feeds.rhythm import Unlock as UnlockedLesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One subscription and all that decides what it may hear."""

    subscription: Subscription
    course: Course
    life: Life
    lessons: tuple[PlannedLesson, ...]

    @property
    def open_lessons(self) -> tuple[PlannedLesson, ...]:
        """The lessons of which one may still come: none once she left and all due was recorded.

        Else a later change of the course's plan would bring new ones before the day she left.
        """
        is_over = self.life.ended_at is not None and self.subscription.next_unlock_at is None
        return () if is_over else self.lessons

    def unlocked(self, now: datetime) -> tuple[UnlockedLesson, ...]:
        """Answer what may be heard, in order of unlock."""
        return unlocked(self.life, self.open_lessons, now)

    def upcoming(self, now: datetime) -> tuple[PlannedUnlock, ...]:
        """Answer what has a date ahead, soonest first."""
        return upcoming(self.life, self.lessons, now)

    def next_unlock_at(self, now: datetime) -> datetime | None:
        """Answer when something unlocks next; None: nothing has a date."""
        return next_unlock_at(self.life, self.lessons, now)


def get_plan(session: Session, subscription_id: int) -> Plan:
    """Answer the plan of a subscription.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    subscription = session.get(Subscription, subscription_id)
    if subscription is None:
        raise SubscriptionNotFound(subscription_id)
    return load_plans(session, [subscription])[0]


def unlocked_now(
    session: Session, subscription_id: int, now: datetime
) -> tuple[UnlockedLesson, ...]:
    """Answer what a subscription may hear, recorded or not, in order of unlock.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    return get_plan(session, subscription_id).unlocked(now)


def load_plans(session: Session, subscriptions: Sequence[Subscription]) -> list[Plan]:
    """Answer the plan of each subscription, in the same order, with six queries for them all."""
    ids = [each.id for each in subscriptions]
    course_ids = {each.course_id for each in subscriptions}
    courses = {
        each.id: each for each in session.scalars(select(Course).where(Course.id.in_(course_ids)))
    }
    lessons = {number: load_lessons(session, number) for number in course_ids}
    pauses = _load_pauses(session, ids)
    overrides = _load_overrides(session, ids)
    recorded = _load_recorded(session, ids)
    return [
        Plan(
            subscription=each,
            course=courses[each.course_id],
            life=life_of(
                each,
                courses[each.course_id],
                pauses[each.id],
                recorded[each.id],
                overrides[each.id],
            ),
            lessons=lessons[each.course_id],
        )
        for each in subscriptions
    ]


def load_lessons(session: Session, course_id: int) -> tuple[PlannedLesson, ...]:
    """Answer a course's lessons as the rhythm sees them, in order."""
    rows = session.scalars(
        select(Lesson).where(Lesson.course_id == course_id).order_by(Lesson.position, Lesson.id)
    )
    return tuple(planned_lesson(row) for row in rows)


def planned_lesson(lesson: Lesson) -> PlannedLesson:
    """Answer a lesson as the rhythm sees it."""
    return PlannedLesson(
        id=lesson.id,
        position=lesson.position,
        published_at=None if lesson.state is LessonState.DRAFT else lesson.published_at,
        placed_at=lesson.placed_at,
        release_at=lesson.release_at,
        is_withdrawn=lesson.state in {LessonState.WITHDRAWN, LessonState.REMOVED},
    )


def course_rhythm(course: Course) -> Rhythm:
    """Answer the rhythm of a course."""
    return make_rhythm(
        course.rhythm_kind, course.rhythm_every_days, course.rhythm_weekday, course.rhythm_hour
    )


def make_rhythm(
    kind: RhythmKind, every_days: int | None, weekday: int | None, hour: int | None
) -> Rhythm:
    """Answer the rhythm that these columns say; what belongs to another kind is passed over."""
    if kind is RhythmKind.EVERY_DAYS:
        return Rhythm(kind=kind, every_days=every_days)
    if kind is RhythmKind.WEEKDAY:
        return Rhythm(kind=kind, weekday=weekday, hour=hour)
    return Rhythm(kind=kind)


def life_of(
    subscription: Subscription,
    course: Course,
    pauses: Iterable[PauseSpan] = (),
    recorded: Iterable[Unlock] = (),
    overrides: Iterable[LessonOverride] = (),
) -> Life:
    """Answer what decides when lessons unlock for one subscription.

    Fixed dates are the owner's: no pace of hers brings a lesson before its date.
    """
    rhythm = course_rhythm(course)
    if subscription.pace_kind is not None and rhythm.kind is not RhythmKind.FIXED_DATES:
        rhythm = make_rhythm(
            subscription.pace_kind,
            subscription.pace_every_days,
            subscription.pace_weekday,
            subscription.pace_hour,
        )
    return Life(
        rhythm=rhythm,
        zone=subscription.zone,
        course_zone=course.zone,
        started_at=subscription.started_at,
        pauses=tuple(Pause(starts_on=each.starts_on, ends_on=each.ends_on) for each in pauses),
        overrides=tuple(
            Override(lesson_id=each.lesson_id, unlock_at=each.unlock_at) for each in overrides
        ),
        recorded=tuple(
            RecordedUnlock(
                lesson_id=each.lesson_id, unlocked_at=each.unlocked_at, pub_at=each.pub_at
            )
            for each in recorded
        ),
        ended_at=subscription.ended_at,
        anchor=make_anchor(
            subscription.pace_place, subscription.pace_slot_at, subscription.paced_at
        ),
    )


def make_anchor(
    place: int | None, slot_at: datetime | None, since: datetime | None
) -> Anchor | None:
    """Answer from where the rhythm counts, as these columns say; None: from the start."""
    if place is None or slot_at is None or since is None:
        return None
    return Anchor(place=place, slot_at=slot_at, since=since)


def _load_pauses(session: Session, ids: Sequence[int]) -> Mapping[int, list[PauseSpan]]:
    found: defaultdict[int, list[PauseSpan]] = defaultdict(list)
    for row in session.scalars(
        select(PauseSpan).where(is_one_of(session, PauseSpan.subscription_id, ids))
    ):
        found[row.subscription_id].append(row)
    return found


def _load_overrides(session: Session, ids: Sequence[int]) -> Mapping[int, list[LessonOverride]]:
    found: defaultdict[int, list[LessonOverride]] = defaultdict(list)
    wanted = select(LessonOverride).where(is_one_of(session, LessonOverride.subscription_id, ids))
    for row in session.scalars(wanted):
        found[row.subscription_id].append(row)
    return found


def _load_recorded(session: Session, ids: Sequence[int]) -> Mapping[int, list[Unlock]]:
    found: defaultdict[int, list[Unlock]] = defaultdict(list)
    for row in session.scalars(
        select(Unlock).where(is_one_of(session, Unlock.subscription_id, ids))
    ):
        found[row.subscription_id].append(row)
    return found
