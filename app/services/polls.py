"""What one feed shows now: its lessons, what it says of itself, its ETag and its bytes."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db.standing import Standing, read_instant
from app.services.delivery import Heard, hear, is_closed
from app.services.feeds import ServedCourse
from app.services.turns import WELCOMED, tell
from feeds.conditional import feed_etag
from feeds.identity import subscription_guid
from feeds.messages import Message, TurnKind
from feeds.template import Filling
from feeds.tokens import FeedToken


class FeedView(NamedTuple):
    """What a feed shows. `messages` are what it says of itself."""

    heard: Heard
    messages: tuple[Message, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing will follow."""
        return any(message.kind is TurnKind.COMPLETE for message in self.messages)


def look(standing: Standing, course: ServedCourse, now: datetime) -> FeedView:
    """Answer what the feed shows now; a closed address shows one item and no lesson."""
    heard = [] if is_closed(standing) else hear(standing, course, now)
    messages = () if _has_no_turns(standing, course, heard) else tell(standing, course, heard, now)
    return FeedView(heard, messages)


def _has_no_turns(standing: Standing, course: ServedCourse, heard: Heard) -> bool:
    """Whether there is nothing to tell: so it is for nearly every poll."""
    return (
        len(heard) >= WELCOMED
        and standing.ended_at is None
        and standing.pauses is None
        and course.finished_at is None
    )


def etag_of(view: FeedView, standing: Standing, course: ServedCourse, base_url: str) -> str:
    """Answer the weak ETag; nothing is rendered for it."""
    return feed_etag(
        base_url=base_url,
        course_revision=f"{course.id}.{course.revision}",
        subscription_revision=standing.revision,
        unlocked_lesson_ids=[lesson_id for _, lesson_id in view.heard],
        life_cycle_items=[message.key for message in view.messages],
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
    # In order of unlock: the last one is the newest.
    changes += [pub_at for _, pub_at in lessons[-1:]]
    changes += [message.pub_at for message in view.messages]
    return Filling(
        token=token,
        podcast_guid=subscription_guid(UUID(standing.public_id)),
        last_build_at=max(changes),
        lessons=lessons,
        messages=view.messages,
        is_complete=view.is_complete,
    )
