"""Who may hear what: the one decision behind feed, audio, transcript, chapters and web player.

A genuine token says which subscription asks; its standing and the course say the rest. Whatever no
rule here allows is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from app.db.standing import Standing, read_instant
from app.kinds import EndReason, RetireReason
from app.services.feeds import ServedCourse, ServedLesson, ServedRecording, ServedSpoken
from app.services.unlocks import make_anchor, make_rhythm
from app.spoken import EXTENSION, SpokenFile
from feeds.messages import TurnKind
from feeds.rhythm import (
    Anchor,
    Life,
    Override,
    Pause,
    PlannedUnlock,
    RecordedUnlock,
    RhythmKind,
    unlocked,
    upcoming,
)

Heard = list[tuple[str, int]]
"""(pub_at as ISO text, lesson id) of what is unlocked, in order of unlock."""

# A restart leaves what was heard where it is; the other reasons close the address.
_CLOSING: Final = {RetireReason.ASKED, RetireReason.LEAKED, RetireReason.REVOKED}


class Resource(StrEnum):
    """What somebody asks for with a feed token."""

    FEED = "feed"
    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    CHAPTERS = "chapters"
    PLAYER = "player"


class Verdict(StrEnum):
    """Allowed, or why not: no such thing, not yet unlocked, address taken back, taken down."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    LOCKED = "locked"
    CLOSED = "closed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. All but a feed name a lesson by its public id, as its address does.

    `number`: of the recording; None (a web player) is whichever stands there now. `extension`: as
    in the address; only audio has one that matters.
    """

    resource: Resource
    lesson: str = ""
    number: int | None = None
    extension: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict, and what it is about as far as the asker may know.

    `shipped`: what is said at a turn, where that is a recording of ours and not in the store.
    `unlocks_at`: when a locked lesson opens; None: not known.
    """

    verdict: Verdict
    lesson: ServedLesson | None = None
    recording: ServedRecording | None = None
    shipped: SpokenFile | None = None
    unlocks_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPause:
    """A pause, and the dates of what the feed says of it; None: not kept, or not said yet."""

    days: Pause
    pub_at: datetime | None
    resumed_pub_at: datetime | None


_FEED: Final = Decision(verdict=Verdict.ALLOWED)
_UNKNOWN: Final = Decision(verdict=Verdict.UNKNOWN)
_CLOSED: Final = Decision(verdict=Verdict.CLOSED)


def authorise(standing: Standing, course: ServedCourse, wanted: Wanted, now: datetime) -> Decision:
    """Decide. Of a closed address nothing is allowed but its one item, which says so."""
    spoken = course.spoken.get(wanted.lesson)
    if spoken is not None:
        return _decide_spoken(standing, course, spoken, wanted)
    if is_closed(standing):
        return _CLOSED
    if wanted.resource is Resource.FEED:
        return _FEED
    return _decide_lesson(standing, course, wanted, now)


def _decide_lesson(
    standing: Standing, course: ServedCourse, wanted: Wanted, now: datetime
) -> Decision:
    """Decide on a lesson or what belongs to it: once it is unlocked, and not before."""
    lesson = course.lessons.get(wanted.lesson)
    if lesson is None or not _has(lesson, wanted):
        return _UNKNOWN
    if all(lesson.id != lesson_id for _, lesson_id in hear(standing, course, now)):
        return _locked(standing, course, lesson, now)
    if lesson.is_removed:
        return Decision(verdict=Verdict.REMOVED, lesson=lesson)
    recording = None if wanted.number is None else lesson.recordings[wanted.number]
    return Decision(verdict=Verdict.ALLOWED, lesson=lesson, recording=recording)


def _decide_spoken(
    standing: Standing, course: ServedCourse, spoken: ServedSpoken, wanted: Wanted
) -> Decision:
    """Decide on what is said at a turn: for those whose feed says it, or did."""
    if is_closed(standing) and spoken.kind is not closing_kind(standing):
        return _CLOSED
    if wanted.resource is not Resource.AUDIO or wanted.number is None:
        return _UNKNOWN
    if not _has_come(standing, course, spoken.kind):
        return _UNKNOWN
    shipped = spoken.shipped.get(wanted.number)
    if shipped is not None and wanted.extension == EXTENSION:
        return Decision(verdict=Verdict.ALLOWED, shipped=shipped)
    recording = spoken.own.get(wanted.number)
    if recording is None or recording.extension != wanted.extension:
        return _UNKNOWN
    return Decision(verdict=Verdict.ALLOWED, recording=recording)


def _has_come(standing: Standing, course: ServedCourse, kind: TurnKind) -> bool:
    """Whether a turn of this kind is hers; what a feed said once plays on when it says it no more.

    An app may fetch an item after it has left the feed.
    """
    match kind:
        case TurnKind.WELCOME:
            return True
        case TurnKind.PAUSED | TurnKind.RESUMED:
            return standing.pauses is not None
        case TurnKind.COMPLETE:
            return course.finished_at is not None
        case TurnKind.ENDED | TurnKind.RESTARTED:
            return standing.ended_at is not None and ending_kind(standing) is kind
        case TurnKind.ADDRESS_CHANGED | TurnKind.ADDRESS_CLOSED:
            return is_closed(standing)


