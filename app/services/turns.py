"""The turns in the life of one subscription, as its feed tells of them at one instant.

Dates are those of the turns, in whole seconds, and never lie ahead. Each message is newer than all
that was there before it: AntennaPod does not announce an item that is older than the newest it
knows (its FeedDatabaseWriter, read 2026-11), gPodder none that is more than a week older (its
model.py, read 2026-11). So no date of a message ever hides a lesson either.
"""

from datetime import date, datetime, time, timedelta
from typing import Final

from app.db.standing import Standing, read_instant
from app.services.delivery import (
    Heard,
    ToldPause,
    closing_kind,
    ending_kind,
    is_closed,
    pauses_of,
    to_come,
)
from app.services.feeds import ServedCourse
from app.words import say_moment
from feeds.limits import PUB_DATE_SMALL_STEP, WELCOME_BEFORE
from feeds.messages import Message, TurnKind, begun_note, waiting_note
from feeds.slots import first_instant, known_zone

# With the second lesson everybody has seen how it goes, and the welcome leaves.
WELCOMED: Final = 2
_A_DAY: Final = timedelta(days=1)


def tell(
    standing: Standing, course: ServedCourse, heard: Heard, now: datetime
) -> tuple[Message, ...]:
    """Answer what a feed says of itself. For most polls there is nothing to tell, or a welcome."""
    if is_closed(standing):
        return (_closed(standing),)
    if standing.ended_at is not None:
        return _shown((_ended(standing, heard),), heard, now)
    if course.finished_at is not None and heard:
        complete = _complete(course, heard)
        if complete is not None and complete.pub_at <= now:
            return (complete,)
    welcome = (_welcome(standing, course, heard, now),) if len(heard) < WELCOMED else ()
    if standing.pauses is None:
        return welcome
    return (*welcome, *_pauses(standing, course, heard, now))


def _closed(standing: Standing) -> Message:
    """The address was replaced or taken back: the only item of its feed."""
    return Message(
        kind=closing_kind(standing),
        pub_at=_began(standing, standing.retired_at or standing.ended_at),
    )


def _ended(standing: Standing, heard: Heard) -> Message:
    """She left, began again, or the course was ended."""
    return Message(
        kind=ending_kind(standing),
        pub_at=_after(heard, _began(standing, standing.ended_at)),
    )


def _complete(course: ServedCourse, heard: Heard) -> Message | None:
    """Nothing will follow; None: something may. Another lesson later makes it another turn."""
    if course.finished_at is None or not course.expected <= {number for _, number in heard}:
        return None
    pub_at = _after(heard, _whole(course.finished_at))
    return Message(kind=TurnKind.COMPLETE, pub_at=pub_at, number=len(heard))


def _welcome(standing: Standing, course: ServedCourse, heard: Heard, now: datetime) -> Message:
    """She has just begun, or waits for the first lesson."""
    note = begun_note(course.language) if heard else _first_lesson(standing, course, now)
    began_at = _whole(read_instant(standing.started_at))
    return Message(kind=TurnKind.WELCOME, pub_at=began_at - WELCOME_BEFORE, note=note)


def _first_lesson(standing: Standing, course: ServedCourse, now: datetime) -> str:
    coming = to_come(standing, course, now)
    if not coming:
        return waiting_note(course.language, None)
    moment = say_moment(
        coming[0].planned_at,
        zone=standing.zone,
        house_zone=course.zone,
        language=course.language,
    )
    return waiting_note(course.language, moment)


def _pauses(
    standing: Standing, course: ServedCourse, heard: Heard, now: datetime
) -> tuple[Message, ...]:
    """Whether the course is paused now, or goes on since the last pause."""
    today = now.astimezone(known_zone(standing.zone, course.zone)).date()
    begun = [
        each
        for each in pauses_of(standing)
        if each.pub_at is not None or each.days.starts_on <= today
    ]
    for pause in begun:
        if not _is_over(pause, today):
            return _shown((_paused(standing, course, heard, pause),), heard, now)
    resumed = _resumed(standing, course, heard, begun)
    return () if resumed is None else _shown((resumed,), heard, now)


def _is_over(pause: ToldPause, today: date) -> bool:
    if pause.resumed_pub_at is not None:
        return True
    return pause.days.ends_on is not None and pause.days.ends_on <= today


def _paused(standing: Standing, course: ServedCourse, heard: Heard, pause: ToldPause) -> Message:
    """Dated when she paused; two that began on one day are two turns.

    Where that is not kept, at the first moment of that day, yet after what she heard on it. The day
    then tells it from others: a count would shift when a pause that was planned is given up.
    """
    starts_on = pause.days.starts_on
    if pause.pub_at is not None:
        number = int(pause.pub_at.timestamp())
        return Message(kind=TurnKind.PAUSED, pub_at=pause.pub_at, number=number)
    day_after = _midnight(standing, course, starts_on + _A_DAY)
    before = [each for each in heard if read_instant(each[0]) < day_after]
    began_at = max(_midnight(standing, course, starts_on), _began(standing, None))
    number = starts_on.toordinal()
    return Message(kind=TurnKind.PAUSED, pub_at=_after(before, began_at), number=number)


def _resumed(
    standing: Standing, course: ServedCourse, heard: Heard, begun: list[ToldPause]
) -> Message | None:
    """It leaves when the next lesson comes; None: that has happened, or none will come."""
    spans = [
        (each.days.ends_on, each)
        for each in begun
        if each.days.ends_on and each.days.ends_on > each.days.starts_on
    ]
    if not spans or course.expected <= {number for _, number in heard}:
        return None
    ends_on, last = max(spans, key=lambda span: span[0])
    morning = _midnight(standing, course, ends_on)
    # What fell due in the pause came back with that morning, also when she went on later that day.
    if heard and read_instant(heard[-1][0]) >= morning:
        return None
    pub_at = last.resumed_pub_at or morning
    number = ends_on.toordinal() if last.pub_at is None else int(pub_at.timestamp())
    return Message(kind=TurnKind.RESUMED, pub_at=pub_at, number=number)


def _shown(messages: tuple[Message, ...], heard: Heard, now: datetime) -> tuple[Message, ...]:
    """Leave out what is dated ahead, by a second at most; but no feed is ever empty."""
    return tuple(each for each in messages if each.pub_at <= now or not heard)


def _after(heard: Heard, moment: datetime) -> datetime:
    """Answer the moment, or the second after the last lesson where that is later."""
    if not heard:
        return moment
    return max(moment, read_instant(heard[-1][0]) + PUB_DATE_SMALL_STEP)


def _began(standing: Standing, moment: str | None) -> datetime:
    """Answer the moment; nothing happened to a subscription before it began."""
    started_at = _whole(read_instant(standing.started_at))
    return started_at if moment is None else max(started_at, _whole(read_instant(moment)))


def _midnight(standing: Standing, course: ServedCourse, day: date) -> datetime:
    zone = known_zone(standing.zone, course.zone)
    return first_instant(datetime.combine(day, time()), zone)


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
