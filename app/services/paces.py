"""Paces: how often, on which day and hour, in which zone lessons come; and the next one now."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import LessonOverride
from app.errors import InvalidInput, NotAllowed
from app.services import lives, pauses, unlocks
from app.services.signup import find_zone
from app.services.unlocks import Plan
from feeds.lives import find_next, settled, with_rhythm
from feeds.rhythm import Life, Rhythm, RhythmKind

# What a listener may choose; the others are the owner's.
OWN_KINDS: Final = frozenset({RhythmKind.EVERY_DAYS, RhythmKind.WEEKDAY})
# A course that comes all at once, or on dates of its owner, has no pace to change.
PACED_KINDS: Final = OWN_KINDS | {RhythmKind.WEEKLY}
# How long after one "next lesson now" there may be another.
HURRY_AGAIN: Final = timedelta(days=1)


class PaceUnusable(InvalidInput):
    """A rhythm that listeners do not choose, a zone that nobody knows, a course without a pace."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__({field: why})


class MayNotHurry(NotAllowed):
    """The course does not allow it, she had one within a day, or there is nothing to come."""

    def __init__(self, subscription_id: int) -> None:
        self.subscription_id = subscription_id
        super().__init__(f"subscription {subscription_id} may not have its next lesson now")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The pace she wants. `rhythm` None: the course's."""

    rhythm: Rhythm | None
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hurry:
    """Which lesson may come now. None: none; then `again_at` says from when on, if ever."""

    lesson_id: int | None
    again_at: datetime | None = None


def is_paced(plan: Plan) -> bool:
    """Tell whether the course has a pace that a listener can change."""
    return unlocks.course_rhythm(plan.course).kind in PACED_KINDS


def with_wish(plan: Plan, wish: Wish, now: datetime) -> Life:
    """Answer the life with the pace she wants, all that is due written down.

    Only another zone keeps the instants of lessons, unless they come at an hour of her clock.

    Raises:
        PaceUnusable: what she wants cannot be.
    """
    rhythm = _rhythm(plan, wish)
    life = settled(plan.life, plan.lessons, now)
    is_same_hour = rhythm.kind is not RhythmKind.WEEKDAY or wish.zone == life.zone
    if rhythm == life.rhythm and is_same_hour:
        return replace(life, zone=wish.zone)
    return with_rhythm(life, plan.lessons, rhythm=rhythm, zone=wish.zone, now=now)


def set_pace(
    session: Session, subscription_id: int, wish: Wish, *, host: str, now: datetime
) -> None:
    """Let lessons come at another pace, counted on from the one that came last.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended.
        PaceUnusable: what she wants cannot be.
    """
    with lives.change(session, subscription_id, host=host, now=now) as subscription:
        life = with_wish(unlocks.get_plan(session, subscription_id), wish, now)
        if life.zone != subscription.zone:
            pauses.keep_through_move(session, subscription_id, zone=life.zone, now=now)
        own = wish.rhythm
        subscription.zone = life.zone
        subscription.pace_kind = own.kind if own else None
        subscription.pace_every_days = own.every_days if own else None
        subscription.pace_weekday = own.weekday if own else None
        subscription.pace_hour = own.hour if own else None
        if life.anchor is not None:
            subscription.pace_place = life.anchor.place
            subscription.pace_slot_at = life.anchor.slot_at
            subscription.paced_at = life.anchor.since


def hurry_of(session: Session, plan: Plan, now: datetime) -> Hurry:
    """Answer whether her next lesson may come now: where the owner allows it, once a day."""
    is_allowed = plan.course.may_hurry and is_paced(plan) and plan.subscription.ended_at is None
    lesson_id = find_next(plan.life, plan.lessons, now) if is_allowed else None
    if lesson_id is None:
        return Hurry(lesson_id=None)
    last_at = session.scalar(
        select(func.max(LessonOverride.created_at)).where(
            LessonOverride.subscription_id == plan.subscription.id
        )
    )
    if last_at is not None and now < last_at + HURRY_AGAIN:
        return Hurry(lesson_id=None, again_at=last_at + HURRY_AGAIN)
    return Hurry(lesson_id=lesson_id)


def hurry(session: Session, subscription_id: int, *, host: str, now: datetime) -> int:
    """Let the next lesson come now; the others keep their dates. Answer which one it is.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended.
        MayNotHurry: the course does not allow it, it was less than a day ago, nothing is to come.
    """
    with lives.change(session, subscription_id, host=host, now=now):
        lesson_id = hurry_of(session, unlocks.get_plan(session, subscription_id), now).lesson_id
        if lesson_id is None:
            raise MayNotHurry(subscription_id)
        session.add(
            LessonOverride(
                subscription_id=subscription_id,
                lesson_id=lesson_id,
                unlock_at=now,
                created_at=now,
            )
        )
    return lesson_id


def _rhythm(plan: Plan, wish: Wish) -> Rhythm:
    if find_zone(wish.zone) is None:
        raise PaceUnusable("zone", "is no time zone")
    if wish.rhythm is None:
        return unlocks.course_rhythm(plan.course)
    if wish.rhythm.kind not in OWN_KINDS or not is_paced(plan):
        raise PaceUnusable("rhythm", "is not a listener's to choose")
    return wish.rhythm
