"""What one feed shows now: its lessons, what it says of itself, its ETag and its bytes."""

from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from app.db.standing import Standing, read_instant
from app.kinds import EndReason, RetireReason
from app.services.delivery import Heard, hear, is_closed, pauses_of, to_come
from app.services.feeds import ServedCourse, my_page_url
from app.words import say_moment
from feeds.conditional import feed_etag
from feeds.identity import subscription_guid
from feeds.messages import (
    Turn,
    address_changed_item,
    address_closed_item,
    complete_item,
    ended_item,
    paused_item,
    restarted_item,
    welcome_item,
)
from feeds.model import Item
from feeds.slots import first_instant, known_zone
from feeds.template import Filling
from feeds.tokens import FeedToken

# So that the last lesson and the word that it was the last have dates of their own.
_AFTER_THE_LAST: Final = timedelta(seconds=1)


class FeedView(NamedTuple):
    """What a feed shows. `messages` are the items about the feed itself."""

    heard: Heard
    messages: tuple[Item, ...]
    is_complete: bool


def look(standing: Standing, course: ServedCourse, now: datetime, base_url: str) -> FeedView:
    """Answer what the feed shows now; a closed address shows one item and no lesson."""
    heard = [] if is_closed(standing) else hear(standing, course, now)
    if heard and _has_no_turns(standing, course):
        return FeedView(heard, (), False)
    return _with_turns(standing, course, heard, _Teller(standing, course, now, base_url))


def _has_no_turns(standing: Standing, course: ServedCourse) -> bool:
    """Whether there is nothing to tell: so it is for nearly every poll."""
    return standing.ended_at is None and standing.pauses is None and course.finished_at is None


def _with_turns(
    standing: Standing, course: ServedCourse, heard: Heard, told: "_Teller"
) -> FeedView:
    if is_closed(standing):
        return FeedView([], (told.closed(),), False)
    if standing.ended_at is not None:
        return FeedView(heard, (told.ended(),), False)
    done_at = _complete_at(course, heard)
    if done_at is not None and done_at <= told.now:
        return FeedView(heard, (told.complete(done_at),), True)
    return FeedView(heard, told.turns(heard), False)


def etag_of(view: FeedView, standing: Standing, course: ServedCourse, base_url: str) -> str:
    """Answer the weak ETag; nothing is rendered for it."""
    return feed_etag(
        base_url=base_url,
        course_revision=f"{course.id}.{course.revision}",
        subscription_revision=standing.revision,
        unlocked_lesson_ids=[lesson_id for _, lesson_id in view.heard],
        life_cycle_items=[each.guid + each.description for each in view.messages],
    )


def render_feed_of(
    view: FeedView, standing: Standing, course: ServedCourse, token: FeedToken
) -> bytes:
    """Answer the feed's bytes."""
    return course.compiled.fill(filling_of(view, standing, course, token))


def filling_of(
    view: FeedView, standing: Standing, course: ServedCourse, token: FeedToken
) -> Filling:
    """Answer what is this subscription's own in its feed."""
    lessons = tuple(
        (lesson_id, read_instant(pub_at))
        for pub_at, lesson_id in view.heard
        if lesson_id in course.template.lessons
    )
    changes = [course.revised_at, read_instant(standing.revised_at)]
    changes += [pub_at for _, pub_at in lessons]
    changes += [message.pub_at for message in view.messages]
    return Filling(
        token=token,
        podcast_guid=subscription_guid(UUID(standing.public_id)),
        last_build_at=max(changes),
        lessons=lessons,
        messages=view.messages,
        is_complete=view.is_complete,
    )


def _complete_at(course: ServedCourse, heard: Heard) -> datetime | None:
    """When the course was complete for this subscription; None: more may come."""
    if course.finished_at is None or not heard:
        return None
    if not course.expected <= {lesson_id for _, lesson_id in heard}:
        return None
    last = read_instant(heard[-1][0]) + _AFTER_THE_LAST
    return max(course.finished_at, last)


class _Teller:
    """Says what happened to one subscription."""

    def __init__(
        self, standing: Standing, course: ServedCourse, now: datetime, base_url: str
    ) -> None:
        self._standing = standing
        self._course = course
        self.now = now
        self._page = my_page_url(base_url)

    def closed(self) -> Item:
        """The address was replaced or taken back."""
        turn = self._turn(self._standing.retired_at or self._standing.ended_at)
        if self._standing.retire_reason in {RetireReason.ASKED, RetireReason.LEAKED}:
            return address_changed_item(turn)
        return address_closed_item(turn)

    def ended(self) -> Item:
        """She left, began again, or the course was ended."""
        turn = self._turn(self._standing.ended_at)
        if self._standing.end_reason == EndReason.RESTARTED:
            return restarted_item(turn)
        return ended_item(turn)

    def complete(self, done_at: datetime) -> Item:
        """Nothing will follow."""
        return complete_item(self._turn(done_at))

    def turns(self, heard: Heard) -> tuple[Item, ...]:
        """Whether it is paused; and a welcome while there is nothing to hear."""
        paused = self._paused()
        if heard:
            return (paused,) if paused else ()
        return (self._welcome(), paused) if paused else (self._welcome(),)

    def _welcome(self) -> Item:
        coming = to_come(self._standing, self._course, self.now)
        moment = None
        if coming:
            moment = say_moment(
                coming[0].planned_at,
                zone=self._standing.zone,
                house_zone=self._course.zone,
                language=self._course.language,
            )
        return welcome_item(self._turn(self._standing.started_at), moment)

    def _paused(self) -> Item | None:
        zone = known_zone(self._standing.zone, self._course.zone)
        today = self.now.astimezone(zone).date()
        for number, pause in enumerate(pauses_of(self._standing), start=1):
            is_over = pause.ends_on is not None and pause.ends_on <= today
            if pause.starts_on <= today and not is_over:
                since = first_instant(datetime.combine(pause.starts_on, time()), zone)
                return paused_item(self._turn(since, number))
        return None

    def _turn(self, happened_at: datetime | str | None, number: int = 1) -> Turn:
        started_at = read_instant(self._standing.started_at)
        if isinstance(happened_at, str):
            happened_at = read_instant(happened_at)
        return Turn(
            public_id=UUID(self._standing.public_id),
            happened_at=max(started_at, happened_at or started_at),
            language=self._course.language,
            my_page_url=self._page,
            number=number,
        )
