"""Which instant the rhythm gives to each place of a course: local days, daylight saving, pauses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, islice, repeat
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feeds.errors import ImpossibleValue
from feeds.limits import FIRST_CHOSEN_MOMENT_AFTER, MAX_EVERY_DAYS

_WEEK = timedelta(days=7)


class RhythmKind(StrEnum):
    """The five ways in which a course can come along."""

    WEEKLY = "weekly"
    EVERY_DAYS = "every_days"
    WEEKDAY = "weekday"
    AT_ONCE = "at_once"
    FIXED_DATES = "fixed_dates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The rule that says when lessons unlock.

    `every_days` (1 to 365) belongs to EVERY_DAYS alone; `weekday` (0 is Monday) and `hour` (0 to
    23, on the listener's clock) to WEEKDAY alone.

    Raises:
        ImpossibleValue: one is missing, out of bounds, or given to another kind.
    """

    kind: RhythmKind = RhythmKind.WEEKLY
    every_days: int | None = None
    weekday: int | None = None
    hour: int | None = None

    def __post_init__(self) -> None:
        has_days = self.kind is RhythmKind.EVERY_DAYS
        has_moment = self.kind is RhythmKind.WEEKDAY
        self._check("every_days", range(1, MAX_EVERY_DAYS + 1), is_expected=has_days)
        self._check("weekday", range(7), is_expected=has_moment)
        self._check("hour", range(24), is_expected=has_moment)

    def _check(self, name: str, allowed: range, *, is_expected: bool) -> None:
        value: int | None = getattr(self, name)
        if not is_expected and value is not None:
            raise ImpossibleValue("Rhythm", name, f"means nothing when the kind is {self.kind}")
        if is_expected and value not in allowed:
            raise ImpossibleValue("Rhythm", name, f"is not within {allowed[0]} to {allowed[-1]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Local days on which nothing unlocks.

    `ends_on` is the day of resuming, the first that is not paused; None while it lasts. Begun and
    lifted on the same day, a pause shifts nothing.
    """

    starts_on: date
    ends_on: date | None = None

    def __post_init__(self) -> None:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ImpossibleValue("Pause", "ends_on", "lies before it starts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """From where a rhythm counts once a listener has changed her pace.

    The place `place` (0 is the first) gets `slot_at`, the later ones what the rhythm makes of it;
    earlier ones are behind her. `since` is the instant of the change: days that were paused before
    it move nothing any more.
    """

    place: int
    slot_at: datetime
    since: datetime

    def __post_init__(self) -> None:
        if self.place < 0:
            raise ImpossibleValue("Anchor", "place", "is negative")
        for name in ("slot_at", "since"):
            if getattr(self, name).tzinfo is None:
                raise ImpossibleValue("Anchor", name, "has no time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The slots of one subscription on the clock of its own zone."""

    rhythm: Rhythm
    zone: ZoneInfo
    started_at: datetime
    pauses: tuple[Pause, ...]
    anchor: Anchor | None = None
    _tidy: tuple[Pause, ...] = field(init=False, repr=False)
    # The pauses that move slots: after a change of pace only what is paused from then on.
    _moving: tuple[Pause, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tidy", _tidied(self.pauses, self._start.date()))
        moving = self._tidy
        if self.anchor is not None:
            moving = _tidied(self.pauses, self._wall(self.anchor.since).date())
        object.__setattr__(self, "_moving", moving)

    def slots(self, places: int) -> list[datetime | None]:
        """Return the slot of each of the first `places` places.

        None: no instant is known, because a pause has no end yet. With all lessons at once every
        place has the start; fixed dates are not slots, so they are not answered here.
        """
        return list(islice(self._all_slots(), places))

    def after_pauses(self, instant: datetime) -> datetime | None:
        """Return the instant, or the start of the day of resuming when it falls in a pause.

        None when that pause has no end yet. A pause never holds back what came with the start.
        """
        if instant <= self.started_at:
            return instant
        for pause in self._tidy:
            if _covers(pause, instant.astimezone(self.zone).date()):
                if pause.ends_on is None:
                    return None
                instant = first_instant(datetime.combine(pause.ends_on, time()), self.zone)
        return instant

    @property
    def _start(self) -> datetime:
        return self._wall(self.started_at)

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def _all_slots(self) -> Iterator[datetime | None]:
        if self.rhythm.kind is RhythmKind.AT_ONCE:
            yield from repeat(self.started_at)
        step = timedelta(days=self.rhythm.every_days or 7)
        if self.anchor is None:
            yield self.started_at
            earliest, first = self._start + FIRST_CHOSEN_MOMENT_AFTER, self._start + step
        else:
            yield from repeat(self.started_at, self.anchor.place)
            earliest = first = self._wall(self.anchor.slot_at)
        if self.rhythm.kind is RhythmKind.WEEKDAY:
            yield from self._chosen_moments(earliest)
        for number in count():
            yield self._shifted(first + number * step)

    def _shifted(self, wall: datetime) -> datetime | None:
        """Move a wall time by the whole days of every pause that began by then."""
        for pause in self._moving:
            if wall.date() < pause.starts_on:
                break
            if pause.ends_on is None:
                return None
            wall += pause.ends_on - pause.starts_on
        return first_instant(wall, self.zone)

    def _chosen_moments(self, earliest: datetime) -> Iterator[datetime | None]:
        """Yield the chosen weekday and hour of every week, from this wall time on.

        A moment inside a pause does not count, so later places move by whole weeks and the chosen
        weekday stays the chosen weekday.
        """
        wall = _chosen_moment(self.rhythm, earliest)
        while True:
            pause = next((p for p in self._moving if _covers(p, wall.date())), None)
            if pause is None:
                yield first_instant(wall, self.zone)
            elif pause.ends_on is None:
                yield from repeat(None)
            wall += _WEEK


def count_on(rhythm: Rhythm, zone: ZoneInfo, *, last_at: datetime, now: datetime) -> datetime:
    """Return the slot of the next lesson when a rhythm takes over: from the last lesson, after now.

    Never so that several lessons come at once, however far the last one lies back: when its turn
    would have passed, the next one comes at the first such hour from now on.
    """
    local_now = now.astimezone(zone).replace(tzinfo=None)
    if rhythm.kind is RhythmKind.WEEKDAY:
        wall = _chosen_moment(rhythm, local_now)
        return _first_after(wall, _WEEK, zone, now)
    last = last_at.astimezone(zone).replace(tzinfo=None)
    wall = last + timedelta(days=rhythm.every_days or 7)
    if wall <= local_now:
        wall = datetime.combine(local_now.date(), last.time())
    return _first_after(wall, timedelta(days=1), zone, now)


def _first_after(wall: datetime, step: timedelta, zone: ZoneInfo, now: datetime) -> datetime:
    slot = first_instant(wall, zone)
    while slot <= now:
        wall += step
        slot = first_instant(wall, zone)
    return slot


def _chosen_moment(rhythm: Rhythm, earliest: datetime) -> datetime:
    """Return the first wall time from `earliest` on that is the chosen weekday and hour."""
    days_ahead = ((rhythm.weekday or 0) - earliest.weekday()) % 7
    day = earliest.date() + timedelta(days=days_ahead)
    wall = datetime.combine(day, time(rhythm.hour or 0))
    return wall if wall >= earliest else wall + _WEEK


def known_zone(name: str, fallback: str) -> ZoneInfo:
    """Return the zone called `name`, else the one called `fallback`.

    Raises:
        ZoneInfoNotFoundError: the time zone data knows neither.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(fallback)


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) at which clocks in the zone show this wall time or later.

    A wall time that daylight saving skips becomes the first instant after the gap, one that it
    repeats the first of the two (PEP 495: fold 0 has the offset from before the change).
    """
    latest = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if latest.astimezone(zone).replace(tzinfo=None) == wall:
        return latest
    earliest = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change_between(earliest.replace(microsecond=0), latest, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the second at which the zone's offset changes, by halving."""
    old_offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        at_middle = (before + timedelta(seconds=middle)).astimezone(zone)
        low, high = (middle, high) if at_middle.utcoffset() == old_offset else (low, middle)
    return before + timedelta(seconds=high)


def _covers(pause: Pause, day: date) -> bool:
    return pause.starts_on <= day and (pause.ends_on is None or day < pause.ends_on)


def _tidied(pauses: Iterable[Pause], started_on: date) -> tuple[Pause, ...]:
    """Return the pauses in order, none before the start, overlapping ones made one."""
    tidy: list[Pause] = []
    for pause in sorted(pauses, key=lambda p: p.starts_on):
        if pause.ends_on is not None and pause.ends_on <= started_on:
            continue
        later = Pause(starts_on=max(pause.starts_on, started_on), ends_on=pause.ends_on)
        if tidy and (tidy[-1].ends_on is None or later.starts_on <= tidy[-1].ends_on):
            later = _joined(tidy.pop(), later)
        tidy.append(later)
    return tuple(tidy)


def _joined(one: Pause, other: Pause) -> Pause:
    if one.ends_on is None or other.ends_on is None:
        return Pause(starts_on=one.starts_on)
    return Pause(starts_on=one.starts_on, ends_on=max(one.ends_on, other.ends_on))