def closing_kind(standing: Standing) -> TurnKind:
    """Answer what a closed address says: that another took its place, or that none did."""
    is_replaced = standing.retire_reason in {RetireReason.ASKED, RetireReason.LEAKED}
    return TurnKind.ADDRESS_CHANGED if is_replaced else TurnKind.ADDRESS_CLOSED


def ending_kind(standing: Standing) -> TurnKind:
    """Answer what a feed says that came to its end: begun again elsewhere, or over."""
    is_restarted = standing.end_reason == EndReason.RESTARTED
    return TurnKind.RESTARTED if is_restarted else TurnKind.ENDED


def is_closed(standing: Standing) -> bool:
    """Whether the address was replaced or taken back; what it played plays no more."""
    return standing.retire_reason in _CLOSING or standing.end_reason == EndReason.REVOKED


def hear(standing: Standing, course: ServedCourse, now: datetime) -> Heard:
    """Answer what is unlocked now, whether the worker has written it down or not."""
    if is_settled(standing, course, now):
        return recorded_of(standing)
    life = life_of(standing, course)
    return [
        (each.pub_at.isoformat(" "), each.lesson_id) for each in unlocked(life, course.planned, now)
    ]


def is_settled(standing: Standing, course: ServedCourse, now: datetime) -> bool:
    """Whether the worker wrote down all that is unlocked by now, under the plan that holds."""
    if standing.ended_at is not None and standing.next_unlock_at is None:
        return True
    if standing.next_unlock_plan != course.plan_revision:
        return False
    return standing.next_unlock_at is None or read_instant(standing.next_unlock_at) > now


def to_come(standing: Standing, course: ServedCourse, now: datetime) -> tuple[PlannedUnlock, ...]:
    """Answer what has a date ahead, soonest first."""
    return upcoming(life_of(standing, course), course.planned, now)


def recorded_of(standing: Standing) -> Heard:
    """Answer what the worker wrote down."""
    return _pairs(standing.unlocks)


def pauses_of(standing: Standing) -> tuple[ToldPause, ...]:
    """Answer the pauses of a subscription, in order."""
    if standing.pauses is None:
        return ()
    spans = sorted(each.split("/") for each in standing.pauses.split(","))
    return tuple(
        ToldPause(
            days=Pause(
                starts_on=date.fromisoformat(first),
                ends_on=date.fromisoformat(resumes) if resumes else None,
            ),
            pub_at=_instant(pub_at or None),
            resumed_pub_at=_instant(resumed_pub_at or None),
        )
        for first, resumes, pub_at, resumed_pub_at in spans
    )


def life_of(standing: Standing, course: ServedCourse) -> Life:
    """Answer what decides when lessons unlock for this subscription."""
    rhythm = course.rhythm
    if standing.pace_kind is not None and rhythm.kind is not RhythmKind.FIXED_DATES:
        rhythm = make_rhythm(
            RhythmKind(standing.pace_kind),
            standing.pace_every_days,
            standing.pace_weekday,
            standing.pace_hour,
        )
    return Life(
        rhythm=rhythm,
        zone=standing.zone,
        course_zone=course.zone,
        started_at=read_instant(standing.started_at),
        pauses=tuple(each.days for each in pauses_of(standing)),
        overrides=tuple(
            Override(lesson_id=lesson_id, unlock_at=read_instant(text))
            for text, lesson_id in _pairs(standing.overrides)
        ),
        recorded=tuple(_recorded(recorded_of(standing))),
        ended_at=_instant(standing.ended_at),
        anchor=_anchor_of(standing),
    )


def _pairs(text: str | None) -> Heard:
    """Read instants with the id of a lesson, in order."""
    if text is None:
        return []
    # All dates are written alike, so their texts are in order when they are.
    cut = [each.rpartition(" ") for each in sorted(text.split(","))]
    return [(instant, int(lesson_id)) for instant, _, lesson_id in cut]


def _anchor_of(standing: Standing) -> Anchor | None:
    slot_at, since = _instant(standing.pace_slot_at), _instant(standing.paced_at)
    return make_anchor(standing.pace_place, slot_at, since)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else read_instant(text)


def _recorded(heard: Heard) -> Iterable[RecordedUnlock]:
    """Unlocks as the rhythm wants them; when one was planned changes nothing once it is there."""
    for text, lesson_id in heard:
        pub_at = read_instant(text)
        yield RecordedUnlock(lesson_id=lesson_id, unlocked_at=pub_at, pub_at=pub_at)


def _has(lesson: ServedLesson, wanted: Wanted) -> bool:
    """Whether the lesson has what is asked for, locked or not."""
    if wanted.number is None:
        return wanted.resource is Resource.PLAYER
    recording = lesson.recordings.get(wanted.number)
    if recording is None:
        return False
    return {
        Resource.AUDIO: recording.extension == wanted.extension,
        Resource.TRANSCRIPT: lesson.has_transcript,
        Resource.CHAPTERS: lesson.has_chapters,
        Resource.PLAYER: True,
    }.get(wanted.resource, False)


def _locked(
    standing: Standing, course: ServedCourse, lesson: ServedLesson, now: datetime
) -> Decision:
    """A lesson that is on its way is locked; one that never comes to her does not exist."""
    if lesson.id not in course.expected:
        return _UNKNOWN
    dates = {each.lesson_id: each.planned_at for each in to_come(standing, course, now)}
    return Decision(verdict=Verdict.LOCKED, lesson=lesson, unlocks_at=dates.get(lesson.id))
