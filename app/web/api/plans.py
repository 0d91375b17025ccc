"""What unlocks when in a course, and the changes of it that wait, for scripts."""

from dataclasses import dataclass
from typing import assert_never

from flask import Response

from app.services import plans, unlocks
from app.services.changes import (
    Change,
    NewDate,
    NewerChange,
    NewOrder,
    NewRhythm,
    Publication,
    Withdrawal,
)
from app.services.plans import Progress
from app.web.api.face import Operation, course, does, give
from app.web.current import house, now
from feeds.rhythm import Rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmFacts:
    """The rule that says when lessons unlock.

    `kind`: weekly, every_days (then `every_days` says how many), weekday (then `weekday`, 0 is
    Monday, and `hour`), at_once or fixed_dates. `zone` is that of who has none of her own.
    """

    kind: str
    every_days: int | None
    weekday: int | None
    hour: int | None
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFacts:
    """One change that waits. `what`: rhythm, order, publication, withdrawal or date.

    `lessons`, by id: those that it is about, or all in their new order. `rhythm`: the new one.
    `release_at`: the new date (RFC 3339), null when the lesson will have none.
    """

    what: str
    lessons: tuple[int, ...] = ()
    rhythm: RhythmFacts | None = None
    release_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingFacts:
    """What waits until everybody has what is due to her under the plan as it is.

    `done` of so many `listeners` have. `seconds_left` null: no worker has begun yet.
    """

    listeners: int
    done: int
    seconds_left: int | None
    changes: tuple[ChangeFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What decides when lessons unlock. `rhythm` is the one that feeds follow now.

    `pending`: a change that was saved and waits; null: none does. `revision` counts the changes
    that were carried out.
    """

    revision: int
    rhythm: RhythmFacts
    pending: PendingFacts | None


@does(
    Operation(
        method="GET",
        path="/courses/<slug>/plan",
        summary="When lessons of a course unlock, and how far a change of it is that waits",
        gives=PlanFacts,
    )
)
def get_plan(slug: str) -> Response:
    """Answer the plan of a course, and what waits."""
    with house().database.reading() as session:
        found = course(session, slug)
        progress = plans.progress(session, found, now=now())
        facts = PlanFacts(
            revision=found.plan_revision,
            rhythm=_rhythm(unlocks.course_rhythm(found), found.zone),
            pending=None if progress is None else _pending(progress),
        )
    return give(facts)


def _pending(progress: Progress) -> PendingFacts:
    return PendingFacts(
        listeners=progress.listeners,
        done=progress.done,
        seconds_left=progress.seconds_left,
        changes=tuple(_change(each) for each in progress.changes),
    )


def _change(change: Change) -> ChangeFacts:
    match change:
        case NewRhythm(rhythm=rhythm, zone=zone):
            return ChangeFacts(what="rhythm", rhythm=_rhythm(rhythm, zone))
        case NewOrder(lesson_ids=lesson_ids):
            return ChangeFacts(what="order", lessons=lesson_ids)
        case Publication(lesson_id=lesson_id):
            return ChangeFacts(what="publication", lessons=(lesson_id,))
        case Withdrawal(lesson_id=lesson_id):
            return ChangeFacts(what="withdrawal", lessons=(lesson_id,))
        case NewDate(lesson_id=lesson_id, release_at=at):
            date = None if at is None else at.isoformat()
            return ChangeFacts(what="date", lessons=(lesson_id,), release_at=date)
        case NewerChange(what=what):
            return ChangeFacts(what=what)
        case _:
            assert_never(change)


def _rhythm(rhythm: Rhythm, zone: str) -> RhythmFacts:
    return RhythmFacts(
        kind=rhythm.kind.value,
        every_days=rhythm.every_days,
        weekday=rhythm.weekday,
        hour=rhythm.hour,
        zone=zone,
    )
