"""When lessons unlock: pure functions of a subscription's life, the course's lessons and now.

Every lesson has a *place* in its course and every place has a *slot*, the instant that the rhythm
gives it (`feeds.slots`). A lesson unlocks at the latest of its slot, its publication and the
start. What was recorded as unlocked stays, whatever these functions would say today.

Whoever changes a life or the order of lessons first records what is unlocked under the old one;
then what was visible stays visible for any non-decreasing sequence of instants.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from feeds.errors import ImpossibleValue
from feeds.limits import PUB_DATE_SMALL_STEP, PUB_DATE_STEP
from feeds.slots import Anchor, Pause, Rhythm, RhythmKind, Timetable, count_on, known_zone

__all__ = [
    "Anchor",
    "Life",
    "Override",
    "Pause",
    "PlannedLesson",
    "PlannedUnlock",
    "RecordedUnlock",
    "Rhythm",
    "RhythmKind",
    "Unlock",
    "anchor_now",
    "due_and_next",
    "is_everything_unlocked",
    "next_unlock_at",
    "places",
    "unlocked",
    "upcoming",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLesson:
    """One lesson as the rhythm sees it.

    `published_at` None: a draft, which takes no place; an instant ahead takes its place already.
    `placed_at`: when it was last moved to where it is; None when it never moved.
    `release_at`: its date in the rhythm of fixed dates; None when it has none yet.
    `is_withdrawn`: nobody new gets it, and it takes no place for those who do not have it.
    """

    id: int
    position: int
    published_at: datetime | None
    placed_at: datetime | None = None
    release_at: datetime | None = None
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        _refuse_naive(self, "published_at", "placed_at", "release_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedUnlock:
    """An unlock as the worker wrote it; nothing takes it back, and its date never moves."""

    lesson_id: int
    unlocked_at: datetime
    pub_at: datetime

    def __post_init__(self) -> None:
        _refuse_naive(self, "unlocked_at", "pub_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One lesson at an instant of its own for one subscription, such as "next lesson now".

    Stands in for the slot, and neither a pause nor a move of the lesson holds it back.
    """

    lesson_id: int
    unlock_at: datetime

    def __post_init__(self) -> None:
        _refuse_naive(self, "unlock_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """All that decides what one subscription may hear, apart from the lessons themselves.

    `zone` is the listener's; when zoneinfo does not know it (any more), `course_zone` stands in.
    `ended_at`: from then on nothing new unlocks; None while the subscription lives.
    `anchor`: from where the rhythm counts since she changed her pace; None: from the start.
    """

    rhythm: Rhythm
    zone: str
    course_zone: str
    started_at: datetime
    pauses: tuple[Pause, ...] = ()
    overrides: tuple[Override, ...] = ()
    recorded: tuple[RecordedUnlock, ...] = ()
    ended_at: datetime | None = None
    anchor: Anchor | None = None

    def __post_init__(self) -> None:
        _refuse_naive(self, "started_at", "ended_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """A lesson that this subscription may hear.

    `unlocked_at` is the planned instant, whoever noticed first. `pub_at`, in whole seconds, is its
    date in the feed. `is_recorded` False: the worker has yet to write it down.
    """

    lesson_id: int
    unlocked_at: datetime
    pub_at: datetime
    is_recorded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUnlock:
    """A lesson still to come, and when, as far as is known now."""

    lesson_id: int
    planned_at: datetime


def unlocked(life: Life, lessons: Sequence[PlannedLesson], now: datetime) -> tuple[Unlock, ...]:
    """Return what may be heard at `now`, in order of unlock, which is the order of `pub_at`.

    Dates strictly increase and none lies after `now`, unless it was recorded so.
    """
    recorded = [
        Unlock(lesson_id=r.lesson_id, unlocked_at=r.unlocked_at, pub_at=r.pub_at, is_recorded=True)
        for r in life.recorded
    ]
    due = (unlock for unlock in _to_come(life, lessons) if _visible_at(unlock) <= now)
    return tuple(sorted([*recorded, *due], key=lambda unlock: (unlock.pub_at, unlock.lesson_id)))


def due_and_next(
    life: Life, lessons: Sequence[PlannedLesson], now: datetime
) -> tuple[tuple[Unlock, ...], datetime | None]:
    """Return what is unlocked and not recorded, and `next_unlock_at`: what a worker asks, at once.

    Planned once for both: a quarter of the time of a worker with a hundred thousand lives.
    """
    due, moments = [], []
    for unlock in _to_come(life, lessons):
        moment = _visible_at(unlock)
        if moment <= now:
            due.append(unlock)
        else:
            moments.append(moment)
    return tuple(due), min(moments, default=None)


def next_unlock_at(life: Life, lessons: Sequence[PlannedLesson], now: datetime) -> datetime | None:
    """Return the first instant after `now` at which something unlocks; None when nothing will.

    Holds for what is known now: a lesson published or a pause lifted tomorrow may change it.
    """
    moments = (_visible_at(unlock) for unlock in _to_come(life, lessons))
    return min((moment for moment in moments if moment > now), default=None)


def upcoming(
    life: Life, lessons: Sequence[PlannedLesson], now: datetime
) -> tuple[PlannedUnlock, ...]:
    """Return what is still to come, soonest first; without what has no date yet.

    To listen as a listener of day N, ask `unlocked` with a life that starts now and an instant N
    days ahead.
    """
    return tuple(
        PlannedUnlock(lesson_id=unlock.lesson_id, planned_at=_visible_at(unlock))
        for unlock in _to_come(life, lessons)
        if _visible_at(unlock) > now
    )


def is_everything_unlocked(life: Life, lessons: Sequence[PlannedLesson], now: datetime) -> bool:
    """Tell whether no published lesson is still to come, with or without a date."""
    heard = {unlock.lesson_id for unlock in unlocked(life, lessons, now)}
    return all(lesson.id in heard for lesson in places(life, lessons))


def anchor_now(life: Life, lessons: Sequence[PlannedLesson], now: datetime) -> Anchor:
    """Return from where the rhythm of this life counts when it is new as of now.

    All that is due under the former one has been recorded. The first place that is not hers yet is
    next, counted on from the lesson that came last; so changing the pace alone unlocks nothing.
    """
    heard = {each.lesson_id: each.unlocked_at for each in life.recorded}
    ids = [lesson.id for lesson in places(life, lessons)]
    place = next((number for number, each in enumerate(ids) if each not in heard), len(ids))
    zone = known_zone(life.zone, life.course_zone)
    last_at = min(max(heard.values(), default=life.started_at), now)
    slot_at = count_on(life.rhythm, zone, last_at=last_at, now=now)
    return Anchor(place=place, slot_at=slot_at, since=now)


def places(life: Life, lessons: Sequence[PlannedLesson]) -> list[PlannedLesson]:
    """Return the lessons that take a place, in order; no drafts, and withdrawn ones only if had.

    A withdrawn lesson that she has keeps its place, so nothing else comes early; one that she does
    not have leaves no silent week behind.
    """
    recorded = {r.lesson_id for r in life.recorded}
    placed = (
        lesson
        for lesson in lessons
        if lesson.id in recorded or (lesson.published_at and not lesson.is_withdrawn)
    )
    return sorted(placed, key=lambda lesson: (lesson.position, lesson.id))


def _visible_at(unlock: Unlock) -> datetime:
    """Return when an unlock shows: an item never carries a date that is still to come."""
    return max(unlock.unlocked_at, unlock.pub_at)


def _to_come(life: Life, lessons: Sequence[PlannedLesson]) -> Iterator[Unlock]:
    """Yield all unlocks with a date that are not recorded, in order, whatever the time is now.

    Their dates depend on nothing but the plan, so two polls before the worker comes by agree.
    """
    last = max((r.pub_at for r in life.recorded), default=None)
    for unlocked_at, group in groupby(_planned(life, lessons), key=lambda plan: plan[0]):
        lesson_ids = [lesson_id for _, _, lesson_id in group]
        for lesson_id, pub_at in zip(
            lesson_ids, _pub_dates(unlocked_at, len(lesson_ids), last), strict=True
        ):
            last = pub_at
            yield Unlock(
                lesson_id=lesson_id, unlocked_at=unlocked_at, pub_at=pub_at, is_recorded=False
            )


def _pub_dates(unlocked_at: datetime, count: int, last: datetime | None) -> list[datetime]:
    """Return dates for lessons that unlock together: a minute apart, up to that instant.

    A second apart when a minute would not come after the last date that was given, and counted on
    from that date when even a second would not.
    """
    end = unlocked_at.astimezone(UTC).replace(microsecond=0)
    step = PUB_DATE_STEP
    first = end - (count - 1) * step
    if last is not None and first <= last:
        step = PUB_DATE_SMALL_STEP
        first = max(end - (count - 1) * step, last.replace(microsecond=0) + step)
    return [first + index * step for index in range(count)]


def _planned(life: Life, lessons: Sequence[PlannedLesson]) -> list[tuple[datetime, int, int]]:
    """Return (instant, place, lesson id) of all that has an instant and is not recorded."""
    timetable = Timetable(
        rhythm=life.rhythm,
        zone=known_zone(life.zone, life.course_zone),
        started_at=life.started_at,
        pauses=life.pauses,
        anchor=life.anchor,
    )
    in_place = places(life, lessons)
    slots = timetable.slots(len(in_place))
    recorded = {r.lesson_id for r in life.recorded}
    planned = []
    for place, (lesson, slot) in enumerate(zip(in_place, slots, strict=True)):
        if lesson.id in recorded:
            continue
        moment = _moment(life, lesson, slot, timetable)
        if moment is not None and (life.ended_at is None or moment <= life.ended_at):
            planned.append((moment, place, lesson.id))
    return sorted(planned)


def _moment(
    life: Life, lesson: PlannedLesson, slot: datetime | None, timetable: Timetable
) -> datetime | None:
    """Return when one lesson unlocks for this subscription; None when that is not known."""
    published_at = lesson.published_at or life.started_at
    for override in life.overrides:
        if override.lesson_id == lesson.id:
            return max(override.unlock_at, published_at, life.started_at)
    if life.rhythm.kind is RhythmKind.FIXED_DATES:
        slot = lesson.release_at
    if slot is None:
        return None
    placed_at = lesson.placed_at or published_at
    return timetable.after_pauses(max(slot, published_at, placed_at, life.started_at))


def _refuse_naive(value: object, *fields: str) -> None:
    for name in fields:
        instant: datetime | None = getattr(value, name)
        if instant is not None and instant.tzinfo is None:
            raise ImpossibleValue(type(value).__name__, name, "has no time zone")
