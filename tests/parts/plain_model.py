"""When lessons unlock, said once more: slowly, day by day, straight from the rules.

Nothing of `feeds.rhythm` or `feeds.slots` is used but their values, so that a property test may
hold the two against each other. It walks the calendar and asks of every day what it is.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo

from feeds.rhythm import Life, Pause, PlannedLesson, RhythmKind

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FOUR_DAYS = timedelta(days=4)
# No life in a test is longer.
FOR_EVER_DAYS = 12_000


def plain_unlocks(
    life: Life, lessons: Sequence[PlannedLesson], now: datetime
) -> dict[int, datetime]:
    """Answer the instant from which each lesson that is unlocked by `now` is so, by its id."""
    had = {each.lesson_id: each.unlocked_at for each in life.recorded}
    row = [
        lesson
        for lesson in sorted(lessons, key=lambda lesson: (lesson.position, lesson.id))
        if lesson.id in had or (lesson.published_at is not None and not lesson.is_withdrawn)
    ]
    slots = list(islice(_slots(life), len(row)))
    found = dict(had)
    for lesson, slot in zip(row, slots, strict=True):
        at = None if lesson.id in had else _instant(life, lesson, slot)
        if at is not None and at <= now and (life.ended_at is None or at <= life.ended_at):
            found[lesson.id] = at
    return found


def first_moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """Answer the first instant at which the clock of the zone shows this, or has passed it."""
    around = wall.replace(tzinfo=UTC)
    offsets = {
        (around + hours * timedelta(hours=1)).astimezone(zone).utcoffset()
        for hours in range(-26, 27)
    }
    exact = [
        around - offset
        for offset in offsets
        if offset is not None and _wall(around - offset, zone) == wall
    ]
    if exact:
        return min(exact)
    # Skipped by daylight saving: go along minute by minute until the clock is past it.
    instant = (around - timedelta(hours=16)).replace(second=0, microsecond=0)
    while _wall(instant, zone) < wall:
        instant += MINUTE
    return instant


def _instant(life: Life, lesson: PlannedLesson, slot: datetime | None) -> datetime | None:
    published_at = lesson.published_at or life.started_at
    own = [each.unlock_at for each in life.overrides if each.lesson_id == lesson.id]
    if own:
        return max(own[0], published_at, life.started_at)
    if life.rhythm.kind is RhythmKind.FIXED_DATES:
        slot = lesson.release_at
    if slot is None:
        return None
    at = max(slot, published_at, lesson.placed_at or published_at, life.started_at)
    return _held_back(life, at)


def _held_back(life: Life, at: datetime) -> datetime | None:
    """What falls on a paused day comes with the first day that is not."""
    if at <= life.started_at:
        return at
    zone = ZoneInfo(life.zone)
    day = _wall(at, zone).date()
    if not _is_paused(life.pauses, day):
        return at
    while _is_paused(life.pauses, day):
        if _never_ends(life.pauses, day):
            return None
        day += DAY
    return first_moment(datetime.combine(day, time()), zone)


def _slots(life: Life) -> Iterator[datetime | None]:
    """Yield the slot of each place; None for ever once a pause has no end."""
    if life.rhythm.kind is RhythmKind.AT_ONCE:
        while True:
            yield life.started_at
    yield life.started_at
    zone = ZoneInfo(life.zone)
    start = _wall(life.started_at, zone)
    heard = (
        _chosen_days(life, start)
        if life.rhythm.kind is RhythmKind.WEEKDAY
        else _nth_days(life, start)
    )
    for day in heard:
        at = time(life.rhythm.hour or 0) if life.rhythm.kind is RhythmKind.WEEKDAY else start.time()
        yield first_moment(datetime.combine(day, at), zone)
    while True:
        yield None


def _nth_days(life: Life, start: datetime) -> Iterator[date]:
    """Yield every n-th of the days that are not paused, counted from the first."""
    every = life.rhythm.every_days or 7
    for counted, day in enumerate(_days(life, start.date())):
        if counted and counted % every == 0:
            yield day


def _chosen_days(life: Life, start: datetime) -> Iterator[date]:
    """Yield the chosen weekdays that are not paused, the first at least four days on."""
    for day in _days(life, start.date()):
        moment = datetime.combine(day, time(life.rhythm.hour or 0))
        if day.weekday() == life.rhythm.weekday and moment >= start + FOUR_DAYS:
            yield day


def _days(life: Life, first: date) -> Iterator[date]:
    """Yield every day that is not paused, until a pause that has no end."""
    for number in islice(count(), FOR_EVER_DAYS):
        day = first + number * DAY
        if _never_ends(life.pauses, day):
            return
        if not _is_paused(life.pauses, day):
            yield day


def _is_paused(pauses: Sequence[Pause], day: date) -> bool:
    return any(
        each.starts_on <= day and (each.ends_on is None or day < each.ends_on) for each in pauses
    )


def _never_ends(pauses: Sequence[Pause], day: date) -> bool:
    return any(each.ends_on is None and each.starts_on <= day for each in pauses)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
